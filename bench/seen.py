"""How soon somebody else sees a change: `python -m bench.seen`.

Two browsers on the production server with two workers. Each kind of change is made twenty times through the models, as
a request does; the clock runs from before its transaction begins until the other browser has it on the page.
"""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from playwright.sync_api import Browser, Page, sync_playwright

from app import create_app
from config import Settings
from models import Role
from models.project import OPEN, RESTRICTED
from runtime.postgres import throwaway
from tests.browser.conftest import ARGUMENTS, PATH
from tests.browser.live import Cast, populate
from tests.browser.server import SECRET_KEY, Server, free_port

RUNS = 20
# Resolves with the time at which the page's text has a word, or has it no more.
SEEN = """([word, there]) => new Promise(resolve => {
  const look = () => {
    if (document.body.textContent.includes(word) !== there) return;
    seen.disconnect();
    resolve(Date.now());
  };
  const seen = new MutationObserver(look);
  seen.observe(document.body, { childList: true, subtree: true, characterData: true });
  look();
})"""


def renamed(cast: Cast, n: int) -> tuple[str, bool, Callable[[], Any]]:
    return f"Kofi {n}.", True, lambda: cast.rename("kofi", f"Kofi {n}.")


def lowered(cast: Cast, n: int) -> tuple[str, bool, Callable[[], Any]]:
    """The reader's own buttons."""
    role = (Role.VIEWER, Role.ADMIN)[n % 2]
    return "Invite people", role is Role.ADMIN, lambda: cast.set_role("sven", role)


def invited(cast: Cast, n: int) -> tuple[str, bool, Callable[[], Any]]:
    return f"a{n}@example.org", True, lambda: cast.invite(f"a{n}@example.org")


def project(cast: Cast, n: int) -> tuple[str, bool, Callable[[], Any]]:
    return f"Ledger {n}.", True, lambda: cast.edit_project(f"Ledger {n}.")


def project_role(cast: Cast, n: int) -> tuple[str, bool, Callable[[], Any]]:
    role = (Role.VIEWER, Role.ADMIN)[n % 2]
    return "has no effect", role is Role.VIEWER, lambda: cast.set_project_role("kofi", role)


def restricted(cast: Cast, n: int) -> tuple[str, bool, Callable[[], Any]]:
    access = (RESTRICTED, OPEN)[n % 2]
    return "Billing pipeline", access == OPEN, lambda: cast.edit_project("Billing pipeline", access)


def removed(cast: Cast, _n: int) -> tuple[str, bool, Callable[[], Any]]:
    return "You were removed from", True, lambda: cast.remove("hana")


def logged_out(cast: Cast, _n: int) -> tuple[str, bool, Callable[[], Any]]:
    return "You were logged out.", True, lambda: cast.log_out_everywhere("hana")


# What is changed, who looks, at which page, and whether that page is over then.
KINDS: dict[str, tuple[Any, str, str, bool]] = {
    "a name in the list of people": (renamed, "sven", "/people", False),
    "one's own role, with its buttons": (lowered, "sven", "/people", False),
    "an invitation": (invited, "sven", "/people/invitations", False),
    "a project's name": (project, "hana", "/projects", False),
    "a role on a project, in its list of people": (project_role, "sven", "/projects/{project}/access", False),
    "a project that is restricted, and opened": (restricted, "hana", "/projects", False),
    "being removed": (removed, "hana", "/people", True),
    "being logged out from elsewhere": (logged_out, "hana", "/people", True),
}


def main() -> None:
    with ExitStack() as running:
        postgres = running.enter_context(throwaway())
        with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE seen OWNER freehold")
        url = postgres.url("freehold", "seen")
        server = running.enter_context(Server(url, free_port(), "smtp://127.0.0.1:1"))
        app = create_app(Settings(database_url=url, secret_key=SECRET_KEY, mail_worker=False))
        app.config["SERVER"] = server.url
        playwright = running.enter_context(sync_playwright())
        browser = running.enter_context(playwright.chromium.launch(executable_path=PATH, args=ARGUMENTS))
        print(f"| {RUNS} changes each, milliseconds | median | greatest |\n|---|---|---|")
        for name, (change, who, path, over) in KINDS.items():
            took = list(itertools.islice(measure(app, browser, server.url, change, who, path, over), RUNS))
            print(f"| {name} | {statistics.median(took):.0f} | {max(took):.0f} |", flush=True)


def measure(
    app: Any, browser: Browser, url: str, change: Any, who: str, path: str, over: bool
) -> Iterator[float]:  # each in a page that is kept for as long as it lives
    while True:
        with page_of(browser, url) as new_page:
            cast = populate(app, new_page)
            page = cast.page(who, path)
            page.wait_for_timeout(500)  # what was missed while it opened is caught up
            for n in range(1 if over else RUNS):
                word, there, act = change(cast, n)
                page.evaluate("([w, t]) => { window.seen = (" + SEEN + ")([w, t]); }", [word, there])
                began = time.time()
                act()
                yield page.evaluate("window.seen") - began * 1000


@contextmanager
def page_of(browser: Browser, url: str) -> Iterator[Callable[..., Page]]:
    context = browser.new_context(base_url=url)
    yield lambda **_: context.new_page()
    context.close()


if __name__ == "__main__":
    main()
