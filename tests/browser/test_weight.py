"""What pages weigh on their way to a browser, how soon they stand there, and that they stand still (UX.md 37, 38)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page

import demo
from demo.plans import ACCOUNTS

KB = 1000
HOME = "/orgs/northfield"
PEOPLE = f"{HOME}/people"
SIGNED_OUT = ["/", "/login", "/signup", "/forgot-password", "/help/roles"]
SIGNED_IN = [
    *(PEOPLE, HOME, f"{HOME}/projects", f"{HOME}/audit", f"{HOME}/settings", f"{HOME}/settings/delete"),
    *(f"{PEOPLE}/invitations", f"{PEOPLE}/invite", "/orgs", "/account", "/account/security"),
]
# Two frames later, what was loaded has been painted.
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# Not by wait_for_function(), which polls with an eval that our content security policy refuses.
PAINTED = (
    "() => new Promise(done => { const look = () => painted ? done(painted) : requestAnimationFrame(look); look(); })"
)
WATCH = """
  window.shifted = window.painted = 0;
  const watch = (type, note) =>
    new PerformanceObserver(list => list.getEntries().forEach(note)).observe({ type, buffered: true });
  watch('layout-shift', entry => { shifted += entry.value; });
  watch('largest-contentful-paint', entry => { painted = entry.startTime; });
"""
BYTES_A_SECOND = 1_600_000 / 8
SLOW = {"offline": False, "latency": 0, "downloadThroughput": BYTES_A_SECOND, "uploadThroughput": BYTES_A_SECOND}
TRIES = 5  # the machine may be busy with other things


class Traffic:
    """What a page takes from the network: addresses, and bytes as they travel, headers and all.

    What comes from the browser's cache is no byte. The stream of live updates has no end, and is left out.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self._bytes: dict[str, int] = {}
        self._urls: dict[str, str] = {}
        network = page.context.new_cdp_session(page)
        network.on("Network.responseReceived", self._received)
        network.on("Network.loadingFinished", self._finished)
        network.send("Network.enable")

    def of(self, url: str) -> dict[str, int]:
        """Open a page, and return what it took."""
        self._bytes.clear()
        self.page.goto(url)
        self.page.evaluate(SETTLED)
        return dict(self._bytes)

    def _received(self, event: Any) -> None:
        self._urls[event["requestId"]] = event["response"]["url"]

    def _finished(self, event: Any) -> None:
        url = self._urls.get(event["requestId"], "").partition("?")[0]
        if event["encodedDataLength"] and not url.endswith("/live"):
            self._bytes[url] = self._bytes.get(url, 0) + event["encodedDataLength"]


@pytest.fixture(scope="module")
def logged_in(server, chromium):
    """For new_page(): what a browser keeps of a log-in as the Owner of the demo's Northfield."""
    server.flask("demo")
    context = chromium.new_context(base_url=server.url)
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("Email", exact=True).fill(ACCOUNTS["Owner of Northfield"])
    page.get_by_label("Password", exact=True).fill(demo.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/orgs**")
    state = context.storage_state()
    context.close()
    return {"storage_state": state}


def test_a_first_visit_is_light_and_asks_nobody_else(new_page, logged_in, server):
    taken = Traffic(new_page(**logged_in)).of(PEOPLE)
    assert len(taken) <= 7, taken
    assert sum(taken.values()) <= 45 * KB, taken
    assert all(url.startswith(server.url) for url in taken)


def test_the_next_page_is_one_small_document(new_page, logged_in):
    traffic = Traffic(new_page(**logged_in))
    traffic.of(PEOPLE)
    for url in SIGNED_IN:
        taken = traffic.of(url)
        assert 1 <= len(taken) <= 2, taken
        assert sum(taken.values()) <= 10 * KB, taken


def test_signed_out_pages_are_lighter_still_and_do_without_htmx(new_page, server):
    for url in SIGNED_OUT:
        taken = Traffic(new_page()).of(url)
        assert 1 <= len(taken) <= 7, taken
        assert sum(taken.values()) <= 20 * KB, taken
        assert not [asked for asked in taken if "htmx" in asked or not asked.startswith(server.url)]


def tried(measure: Callable[[], float], enough: float) -> float:
    """The best of a few measurements; none after one that is good enough."""
    best = measure()
    for _ in range(TRIES - 1):
        best = best if best <= enough else min(best, measure())
    return best


@pytest.mark.parametrize("width", [1280, 360])
def test_a_page_stands_still_while_it_loads(new_page, logged_in, width):
    page = new_page(width=width, **logged_in)
    page.add_init_script(WATCH)

    def shift(url: str) -> float:
        page.goto(url)
        page.evaluate(SETTLED)
        return page.evaluate("shifted")

    for url in [*SIGNED_IN, *SIGNED_OUT]:
        assert tried(partial(shift, url), 0.01) <= 0.01, url


@pytest.mark.parametrize("url", ["/", PEOPLE])
def test_a_slow_phone_on_a_slow_line_shows_a_page_within_a_second(new_page, logged_in, url):
    def largest_paint() -> float:
        page = new_page(width=360, **(logged_in if url == PEOPLE else {}))
        page.add_init_script(WATCH)
        slow = page.context.new_cdp_session(page)
        slow.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        slow.send("Network.emulateNetworkConditions", SLOW)
        page.goto(url)
        page.evaluate(SETTLED)
        milliseconds = page.evaluate(PAINTED)
        page.context.close()
        return milliseconds

    assert tried(largest_paint, 1000) <= 1000
