"""Open pages of the cast, as the server sees them."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from models.identity import Standing
from runtime.live import SKEW, Hub
from runtime.streams import Stream
from tests.browser_like import Browser

LONGEST = 5.0  # seconds that a test waits for what must come
CAST = ("owner", "admin", "operator", "viewer", "guest", "stranger")


class Ear:
    """An open page, and all that it was told."""

    def __init__(self, stream: Stream, began: float) -> None:
        self.stream, self.began = stream, began
        self.topics: list[str] = []

    def hear_until(self, done: Callable[[], bool]) -> None:
        """Listen until something is so."""
        deadline = time.monotonic() + LONGEST
        while not done():
            assert time.monotonic() < deadline, f"heard only {self.topics}"
            self.topics += [told.topic for told in self.stream.wait(0.05)]


@pytest.fixture
def hub(app: Any) -> Iterator[Hub]:
    """The open pages of the application, which has listened for a while; all are closed afterwards."""
    hub = app.extensions["live"]
    with app.app_context():
        hub.open(first := Stream("nobody", uuid4(), None, lives_for=LONGEST), time.time())
    Ear(first, time.time()).hear_until(lambda: hub.heard_until > hub._memory.since + SKEW)
    hub.close(first)
    yield hub
    for stream in hub.streams:
        hub.close(stream)


@pytest.fixture
def sid_of(app: Any) -> Callable[[Browser], str]:
    """sid_of(browser) -> its session's key in the database."""

    def key(browser: Browser) -> str:
        with app.app_context():
            return app.session_interface._get_store_id(browser.cookie("session"))

    return key


@pytest.fixture
def listen(app, hub, northfield, browser, sid_of) -> Callable[..., Ear]:
    """listen("admin") -> an open page of Northfield; inside=False: one outside of all organizations."""

    def open_page(who: str, *, inside: bool = True, since: float | None = None) -> Ear:
        person = northfield.person(who)
        place = northfield.harbour if who == "stranger" else northfield.organization
        sid = sid_of(browser(person))
        stream = Stream(sid, person.id, place.id if inside else None, lives_for=3600.0)
        began = time.time()
        with app.app_context():
            assert sid in Standing.of([sid], None)
            hub.open(stream, began if since is None else since)
        return Ear(stream, began)

    return open_page


@pytest.fixture
def settled(query, northfield) -> Callable[..., None]:
    """settled(*ears) -> waits until each has heard all that was told before now, or has ended."""

    def told(ear: Ear, mark: str) -> bool:
        return mark in ear.topics or ear.stream.ended is not None

    def wait(*ears: Ear) -> None:
        for ear in ears:
            mark = f"settled {uuid4()}"  # an earlier one is among what a new page hears of lately
            query("SELECT tell_live(%(mark)s, people => ARRAY[%(id)s::uuid])", mark=mark, id=ear.stream.user_id)
            ear.hear_until(partial(told, ear, mark))
            ear.topics = [topic for topic in ear.topics if topic != mark]

    return wait
