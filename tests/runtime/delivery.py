"""Delivering mail in tests, by the test itself or by a worker process, and watching it."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import emails
from runtime import mailer
from runtime.children import dies_with_parent
from tests.runtime.mail_server import PATIENCE

ROOT = Path(__file__).parents[2]


def deliver(app):
    """Be the worker until nothing is due."""
    with app.app_context():
        return mailer.deliver_due(emails.render)


def listeners(query):
    return {
        pid
        for (pid,) in query(
            "SELECT pid FROM pg_stat_activity"
            " WHERE application_name = 'freehold outgoing_mail' AND datname = current_database()"
        )
    }


def eventually(true):
    """Wait until something is true; between two looks a worker has time to go on to its next step."""
    for _ in range(PATIENCE * 20):
        if true():
            return
        threading.Event().wait(0.05)
    raise AssertionError("It never was.")


@contextmanager
def worker_process(settings, *options):
    """Run `flask mail deliver` with a test's settings; whatever happens, it is gone afterwards."""
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")} | {
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "BASE_URL": settings.base_url,
        "MAIL_FROM": settings.mail_from,
        "SMTP_URL": settings.smtp_url,
    }
    command = [sys.executable, "-m", "flask", "--app", "app", "mail", "deliver", *options]
    worker = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        preexec_fn=dies_with_parent(signal.SIGKILL),  # noqa: PLW1509 - it only makes one system call
    )
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()
