"""The application with one mistake in it, which the variable MISTAKE names: each check must find its own."""

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import psycopg
from flask import Flask
from werkzeug.test import run_wsgi_app

import app
from models.identity import Identity
from models.outgoing_mail import OutgoingMail
from models.tenant import TenantConnection
from runtime.patience import PatientConnection

Answer = tuple[Iterable[bytes], str, Any]
UNAVAILABLE = "503 SERVICE UNAVAILABLE"


def create_app() -> Flask:
    """Make it."""
    made, mistake = app.create_app(), os.environ["MISTAKE"]
    if mistake in IN_ANSWERS:
        made.wsgi_app = _answering(made.wsgi_app, IN_ANSWERS[mistake])  # type: ignore[method-assign]
    else:
        INSIDE[mistake]()
    return made


def _answering(wsgi_app: Any, err: Callable[[Any, Answer], Answer]) -> Any:
    def answer(environ: Any, start_response: Any) -> Iterable[bytes]:
        body, status, headers = err(environ, run_wsgi_app(wsgi_app, environ, buffered=True))
        start_response(status, list(headers))
        return body

    return answer


# --- in what is answered ---------------------------------------------------------------------------------------

_seen: dict[tuple[str, str], Answer] = {}
_failed: list[str] = []


def _let_in(environ: Any, answer: Answer) -> Answer:
    """Show the page that the same browser was shown last."""
    page = environ["PATH_INFO"], environ.get("HTTP_COOKIE", "")
    if environ["REQUEST_METHOD"] == "GET" and answer[1] != UNAVAILABLE:
        _seen[page] = list(answer[0]), *answer[1:]
    return _seen.get(page, answer) if answer[1] == UNAVAILABLE else answer


def _say_500(_environ: Any, answer: Answer) -> Answer:
    """Have no words for it."""
    return ([b"Internal Server Error"], "500 INTERNAL SERVER ERROR", []) if answer[1] == UNAVAILABLE else answer


def _acknowledge(environ: Any, answer: Answer) -> Answer:
    """Take every form, and hope."""
    hoping = answer[1] == UNAVAILABLE and environ["REQUEST_METHOD"] == "POST"
    return ([], "303 SEE OTHER", [("Location", "/orgs")]) if hoping else answer


def _stay_away(environ: Any, answer: Answer) -> Answer:
    """Never try again."""
    if answer[1] == UNAVAILABLE:
        _failed.append(environ["PATH_INFO"])
    return ([], UNAVAILABLE, [("Retry-After", "5")]) if _failed else answer


IN_ANSWERS: dict[str, Callable[[Any, Answer], Answer]] = {
    "lets in": _let_in,
    "says 500": _say_500,
    "acknowledges": _acknowledge,
    "stays away": _stay_away,
}

# --- inside ----------------------------------------------------------------------------------------------------


def _wait() -> None:
    """Wait for the database as long as it takes."""
    patch.object(PatientConnection, "wait", TenantConnection.wait).start()


def _write_step_by_step() -> None:
    """Begin no transaction: each statement stays by itself."""
    execute = psycopg.Cursor.execute

    def without_begin(cursor: Any, query: Any, *given: Any, **options: Any) -> Any:
        return execute(cursor, "SELECT 1" if query == "BEGIN" else query, *given, **options)

    patch.object(psycopg.Cursor, "execute", without_begin).start()


def _go_by_own_clock() -> None:
    """Judge a session's age by the application's own clock."""
    load = Identity.load

    def judged(sid: str, slug: str | None) -> Identity | None:
        found = load(sid, slug)
        return found if found and abs(datetime.now(UTC) - found.logged_in_at) < timedelta(hours=12) else None

    patch.object(Identity, "load", judged).start()


def _forget_mail() -> None:
    """Take a mail that could not be sent as sent."""
    patch.object(OutgoingMail, "failed", lambda mail, *_: mail.sent()).start()


INSIDE: dict[str, Callable[[], None]] = {
    "waits": _wait,
    "writes step by step": _write_step_by_step,
    "goes by its own clock": _go_by_own_clock,
    "forgets mail": _forget_mail,
}
