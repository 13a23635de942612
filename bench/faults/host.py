"""A throwaway host: PostgreSQL as careful as the production default, the production server, and its people."""

import http.client
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from flask import Flask

from app import create_app
from bench.peers.processes import tree
from bench.streams import fill
from config import Settings
from runtime.postgres import EmbeddedPostgres
from tests.browser.server import SECRET_KEY, Server, free_port

PEOPLE = 200
HOME = "http://localhost"  # the BASE_URL of tests


class Careless(Server):
    """The production server with a mistake in it, which a check must find."""

    command = (*Server.command[:-1], "bench.faults.careless:create_app()")


@dataclass
class Host:
    """What runs."""

    postgres: EmbeddedPostgres
    server: Server
    cookies: list[str]
    replaced_by: int = 0  # the process that took over from the server's

    @property
    def port(self) -> int:
        return int(self.server.url.rsplit(":", 1)[1])

    @property
    def workers(self) -> set[int]:
        """The processes that answer, without the one that has them."""
        found = [pid for pid in tree(self.server.pid) if b"gunicorn" in command_line(pid)]
        return {*sorted(found)[1:]}

    def end(self) -> None:
        """End what took over; the server itself ends by itself."""
        if self.replaced_by:
            os.kill(self.replaced_by, signal.SIGTERM)

    def superuser(self) -> psycopg.Connection[tuple[object, ...]]:
        """Look at the application's database as somebody whom nothing stops."""
        return psycopg.connect(self.postgres.url("postgres", "freehold"), autocommit=True)


def command_line(pid: int) -> bytes:
    """What a process was started with; nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextmanager
def host(mistake: str = "", people: int = PEOPLE, **settings: str) -> Iterator[Host]:
    """Run one, with two workers.

    Args:
        mistake: of bench.faults.careless, for a control.
        people: how many are logged in.
        settings: of the server.
    """
    with (
        TemporaryDirectory(prefix="freehold-faults-") as home,
        database(Path(home)) as postgres,
    ):
        kind = Careless if mistake else Server
        with kind(postgres.url(), free_port(), "smtp://127.0.0.1:1", MISTAKE=mistake, **settings) as server:
            yield Host(postgres, server, fill(postgres.url(), people))


def database(home: Path) -> EmbeddedPostgres:
    """A server of the production defaults, but small, in a directory that root's servers may enter."""
    home.chmod(0o711)
    return EmbeddedPostgres(home, settings={"shared_buffers": "32MB", "max_connections": "40"})


def asking(server: Server, database_url: str) -> Flask:
    """Make the application whose test clients ask the server, as tests ask it; its models write to the database."""
    chosen = Settings(
        database_url=database_url,
        secret_key=SECRET_KEY,
        base_url=HOME,
        mail_worker=False,
        argon2_memory_kib=8,
        argon2_passes=1,
    )
    app, port = create_app(chosen), int(server.url.rsplit(":", 1)[1])

    def ask(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        path = environ["PATH_INFO"] + ("?" + environ["QUERY_STRING"] if environ["QUERY_STRING"] else "")
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        headers["Content-Type"] = environ.get("CONTENT_TYPE", "")
        connection.request(environ["REQUEST_METHOD"], path, environ["wsgi.input"].read(), headers)
        answer = connection.getresponse()
        start_response(f"{answer.status} {answer.reason}", answer.getheaders())
        return [answer.read()]

    app.wsgi_app = ask  # type: ignore[method-assign]
    return app
