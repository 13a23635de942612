"""Serve the application: `python -m runtime.serve`, which `bin/serve` runs.

Starts the embedded database unless DATABASE_URL names one, brings it up to date, and runs the web server until it
is told to stop.
"""

import http.client
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from config import INSTANCE, Settings, SettingsError, from_environment
from runtime.address import CannotServe, check_address
from runtime.checks import answers
from runtime.child import ROOT, CommandFailed, flask
from runtime.children import dies_with_parent
from runtime.postgres import EmbeddedPostgres, PostgresError

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
START_SECONDS = 60.0
STOP_SECONDS = 15.0
HANDOVER_SECONDS = 1.0  # a server that was killed a moment ago is still letting go
LOOK_SECONDS = 0.05


class Stopped(Exception):
    """We were asked to stop."""


def main() -> int:
    """Serve until a signal asks us to stop; return the exit code."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    for name in STOP_SIGNALS:
        signal.signal(name, _stop)
    try:
        settings = from_environment()
        check_address(settings.bind, settings.port)
        with database(settings) as server:
            if answers(os.environ["DATABASE_URL"]):
                migrate()  # else the web server says so, and looks for it
            serve(settings, server)
    except Stopped:
        return 0
    except (SettingsError, PostgresError, CannotServe) as problem:
        print(problem, file=sys.stderr)
    return 1


def _stop(number: int, _frame: object) -> None:
    """Leave whatever is going on, once; further signals must not interrupt the way out."""
    for name in STOP_SIGNALS:
        signal.signal(name, signal.SIG_IGN)
    raise Stopped(number)


@contextmanager
def database(settings: Settings) -> Iterator[EmbeddedPostgres | None]:
    """Run the embedded server, whose address becomes DATABASE_URL; give None where DATABASE_URL names another."""
    if settings.database_url:
        yield None
        return
    server = EmbeddedPostgres(INSTANCE)
    os.environ["DATABASE_URL"] = server.start(wait=HANDOVER_SECONDS)
    try:
        yield server
    finally:
        server.stop()


def migrate() -> None:
    """Bring the database's tables up to date; quiet unless it fails.

    Raises:
        CannotServe: with what the migration said.
    """
    try:
        flask("db", "upgrade")
    except CommandFailed as failure:
        raise CannotServe(f"The database could not be brought up to date:\n{failure}") from None


def serve(settings: Settings, server: EmbeddedPostgres | None) -> None:
    """Run the web server, and the embedded database should it die, until we are asked to stop.

    Raises:
        CannotServe: if the web server ends by itself.
    """
    web = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:create_app()"],
        cwd=ROOT,
        start_new_session=True,  # Ctrl-C in the terminal is for us, and we pass it on in order
        # At once: without us the database is gone too, and the port is wanted by the next start.
        preexec_fn=dies_with_parent(signal.SIGQUIT),  # noqa: PLW1509 - it only makes one system call
    )
    try:
        _await_answer(web, settings.bind, settings.port)
        print(_welcome(settings, server), flush=True)
        while web.poll() is None:
            if server and not server.running:
                start_again(server)
            time.sleep(0.5)
    finally:
        _end(web)
    raise CannotServe(f"The web server ended by itself (exit code {web.returncode}).")


def start_again(server: EmbeddedPostgres) -> None:
    """Start the database that died. What keeps it from starting, a full disk for example, may pass: we go on meanwhile.

    Pages answer that they cannot be shown, and it is tried again half a second later.
    """
    print("The database died; starting it again.", file=sys.stderr, flush=True)
    try:
        server.start()
    except (PostgresError, OSError) as problem:
        print(problem, file=sys.stderr, flush=True)


def _await_answer(web: subprocess.Popen[bytes], host: str, port: int) -> None:
    """Wait until the application answers a request."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not bound to
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and web.poll() is None:
        try:
            connection = http.client.HTTPConnection(target, port, timeout=START_SECONDS)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            time.sleep(LOOK_SECONDS)
        else:
            return
    raise CannotServe("The web server did not start; what it said is above.")


def _welcome(settings: Settings, server: EmbeddedPostgres | None) -> str:
    lines = ["", f"  Freehold is ready: {settings.base_url}"]
    if not settings.production and not settings.sends_mail:
        lines.append(f"  Its mails:         {settings.base_url}/dev/mail")
    if server:
        lines.append(f"  Its database:      {server.data}")
    return "\n".join([*lines, "  Stop it with Ctrl-C.", ""])


def _end(web: subprocess.Popen[bytes]) -> None:
    """Stop the web server: let it finish its requests, but not for ever."""
    web.terminate()
    try:
        web.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        web.kill()
        web.wait()


if __name__ == "__main__":
    sys.exit(main())
