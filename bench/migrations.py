"""What an update does to those at work: `python -m bench.migrations [--members N] [revision …]`.

For each migration the code from before it, as git has it, serves a database that it filled itself. People read and
write there, some 25 requests a second: before the migration is applied, meanwhile, and afterwards. Then code that
expects the new schema takes over. All of it runs with today's packages. `--members` adds so many members first.
"""

import argparse
import html
import itertools
import math
import re
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from io import BytesIO
from pathlib import Path
from statistics import quantiles
from typing import Any

import psycopg
from alembic.script import ScriptDirectory

from demo import PASSWORD
from runtime.postgres import throwaway
from tests.browser.server import ROOT, Server, free_port

FIRST = "0020"  # what is measured unless asked for
FITS = "0023"  # the last schema that members.sql fills
READS_A_SECOND, WRITES_A_SECOND = 20, 3  # a write reads its form first
SECONDS = 4.0  # before the migration, after it, and of the new code
HERE = "/orgs/northfield"
READ = (HERE, f"{HERE}/people", f"{HERE}/projects", f"{HERE}/people/invitations", "/orgs", "/account")
MEMBERS = Path(__file__).with_name("members.sql").read_text()
SCRIPTS = ScriptDirectory(str(ROOT / "migrations"))
NO_MAIL = "smtp://127.0.0.1:1"  # nobody listens there, and nobody sends


# --- the code of a revision ------------------------------------------------------------------------------------


def git(*arguments: str) -> bytes:
    """Return what git says of this repository."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def follows(revision: str) -> str | None:
    """Return the migration after one."""
    return next((script.revision for script in SCRIPTS.walk_revisions() if script.down_revision == revision), None)


@contextmanager
def code_of(revision: str) -> Iterator[Path]:
    """Give the last code that expected a revision: what there was before the next one came, or today's."""
    after = follows(revision)
    if after is None:
        yield ROOT
        return
    added = git("log", "--diff-filter=A", "--format=%H", "--", f"migrations/versions/{after}_*").split()[-1].decode()
    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(fileobj=BytesIO(git("archive", f"{added}^"))) as files:
            files.extractall(place, filter="data")
        Path(place).chmod(0o755)
        assert ScriptDirectory(f"{place}/migrations").get_current_head() == revision, f"no code was ever at {revision}"
        yield Path(place)


# --- people at work --------------------------------------------------------------------------------------------


class Unled(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True)
class Answer:
    """When it was asked for, in seconds, and how long it took, in milliseconds."""

    asked: float
    took: float
    writes: bool


@dataclass
class Load:
    """Amara at work on a server: what she was answered, and what of it was none."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._jar = urllib.request.HTTPCookieProcessor(CookieJar())
        page = self.ask("/login")
        self.send("/login", page, "password", email="amara.okafor@example.com", password=PASSWORD)
        people = self.ask(f"{HERE}/people")
        self.member = f"{HERE}/people/" + re.findall(rf"{HERE}/people/([0-9a-f-]{{36}})", people)[-1]
        self.answers.clear()

    def ask(self, path: str, data: bytes | None = None) -> str:
        """Ask for a page, or send a form."""
        opener, began = urllib.request.build_opener(self._jar, Unled), time.monotonic()
        try:
            with opener.open(f"{self.url}{path}", data, timeout=30) as answer:
                status, body = answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            status, body = answer.code, answer.read().decode()
        self.answers.append(Answer(began, (time.monotonic() - began) * 1000, data is not None))
        if status != (303 if data else 200):
            self.wrong.append(f"{path}: {status}")
        return body

    def send(self, path: str, page: str, has: str, **fields: str) -> None:
        """Fill in the form of a page that has a field of this name, and send it."""
        for attributes, inside in re.findall(r"<form\b([^>]*)>(.*?)</form>", page, re.S):
            if f'name="{has}"' in inside:
                action = re.findall(r'action="([^"]*)"', attributes)
                given = {**hidden(inside), **fields}
                self.ask(html.unescape(action[0]) if action else path, urllib.parse.urlencode(given).encode())
                return
        self.wrong.append(f"{path}: no form with {has}")

    def rename(self, n: int) -> None:
        self.send("/account", self.ask("/account"), "name", name=f"Amara {n}")

    def change_role(self, n: int) -> None:
        self.send(self.member, self.ask(self.member), "role", role=("VIEWER", "OPERATOR")[n // 3 % 2])

    def new_project(self, n: int) -> None:
        name = f"Project {time.time()} {n}"
        path = f"{HERE}/projects/new"
        self.send(path, self.ask(path), "name", name=name, description="", access="organization")

    def line(self, begin: float, end: float) -> str:
        """How long it took what was asked for between two moments: p99 and the slowest, in milliseconds."""
        took = [one.took for one in self.answers if begin <= one.asked < end]
        return f"{quantiles(took, n=100, method='inclusive')[-1]:.0f}, {max(took):.0f}"

    def go_on(self, over: threading.Event) -> None:
        """Read and write until it is over."""
        writes = (self.rename, self.change_role, self.new_project)
        with ThreadPoolExecutor(16) as pool:
            writing = pool.submit(every, 1 / WRITES_A_SECOND, over, lambda n: writes[n % len(writes)](n))
            every(1 / READS_A_SECOND, over, lambda n: pool.submit(self.ask, READ[n % len(READ)]))
            writing.result()


def hidden(form: str) -> dict[str, str]:
    """The hidden fields of a form."""
    found = {}
    for tag in re.findall(r"<input\b[^>]*>", form):
        values = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if values.get("type") == "hidden":
            found[values["name"]] = html.unescape(values.get("value", ""))
    return found


def every(seconds: float, over: threading.Event, act: Callable[[int], Any]) -> None:
    """Do something again and again, so many seconds after it began the last time or, if it took longer, at once."""
    for n in itertools.count():
        began = time.monotonic()
        act(n)
        if over.wait(max(0.0, seconds - (time.monotonic() - began))):
            return


@contextmanager
def load(url: str) -> Iterator[Load]:
    """People are at work, in another thread."""
    at_work, over = Load(url), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(at_work.go_on, over)
        try:
            time.sleep(SECONDS)
            yield at_work
            time.sleep(SECONDS)
        finally:
            over.set()
        working.result()


# --- the measurement -------------------------------------------------------------------------------------------


def measure(revision: str, members: int) -> list[str]:
    """Apply one migration under load, print its line, and return what went wrong."""
    before = str(SCRIPTS.get_revision(revision).down_revision)
    with throwaway() as postgres, code_of(before) as old, code_of(revision) as new:
        with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as admin:
            admin.execute("CREATE DATABASE update OWNER freehold")
        url = postgres.url("freehold", "update")
        if members:
            Server(url, free_port(), NO_MAIL).flask("db", "upgrade", min(before, FITS))
            fill(postgres.url("postgres", "update"), members)
        with serving(old, url) as server:
            server.flask("demo")
            with load(server.url) as by_old:
                began = time.monotonic()
                Server(url, free_port(), NO_MAIL).flask("db", "upgrade", revision)
                ended = time.monotonic()
        with serving(new, url) as server, load(server.url) as by_new:
            pass
    every_answer = by_old.answers + by_new.answers
    print(
        f"| {revision} | {ended - began:.1f} | {by_old.line(0, began)} | {by_old.line(began, ended)}"
        f" | {by_old.line(ended, math.inf)} | {by_new.line(0, math.inf)} | {len(every_answer)},"
        f" {sum(one.writes for one in every_answer)} | {len(by_old.wrong) + len(by_new.wrong)} |",
        flush=True,
    )
    return [f"{revision}: {line}" for line in by_old.wrong + by_new.wrong]


def serving(code: Path, url: str) -> Server:
    """Return a server of some code."""
    server = Server(url, free_port(), NO_MAIL, MAIL_WORKER="off")
    server.code = code
    return server


def fill(superuser: str, members: int) -> None:
    """Add so many members."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("SELECT set_config('bench.members', %s, false)", [str(members)])
        connection.execute(MEMBERS)
        connection.execute("VACUUM ANALYZE")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.migrations")
    parser.add_argument("--members", type=int, default=0)
    parser.add_argument("revisions", nargs="*")
    asked = parser.parse_args()
    recent = sorted(script.revision for script in SCRIPTS.walk_revisions() if script.revision >= FIRST)
    print("| migration | s | before | meanwhile | after it | new code | requests, writes | failed |")
    print("|---|---|---|---|---|---|---|---|")
    wrong = [line for revision in asked.revisions or recent for line in measure(revision, asked.members)]
    sys.exit("\n".join(wrong) or None)


if __name__ == "__main__":
    main()
