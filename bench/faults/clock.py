"""The application's clock is a day wrong, either way, while it runs: the database's says what lives and what is dead.

This wants Debian's `faketime`, whose library reads the time to tell from a file.
"""

from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from flask import Flask

from bench.faults.host import HOME, Careless, asking, database
from bench.faults.judging import Report
from config import RESET_LIFE
from models import Invitation, OneTimeToken, Role, db, transaction
from models.text import address
from models.token import RESET
from tests.browser.server import Server, free_port
from tests.browser_like import Browser
from tests.factories import PASSWORD, populate

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
CLOCKS = {"right": "+0", "a day ahead": "+1d", "a day behind": "-1d", "right again": "+0"}
DAY = 24 * 3600  # seconds
MISTAKE = "goes by its own clock"


class Clock:
    """The application's clock."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set("+0")

    @property
    def environment(self) -> dict[str, str]:
        """What the server needs to go by it: by the wall clock alone, as if it was set."""
        return {
            "LD_PRELOAD": LIBRARY,
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "FAKE_UTIME": "0",
        }

    def set(self, to: str) -> None:
        """Set it, so much ahead or behind."""
        draft = self._file.with_suffix(".new")
        draft.write_text(to)
        draft.replace(self._file)


class Things:
    """Sessions and links, half of them alive, by names that the browsers and addresses of each go by."""

    def __init__(self, app: Flask, owner: psycopg.Connection[Any]) -> None:
        self.app, self._owner = app, owner
        with app.app_context():
            self.cast = populate()
        living, dying = Browser(app, self.cast.viewer), Browser(app, self.cast.operator)
        self.asks: dict[str, tuple[Browser | None, str, int]] = {
            "a living session": (living, "/account", 200),
            "a session that lives for an hour": (Browser(app, self.cast.admin), "/account", 200),
            "a dead session": (dying, "/account", 302),
        }
        self._shift("sessions", "expire", "user_id", self.cast.admin.id, "+")
        self._shift("sessions", "expire", "user_id", self.cast.operator.id, "-")
        for words, sign, status in (("that lives for an hour", "+", 200), ("that is dead", "-", 410)):
            self._reset(f"a link to a new password {words}", sign, status)
            self._invite(f"an invitation {words}", sign, status)

    def ask(self) -> dict[str, int]:
        """Ask for each of them, and log somebody in; return those that were answered otherwise than they should be."""
        wrong = {}
        for name, (someone, path, status) in self.asks.items():
            answer = (someone or Browser(self.app)).get(path)
            if answer.status_code != status:
                wrong[name] = answer.status_code
        here = Browser(self.app)
        answer = here.post("/login", email=self.cast.guest.email, password=PASSWORD)
        self.asks[f"log-in {len(self.asks)}"] = (here, "/account", 200)
        return wrong | ({"a log-in": answer.status_code} if answer.status_code != 303 else {})

    def _shift(self, table: str, column: str, by: str, value: object, sign: str) -> None:
        moment = f"clock_timestamp() {sign} interval '1 hour'"
        self._owner.execute(f"UPDATE {table} SET {column} = {moment} WHERE {by} = %s", [value])

    def _reset(self, name: str, sign: str, status: int) -> None:
        with self.app.app_context(), transaction():
            token = OneTimeToken.issue(RESET, self.cast.owner.id, RESET_LIFE, alone=False)
            self.asks[name] = (None, f"/reset-password/{token.text}", status)
        self._shift("one_time_tokens", "expires_at", "id", token.id, sign)

    def _invite(self, name: str, sign: str, status: int) -> None:
        to = address(f"guest{len(self.asks)}@example.net")
        with self.cast.inside(self.app), transaction():
            invitation = Invitation.issue(self.cast.organization.id, to, Role.VIEWER, self.cast.owner.id)
            path = f"/invitations/{invitation.link_text('invitation-mailed')}"
        self._shift("invitations", "expires_at", "id", invitation.id, sign)
        someone = Browser(self.app)
        someone.get(path)
        self.asks[name] = (someone, "/invitation", status)


def check(name: str, mistake: str = "") -> Report:
    """Set the clock while the server runs, and ask for the same things by each."""
    report = Report(f"application's clock {name}")
    with ExitStack() as running:
        home = Path(running.enter_context(TemporaryDirectory(prefix="freehold-faults-")))
        postgres = running.enter_context(database(home))
        clock = Clock(home / "clock")
        kind = Careless if mistake else Server
        server = kind(
            postgres.url(), free_port(), "smtp://127.0.0.1:1", MISTAKE=mistake, BASE_URL=HOME, **clock.environment
        )
        running.enter_context(server)
        app = asking(server, postgres.url())
        owner = running.enter_context(psycopg.connect(postgres.url(), autocommit=True))
        things = Things(app, owner)
        for clock_is, offset in CLOCKS.items():
            clock.set(offset)
            told = parsedate_to_datetime(Browser(app).get("/healthz").headers["Date"])
            moved = round((told - datetime.now(UTC)).total_seconds() / DAY)
            report.blame(f"days by which the clock {clock_is} is not what it was set to", moved - int(offset[:2]))
            for what, status in things.ask().items():
                report.blame(f"with the clock {clock_is}, {what} is answered", status)
        report.figures += [f"{len(things.asks)} sessions and links, {len(CLOCKS)} times", "", "", ""]
        with app.app_context():
            db.engine.dispose()
    return report
