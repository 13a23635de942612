"""A worker is killed before each message that it sends to the database, of every form that the application takes.

gunicorn with one worker talks to PostgreSQL through a line of ours, which counts messages, and at the n-th gives the
worker SIGKILL and hangs up: for n = 1, 2, … until the form is answered. What PostgreSQL was told until then stays
told. The same with PostgreSQL instead, whose process for the worker gets SIGKILL: all others end with it, and it
recovers. Forms and their stage are those of tests/test_once.py.
"""

import http.client
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import psycopg

from bench.faults.host import HOME, Careless, asking, database
from bench.faults.judging import Report
from bench.streams import processes
from models import db
from tests.between import Between, Cut
from tests.browser.server import Server, free_port
from tests.browser_like import Browser
from tests.emptying import empty
from tests.factories import populate
from tests.test_once import BUTTONS, Press, Stage

MISTAKE = "writes step by step"
FORMS = (
    *("auth.signup", "auth.verify_email", "auth.login", "auth.accept_invitation", "orgs.accept_invitation"),
    *("orgs.new", "orgs.invitations.new", "orgs.people.change_role", "orgs.people.remove", "orgs.settings.delete"),
    *("projects.new", "projects.set_role"),
)
ONE_WORKER = {
    "GUNICORN_CMD_ARGS": "--preload --log-level critical",
    "WEB_PROCESSES": "1",
    "MAIL_WORKER": "off",
    "BASE_URL": HOME,
}
# By chance, or by the clock; what stands in an answer's stead is compared as it is.
CHANCE = re.compile(
    r"[\da-f]{8}-[\da-f]{4}-.*|\d{4}-\d\d-\d\d[T ].*|\\x.*|(?=.*\d)[\w+/=-]{16,}|\$argon2.*", flags=re.DOTALL
)
# Limits are taken first, apart from everything: a form that then fails has cost one. A head follows from its events.
APART = ("rate_limits", "audit_heads", "refusal_counts")
# A browser is let in after the change that proves who it is, in a transaction of its own.
SESSIONS = ("sessions", "known_browsers", "session.")
State = dict[bool, list[str]]  # rows of sessions, and all others


def at_all(_message: bytes) -> bool:
    """Whatever is sent."""
    return True


def at_ends(message: bytes) -> bool:
    """What makes PostgreSQL do something: the end of each statement or pipeline."""
    return message[:1] in b"QS"


class Stand:
    """The database, the line to it, and the server whose worker is killed."""

    def __init__(self, home: Path, mistake: str = "") -> None:
        self._running = ExitStack()
        self.postgres = self._running.enter_context(database(home))
        self.line = self._running.enter_context(Between(self.postgres.url()))
        kind = Careless if mistake else Server
        self.server = kind(self.line.url, free_port(), "smtp://127.0.0.1:1", MISTAKE=mistake, **ONE_WORKER)
        self.app = asking(self.server, self.postgres.url())

    def __enter__(self) -> Self:
        self._running.enter_context(self.server)
        return self

    def __exit__(self, *_: object) -> None:
        with self.app.app_context():
            db.engine.dispose()
        self._running.close()

    def owner(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.postgres.url(), autocommit=True)

    # --- killing ------------------------------------------------------------------------------------------------

    def kill_worker(self) -> None:
        """SIGKILL."""
        for worker in processes(self.server.pid):
            os.kill(worker, signal.SIGKILL)

    def kill_postgres(self) -> None:
        """SIGKILL for the process that works for the worker."""
        with psycopg.connect(self.postgres.url("postgres", "postgres")) as superuser:
            found = superuser.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name ~ '^freehold [0-9]+$'"
                " AND application_name <> %s",
                [f"freehold {os.getpid()}"],
            ).fetchall()
        for (pid,) in found:
            os.kill(pid, signal.SIGKILL)

    # --- looking ------------------------------------------------------------------------------------------------

    def settled(self) -> psycopg.Connection[Any]:
        """Wait until PostgreSQL has done with the dead, and return a connection of the owner's."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                owner = self.owner()
                working = owner.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE application_name ~ '^freehold [0-9]+$'"
                    " AND application_name <> %s AND state <> 'idle'",
                    [f"freehold {os.getpid()}"],
                ).fetchone()
            except psycopg.OperationalError:
                working = (1,)
            if not working:
                return owner
            time.sleep(0.005)
        raise AssertionError("PostgreSQL does not come to rest")

    def state(self) -> State:
        """Every row, without what is there by chance."""
        with self.settled() as owner:
            rows = [
                (table.name, row)
                for table in db.metadata.sorted_tables
                if table.name not in APART
                for (row,) in owner.execute(f"SELECT to_jsonb(t) FROM {table.name} t")
            ]
        found: State = {True: [], False: []}
        for table, row in rows:
            session = table in SESSIONS or str(row.get("action", "")).startswith(SESSIONS)
            found[session].append(f"{table} {json.dumps(_plain(row), sort_keys=True)}")
        return {kind: sorted(rows) for kind, rows in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return "*" if CHANCE.fullmatch(value) else value
    return "*" if isinstance(value, int) and value > 1_000_000 else value


class Sweep:
    """One form, sent again and again, each time with a kill one message later."""

    def __init__(self, stand: Stand, press: Press, counts: Callable[[bytes], bool], kill: Callable[[], None]) -> None:
        self.stand, self.press, self._counts, self._kill = stand, press, counts, kill
        self.kills = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        """Kill until nothing is left to kill at."""
        self._set_up()
        n, lost = 0, []
        while True:
            n += 1
            status = self._send(kill_at=n)
            after = self.stand.state()
            if self._number < n:
                break
            self.kills += 1
            if status and status < 400:
                self.wrong.append(f"answered {status} by the dead, at {n}")
            if after != self._before:
                lost.append((n, after, self._again()))
                self._set_up()
        if not status or status >= 400:
            self.wrong.append(f"answered {status} with nobody killed")
        for at, found, again in lost:
            self.wrong += [
                f"half done at {at}" for kind in found if found[kind] not in (self._before[kind], after[kind])
            ]
            self.wrong += [f"not done once by sending it again, at {at}"] if again[False] != after[False] else []

    def _set_up(self) -> None:
        self.stand.line.heed = lambda _: None
        with self.stand.owner() as owner:
            owner.execute(empty())
        app = self.stand.app
        with app.app_context():
            cast = populate()
        self._stage = Stage(app, cast, lambda user=None: Browser(app, user))
        self._someone = _patiently(lambda: self._stage.set(self.press))
        self._before = self.stand.state()
        self.stand.kill_worker()  # each time is a new worker's first, whose messages are the same ones

    def _send(self, kill_at: int = 0) -> int:
        """Send the form; return what was answered, or 0."""
        self._number, dead = 0, False

        def heed(message: bytes) -> None:
            nonlocal dead
            self._number += self._counts(message)
            if self._number == kill_at or dead:
                self._kill() if not dead else None
                dead = True
                raise Cut

        with self.stand.owner() as owner:
            owner.execute("DELETE FROM rate_limits")
        self.stand.line.heed = heed if kill_at else lambda _: None
        try:
            status: int = self._stage.press(self._someone, self.press, idem="a").status_code
        except (OSError, http.client.HTTPException):
            status = 0
        self.stand.line.heed = lambda _: None
        if status == 503 and self._number < kill_at:  # a new worker hashes its first password slowly
            return self._send(kill_at)
        return status

    def _again(self) -> State:
        _patiently(self._send)
        return self.stand.state()


def killing(endpoints: Iterable[str], name: str, mistake: str = "") -> tuple[int, list[str]]:
    """Sweep over the first form of each of these routes; return how many kills there were, and what is wrong."""
    presses = [next(press for press in BUTTONS if press.endpoint == endpoint) for endpoint in endpoints]
    with TemporaryDirectory(prefix="freehold-faults-") as home, Stand(Path(home), mistake) as stand:
        postgres = name == "PostgreSQL"
        kill, counts = (stand.kill_postgres, at_ends) if postgres else (stand.kill_worker, at_all)
        sweeps = [Sweep(stand, press, counts, kill) for press in presses]
        for sweep in sweeps:
            sweep.run()
        stand.server.flask("audit", "verify")
    return sum(sweep.kills for sweep in sweeps), [f"{s.press.endpoint}: {w}" for s in sweeps for w in s.wrong]


def check(name: str, mistake: str = "") -> Report:
    """Kill at each step of each form, on two stands at once; a control needs one form."""
    report = Report(f"{name} killed")
    halves = [FORMS[:1]] if mistake else [FORMS[::2], FORMS[1::2]]
    with ProcessPoolExecutor(len(halves), get_context("spawn")) as pool:
        found = list(pool.map(killing, halves, [name] * 2, [mistake] * 2))
    report.wrong = [line for _, lines in found for line in lines]
    kills = sum(number for number, _ in found)
    report.figures += [f"{sum(map(len, halves))} forms, {kills:,} kills", "", "", ""]
    return report


def _patiently(do: Callable[[], Any]) -> Any:
    """Do it as soon as there is a worker again."""
    for _ in range(200):
        try:
            if done := do():
                return done
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.02)
    raise AssertionError("nobody answers")
