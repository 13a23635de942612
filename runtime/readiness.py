"""Whether this host can serve, and why not: looked at anew each time that somebody asks."""

import contextvars
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass

import psycopg
from flask import Flask, current_app
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnection

from models import OutgoingMail, db
from runtime import checks

OK, WARNING, FAILING = "ok", "warning", "failing"
PATIENCE = 2.0  # seconds for all checks together
LATE = 300.0  # seconds after which mail that waits is worth a word; a worker that is well takes some at once


@dataclass(frozen=True)
class Check:
    """What one check found. `reason` is for whoever runs the host, and anybody may read it."""

    state: str
    reason: str


class Readiness:
    """The checks of an application, each of which needs the ones before it."""

    def __init__(self, app: Flask) -> None:
        """Look at an application."""
        self._app = app
        # One at a time, and one thread: whoever asks while the database hangs waits for it, and leaves nothing behind.
        self._looking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readiness")

    def look(self) -> dict[str, Check]:
        """Return what each check found, by its name, within PATIENCE."""
        deadline, found = time.monotonic() + PATIENCE, dict[str, Check]()
        for name, check in CHECKS.items():
            found[name] = self._within(deadline, check)
            if found[name].state == FAILING:
                break
        return found

    def _within(self, deadline: float, check: Callable[[], Check]) -> Check:
        future: Future[Check] = self._looking.submit(contextvars.copy_context().run, self._in_app, check)
        try:
            return future.result(max(deadline - time.monotonic(), 0))
        except NotInTime:
            future.cancel()
            return Check(FAILING, f"The database did not answer within {PATIENCE:g} seconds.")
        except NoConnection:
            return Check(FAILING, "No database connection was free.")
        except (DBAPIError, psycopg.OperationalError):
            return Check(FAILING, "The database cannot be reached.")

    def _in_app(self, check: Callable[[], Check]) -> Check:
        with self._app.app_context():
            return check()


def _database() -> Check:
    if db.session.scalar(text("SELECT current_setting('transaction_read_only') = 'on'")):
        return Check(FAILING, "The database can only be read: it is a standby, or was set so.")
    return Check(OK, "The database answers, and can be written to.")


def _schema() -> Check:
    try:
        applied = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:  # no such table yet, or none that the web role may read
        applied = None
    if checks.behind(applied):
        return Check(FAILING, f"The database is at revision {applied}; this code needs {checks.head()}.")
    return Check(OK, f"The database is at revision {applied}, and this code needs {checks.head()}.")


def _mail() -> Check:
    """Mail that is late keeps nobody from working, and every other host from being asked would not help it."""
    worker = current_app.extensions.get("mail")
    queue = OutgoingMail.waiting()
    minutes = f"for {queue.oldest / 60:.0f} minutes"
    if worker and not worker.is_alive():
        return Check(WARNING, "The mail worker of this process has ended. Restart it.")
    if queue.failing:
        return Check(WARNING, f"Mail has waited {minutes}: the mail server refuses it, or cannot be reached.")
    if queue.oldest > LATE:
        return Check(WARNING, f"Mail has waited {minutes}: nothing delivers it, or it is more than can be delivered.")
    return Check(OK, "No mail is late.")


CHECKS = {"database": _database, "schema": _schema, "mail": _mail}
