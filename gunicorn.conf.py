"""The web server's settings (gunicorn): https://gunicorn.org/reference/settings/."""

# ruff: noqa: E402
# First of all: psycopg decides when it is imported whether it waits gevent's way.
from gevent import monkey

monkey.patch_all()

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# The workers' heartbeat must not wait for a disk, nor must what they count (runtime.metrics). That has a directory of
# this very process, new at its start and kept by a reload; prometheus_client looks for it when it is imported.
memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - names there cannot be foreseen
worker_tmp_dir = memory
COUNTED = "PROMETHEUS_MULTIPROC_DIR"
mine = f"freehold-{os.getpid()}-"
if mine not in os.environ.get(COUNTED, ""):
    os.environ[COUNTED] = tempfile.mkdtemp(prefix=mine, dir=memory)

from prometheus_client.multiprocess import mark_process_dead

from config import SettingsError, from_environment
from runtime import logs
from runtime.children import dies_with_parent

try:
    settings = from_environment()
except SettingsError as problem:
    sys.exit(str(problem))
del sys.modules["config"]  # after a reload (SIGHUP) the workers run what is there then
bind = f"[{settings.bind}]:{settings.port}" if ":" in settings.bind else f"{settings.bind}:{settings.port}"

# Open event streams and slow clients cost a greenlet each, not a process or a thread.
worker_class = "runtime.worker.Worker"
workers = settings.web_processes or min(os.cpu_count() or 1, 4)
worker_connections = 2000

# Seconds that a connection may stay open between two requests, and that a request's head may take.
keepalive = 5

# What still runs when a worker stops, and what still arrives (runtime/worker.py). Open pages are let go at once.
graceful_timeout = 12
timeout = 30

# Longer ones are refused before the application sees them; a session cookie and our paths are far shorter.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

# Say what goes wrong; the application writes its own log of requests, and all lines look alike.
loglevel = "warning"
accesslog = None
logconfig_dict = logs.configuration(production=settings.production)

# The application itself reads X-Forwarded-*, as far as TRUSTED_PROXIES lets it.
forwarded_allow_ips = ""

# No socket for remote control: it would be a stray file in the home directory and one more way in.
control_socket_disable = True


def on_starting(_server: object) -> None:
    """Say what is wrong with the database at the start, not at the first request.

    One that is away keeps nothing from starting: it is looked at when it answers, and pages say 503 until then. Another
    process looks, so that this one holds none of the code that a reload replaces.
    """
    look = [sys.executable, "-m", "runtime.checks"]
    found = subprocess.run(look, check=False).returncode
    if found == os.EX_TEMPFAIL:
        subprocess.Popen([*look, "wait"], preexec_fn=dies_with_parent(signal.SIGTERM))  # noqa: PLW1509 - one system call
    elif found:
        sys.exit(found)


def child_exit(_server: object, worker: Any) -> None:
    """Forget what a worker that ended had open; what it counted stays in the sum."""
    mark_process_dead(worker.pid)


def on_exit(_server: object) -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ[COUNTED], ignore_errors=True)


def pre_exec(master: Any) -> None:
    """Let a new master (SIGUSR2) find Python's `http`: started by its file, as it would be, it finds gunicorn's."""
    master.START_CTX["args"] = [sys.executable, "-m", "gunicorn", *sys.argv[1:]]
