"""Visitors of a host under a fault: twenty requests a second of every kind, and what each was answered."""

import asyncio
import hashlib
import hmac
import itertools
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from config import Settings
from tests.browser.server import SECRET_KEY

PEOPLE, PROJECTS = "/orgs/northfield/people", "/orgs/northfield/projects"
PATIENCE = 30.0  # seconds after which a visitor leaves
# Requests a second. The first session was logged out before the fault; others log out while it lasts.
RATES = {"page": 8, "project": 2, "invitation": 0.4, "log out": 1, "dead session": 3, "static": 3, "healthz": 3}
RIGHT = {
    "page": {200},
    "project": {303},
    "invitation": {303},
    "log out": {303},
    "dead session": {302},
    "static": {200},
    "healthz": {200},
}
USED_UP = 20  # of the cookies, by warm()
ALWAYS = ("static", "healthz")
_numbers = itertools.count()
SAID = b"<h1>Freehold cannot answer right now</h1>"


@dataclass(frozen=True)
class Answer:
    """What a visitor was answered; status 0 if they were not."""

    kind: str
    name: str  # what was written, or whose session it was
    at: float  # by the monotonic clock, when it was asked
    seconds: float
    status: int
    again: str  # Retry-After
    plain: bool  # the page that says that we cannot answer
    words: str  # what went wrong instead of an answer

    @property
    def right(self) -> bool:
        return self.status in RIGHT[self.kind]


async def ask(port: int, method: str, path: str, cookie: str, form: dict[str, str] | None = None) -> bytes:
    """Send one request on a connection of its own; return the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = urlencode(form or {}).encode()
    kind = "Content-Type: application/x-www-form-urlencoded\r\n" if form else ""
    writer.write(
        f"{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: session={cookie}\r\n{kind}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )
    try:
        return await reader.read()
    finally:
        writer.close()


def token(cookie: str) -> str:
    """The token that the pages of this session carry."""
    key = Settings(secret_key=SECRET_KEY).keys("csrf")[0]
    return hmac.digest(key, f"session:{cookie}".encode(), hashlib.sha256).hex()


class Visitors:
    """Ask from a thread of their own until the end of `with`."""

    def __init__(self, port: int, cookies: list[str]) -> None:
        """Let them come.

        Args:
            port: of the server.
            cookies: of people who are logged in, the Owner's first; the last one's session is over.
        """
        self.port, (self.owner, *self._others, self.dead) = port, cookies
        self.answers: list[Answer] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._come()))

    def __enter__(self) -> "Visitors":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def wait(self, true: Callable[[list[Answer]], bool], seconds: float) -> None:
        """Wait until something is true of the answers, but no longer than that."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not true(list(self.answers)):
            time.sleep(0.05)

    async def _come(self) -> None:
        kinds = [asyncio.create_task(self._again_and_again(kind, rate)) for kind, rate in RATES.items()]
        while not self._over.is_set():
            await asyncio.sleep(0.05)
        for kind in kinds:
            kind.cancel()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    async def _again_and_again(self, kind: str, rate: float) -> None:
        asked = set()
        try:
            while True:
                asked.add(task := asyncio.create_task(self._one(kind)))
                task.add_done_callback(asked.discard)
                await asyncio.sleep(1 / rate)
        except asyncio.CancelledError:
            await asyncio.gather(*asked)

    async def _one(self, kind: str) -> None:
        name, request = self._request(kind)
        began, said, words = time.monotonic(), b"", ""
        try:
            said = await asyncio.wait_for(ask(self.port, *request), PATIENCE)
        except (OSError, TimeoutError) as error:
            words = repr(error)
        again = re.findall(rb"\r\nRetry-After: (\d+)", said)
        self.answers.append(
            Answer(
                kind,
                name,
                began,
                time.monotonic() - began,
                int(said[9:12] or 0),
                again[0].decode() if again else "",
                SAID in said,
                words,
            )
        )

    def _request(self, kind: str) -> tuple[str, tuple[str, str, str, dict[str, str] | None]]:
        n, signed = next(_numbers), {"csrf_token": token(self.owner)}
        if kind == "project":
            return f"Project {n}", (
                "POST",
                f"{PROJECTS}/new",
                self.owner,
                signed | {"name": f"Project {n}", "access": "organization"},
            )
        if kind == "invitation":
            address = f"guest{n}@example.net"
            return address, ("POST", f"{PEOPLE}/invite", self.owner, signed | {"emails": address, "role": "VIEWER"})
        if kind == "log out":
            cookie = self._others.pop()
            return cookie, ("POST", "/logout", cookie, {"csrf_token": token(cookie)})
        path = {"static": "/static/ui.css", "healthz": "/healthz"}.get(kind, PEOPLE)
        return "", ("GET", path, self.dead if kind == "dead session" else self.owner, None)


def warm(port: int, cookies: list[str]) -> None:
    """Let the workers compile their templates and open their connections, which takes them a while the first time."""
    with Visitors(port, [*cookies[:USED_UP], "nobody's"]):
        time.sleep(2)


def came_later(cookies: list[str]) -> list[str]:
    """Those who were not logged out meanwhile, and at last one whose session is over."""
    return [*cookies[:1], *cookies[USED_UP:], "nobody's"]
