"""What runs: PostgreSQL, PgBouncer, two servers and HAProxy, by the files of hosting/ with other addresses."""

import grp
import os
import pwd
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from email import message_from_bytes
from pathlib import Path
from typing import Any

import psycopg
from aiosmtpd.controller import Controller
from flask import Flask

from app import create_app
from config import Settings
from models import db
from runtime.database import WEB_ROLE
from runtime.postgres import EmbeddedPostgres, throwaway
from tests.browser.server import SECRET_KEY, Server, free_port

HOSTING = Path(__file__).resolve().parents[2] / "hosting"
DATABASE = PASSWORD = "freehold"
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
PATIENCE = 60.0  # seconds until what must come is missed


@dataclass
class Place:
    """Everything that runs, and where."""

    postgres: EmbeddedPostgres
    pooled: str  # the database's address through PgBouncer
    pgbouncer: int  # its process
    servers: list[Server]
    inboxes: list["Inbox"]  # of each server
    front: str  # HAProxy's address
    stats: Path  # its socket

    @property
    def direct(self) -> str:
        """The database's address past PgBouncer, as the web role."""
        return self.postgres.url(WEB_ROLE, DATABASE)

    @property
    def owner(self) -> str:
        """The same as the tables' owner."""
        return self.postgres.url("freehold", DATABASE)

    def retries(self) -> int:
        """How often HAProxy asked again."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(self.stats))
            admin.sendall(b"show stat\n")
            lines = admin.makefile().read().lstrip("# ").splitlines()
        names = lines[0].split(",")
        rows = [dict(zip(names, line.split(","), strict=True)) for line in lines[1:] if line]
        return sum(int(row["wretr"]) for row in rows if row["svname"] == "BACKEND")


class Inbox:
    """A mail server that takes a moment, so that several workers have something to do; counts mails by recipient."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        time.sleep(0.02)
        self.taken[str(message_from_bytes(envelope.content)["To"])] += 1
        return "250 taken"

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.controller.port}"


@contextmanager
def everything() -> Iterator[Place]:
    """Start it all, and stop it afterwards."""
    with ExitStack() as running:
        postgres = running.enter_context(throwaway(DURABLE))
        _make_roles(postgres)
        pgbouncer, pooled = running.enter_context(pooler(postgres))
        front, inboxes = free_port(), [Inbox(), Inbox()]
        servers = []
        for inbox in inboxes:
            inbox.controller.start()
            running.callback(inbox.controller.stop)
            server = server_at(postgres, pooled, inbox.url, BASE_URL=f"http://localhost:{front}")
            servers.append(running.enter_context(server))
        stats = running.enter_context(_haproxy(front, servers))
        yield Place(postgres, pooled, pgbouncer, servers, inboxes, f"http://localhost:{front}", stats)


@contextmanager
def application(url: str) -> Iterator[Flask]:
    """The application in this process, on a database's address through PgBouncer."""
    chosen = Settings(database_url=url, database_prepare=False, secret_key=SECRET_KEY, mail_worker=False)
    app = create_app(replace(chosen, argon2_memory_kib=8, argon2_passes=1))
    yield app
    with app.app_context():
        db.engine.dispose()


def server_at(postgres: EmbeddedPostgres, url: str, smtp_url: str, **settings: str) -> Server:
    """Return a production server on a database's address, which need not be PostgreSQL's own."""
    around = {
        "FREEHOLD_ENV": "production",
        "DATABASE_PREPARE": "off",
        "DATABASE_LISTEN_URL": postgres.url(WEB_ROLE, DATABASE),
        "DATABASE_OWNER_URL": postgres.url("freehold", DATABASE),
        "TRUSTED_PROXIES": "1",
    }
    return Server(url, free_port(), smtp_url, **{**around, **settings})


@contextmanager
def pooler(postgres: EmbeddedPostgres, **settings: str) -> Iterator[tuple[int, str]]:
    """Run PgBouncer by hosting/pgbouncer.ini, as PostgreSQL's own user; give its process and the database's address.

    Args:
        postgres: behind it.
        settings: other ones than the file has.
    """
    port, files = free_port(), postgres.data.stat()
    with tempfile.TemporaryDirectory(prefix="freehold-pgbouncer-") as home:
        os.chown(home, files.st_uid, files.st_gid)
        users = Path(home) / "userlist.txt"
        users.write_text(f'"{WEB_ROLE}" "{PASSWORD}"\n')
        changed = {
            "host=127.0.0.1": f"host={_socket_directory(postgres)}",
            "listen_port = 6432": f"listen_port = {port}",
            "/var/run/postgresql/": f"{home}/",
            "/var/log/postgresql/": f"{home}/",
            "/etc/pgbouncer/userlist.txt": str(users),
        }
        text = _with((HOSTING / "pgbouncer.ini").read_text(), changed)
        file = Path(home) / "pgbouncer.ini"
        file.write_text(text + "".join(f"{name} = {value}\n" for name, value in settings.items()))
        account: Any = {"user": files.st_uid, "group": files.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        with _process(["/usr/sbin/pgbouncer", "--quiet", str(file)], **account) as process:
            until(lambda: _listens(port), "PgBouncer")
            yield process.pid, f"postgresql://{WEB_ROLE}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}"


@contextmanager
def _haproxy(port: int, servers: list[Server]) -> Iterator[Path]:
    """Run HAProxy by hosting/haproxy.cfg; give its socket."""
    with tempfile.TemporaryDirectory(prefix="freehold-haproxy-") as home:
        stats = Path(home) / "admin.sock"
        environment = {
            **os.environ,
            "HAPROXY_SOCKET": str(stats),
            "HAPROXY_BIND": f"127.0.0.1:{port}",
            "FREEHOLD_ONE": servers[0].url.removeprefix("http://").replace("localhost", "127.0.0.1"),
            "FREEHOLD_TWO": servers[1].url.removeprefix("http://").replace("localhost", "127.0.0.1"),
        }
        if os.geteuid() != 0:
            me = pwd.getpwuid(os.geteuid())
            environment |= {"HAPROXY_USER": me.pw_name, "HAPROXY_GROUP": grp.getgrgid(me.pw_gid).gr_name}
        with _process(["/usr/sbin/haproxy", "-f", str(HOSTING / "haproxy.cfg")], env=environment):
            until(lambda: _listens(port), "HAProxy")
            yield stats


def _make_roles(postgres: EmbeddedPostgres) -> None:
    """Let the web role log in by itself."""
    with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {WEB_ROLE} LOGIN")
        admin.execute(f"GRANT {WEB_ROLE} TO freehold")


def _socket_directory(postgres: EmbeddedPostgres) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(postgres.url())["host"])


def _with(text: str, changed: dict[str, str]) -> str:
    for there, here in changed.items():
        assert there in text, f"the file does not say {there!r}"
        text = text.replace(there, here)
    return text


@contextmanager
def _process(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(command, **options)
    except FileNotFoundError:
        sys.exit(f"There is no {command[0]}: apt-get install haproxy pgbouncer wrk")
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"missed: {what}"
        time.sleep(0.05)
