"""The web server's settings (gunicorn): https://gunicorn.org/reference/settings/."""

# ruff: noqa: E402
# First of all: psycopg decides when it is imported whether it waits gevent's way.
from gevent import monkey

monkey.patch_all()

import os
from pathlib import Path
from typing import Any

import gevent

from config import from_environment

settings = from_environment()
bind = f"[{settings.bind}]:{settings.port}" if ":" in settings.bind else f"{settings.bind}:{settings.port}"

# Open event streams and slow clients cost a greenlet each, not a process or a thread.
worker_class = "gevent"
workers = settings.web_processes or min(os.cpu_count() or 1, 4)
worker_connections = 2000

# What still runs when a worker stops. Open pages do not: they are let go at once (post_worker_init).
graceful_timeout = 5
timeout = 30
keepalive = 5

# Longer ones are refused before the application sees them; a session cookie and our paths are far shorter.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

# The workers' heartbeat must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a file without a name there

# Say what goes wrong; the application writes its own log of requests.
loglevel = "warning"
accesslog = None

# The application itself reads X-Forwarded-*, as far as TRUSTED_PROXIES lets it.
forwarded_allow_ips = ""

# No socket for remote control: it would be a stray file in the home directory and one more way in.
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Let the open pages go when the worker is told to stop: they come back by themselves, to another one."""
    gevent.spawn(_drain, worker)


def _drain(worker: Any) -> None:
    while worker.alive:
        gevent.sleep(0.1)
    worker.wsgi.extensions["live"].stop()
