"""A real browser on the real server: Chromium, gunicorn as bin/serve runs it, and mail through a real SMTP server."""

import os
import queue
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from app import create_app
from config import Settings
from models import Organization, db, transaction
from tests.browser.host import Host
from tests.browser.live import Cast, populate
from tests.browser.place import Place, fill
from tests.browser.reader import PATIENCE, Reader, watch
from tests.browser.server import SECRET_KEY, Server, free_port
from tests.factories import make_user

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
PATH = os.environ.get("FREEHOLD_CHROMIUM") or "/usr/bin/chromium"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; named by bin/test, or found on the PATH by Playwright's channel."""
    missing = os.environ.get("FREEHOLD_CHROMIUM_MISSING")
    if missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PATH, args=ARGUMENTS)
        yield browser
        browser.close()


class Postbox:
    """Takes mail by SMTP and gives it to whoever waits for it."""

    def __init__(self) -> None:
        self._arrived: queue.Queue[Any] = queue.Queue()
        self._seen: list[Any] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self._arrived.put(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"

    def link_for(self, address: str) -> str:
        """Wait for the next mail to an address that nobody asked for yet, and return the link in it."""
        return re.findall(r"http://\S+", self.text_for(address))[0]

    def text_for(self, address: str) -> str:
        """Wait for the same mail, and return its text."""
        while True:
            found = next((mail for mail in self._seen if address in mail["To"]), None)
            if found:
                self._seen.remove(found)
                return str(found.get_body(("plain",)).get_content())
            self._seen.append(self._arrived.get(timeout=20))

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._controller.port}"


@pytest.fixture(scope="session")
def postbox() -> Iterator[Postbox]:
    """Where the server's mail goes."""
    box = Postbox()
    box._controller.start()
    yield box
    box._controller.stop()


@pytest.fixture(scope="session")
def server(make_database: Callable[[str], str], postbox: Postbox) -> Iterator[Server]:
    """The application behind gunicorn, on a migrated database of its own."""
    with Server(make_database("browser"), free_port(), postbox.url) as running:
        yield running


@pytest.fixture(scope="session")
def behind(server: Server) -> Iterator[Flask]:
    """The application's models on the server's database."""
    cheap = Settings(argon2_memory_kib=8, argon2_passes=1, mail_worker=False)
    app = create_app(replace(cheap, database_url=server.database_url, secret_key=SECRET_KEY))
    app.config["SERVER"] = server.url
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def cast(behind: Flask, new_page: Callable[..., Page]) -> Cast:
    """A new organization with its people."""
    return populate(behind, new_page)


@pytest.fixture(scope="session")
def place(behind: Flask) -> Place:
    """The organization whose pages are hard; tests leave it as it is."""
    return fill(behind)


@pytest.fixture(scope="session")
def reader(chromium: Browser, server: Server, place: Place) -> Iterator[Reader]:
    """Opens every page, in few browser contexts that are kept."""
    opened = Reader(chromium, server.url, place)
    yield opened
    opened.close()


@pytest.fixture
def owner_of_server(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the server's database as the tables' owner, in autocommit."""
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def host(behind: Flask, postbox: Postbox) -> Host:
    """A new organization, with Amara as Owner."""
    word = uuid.uuid4().hex[:8]
    with behind.app_context():
        amara = make_user("Amara Okafor", f"amara-{word}@example.org")
        with transaction():
            organization = Organization.create(f"Northfield {word}", f"northfield-{word}", amara.id)
    return Host(behind, postbox, word, amara, organization)


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def javascript(request: pytest.FixtureRequest) -> bool:
    """Both ways to use every page."""
    return bool(request.param)


@pytest.fixture
def new_page(chromium: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """new_page(javascript=True, width=1280, …) -> a page in a fresh browser context, which watches for trouble."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def make(*, javascript: bool = True, width: int = 1280, **options: Any) -> Page:
        context = chromium.new_context(
            base_url=server.url, java_script_enabled=javascript, viewport={"width": width, "height": 900}, **options
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        watch(page, trouble)
        return page

    yield make
    for context in contexts:
        context.close()
    assert not trouble
