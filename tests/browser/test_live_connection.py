"""A stream that breaks off, and what an open page does about it."""

import re
import time
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from models import Role
from tests.browser.host import row
from tests.browser.live import LIVE, SOON

LONGEST_WAIT = 35_000  # milliseconds between two tries of a page, and what a busy machine adds

PEOPLE = re.compile("/people$")


def test_a_lost_connection_is_told_after_five_seconds_and_caught_up(cast, server):
    """Not at the first blip. Everything else works meanwhile, and what happened meanwhile appears afterwards."""
    hana = cast.page("hana", "/people", clock=True)
    hana.clock.pause_at(datetime.now(UTC) + timedelta(seconds=1))
    hana.route(LIVE, lambda route: route.abort())
    with hana.expect_event("requestfailed", lambda request: "/live" in request.url):
        server.reload()
    hana.clock.run_for(4000)
    expect(hana.locator("#offline")).to_be_hidden()
    hana.clock.run_for(2000)
    expect(hana.locator("#offline")).to_be_visible()
    hana.clock.resume()
    cast.rename("kofi", "Kofi M.")
    hana.get_by_role("link", name=re.compile("^Role")).click()
    expect(row(hana, "Kofi M.")).to_be_visible()
    cast.rename("kofi", "Kofi Mensah")
    hana.unroute(LIVE)
    expect(row(hana, "Kofi Mensah")).to_be_visible(timeout=LONGEST_WAIT)
    expect(hana.locator("#offline")).to_be_hidden()


def test_a_line_on_which_nothing_comes_any_more_is_given_up(cast):
    """Nobody hung up: the server stands still, or the network lost the line."""
    hana = cast.page("hana", "/people", clock=True)
    hana.clock.pause_at(datetime.now(UTC) + timedelta(seconds=1))
    hana.route(LIVE, lambda _route: None)
    with hana.expect_request(LIVE):
        hana.clock.run_for(26_000)
    expect(hana.locator("#offline")).to_be_hidden()
    hana.clock.run_for(6000)
    expect(hana.locator("#offline")).to_be_visible()
    hana.unroute(LIVE)
    hana.clock.run_for(20_000)
    hana.clock.resume()
    cast.rename("kofi", "Kofi M.")
    expect(row(hana, "Kofi M.")).to_be_visible(timeout=LONGEST_WAIT)
    expect(hana.locator("#offline")).to_be_hidden()


def test_a_restarted_server_is_found_again(cast, server):
    """Its workers let the open pages go at once, and the pages come back by themselves: at their next try."""
    hana = cast.page("hana", "/people")
    with hana.expect_response(LIVE):
        server.reload()
    cast.rename("kofi", "Kofi M.")
    expect(row(hana, "Kofi M.")).to_be_visible(timeout=LONGEST_WAIT)
    expect(hana.locator("#offline")).to_be_hidden()


def test_a_hidden_page_gives_its_connection_back_and_catches_up_when_it_is_shown(cast):
    hana = cast.page("hana", "/people", clock=True)
    hana.evaluate("Object.defineProperty(document, 'hidden', { get: () => window.away, configurable: true })")
    with hana.expect_event("requestfailed", lambda request: "/live" in request.url):
        hana.evaluate("window.away = true; document.dispatchEvent(new Event('visibilitychange'))")
        hana.clock.run_for(2000)
    hana.clock.resume()
    cast.rename("kofi", "Kofi M.")
    with hana.expect_response(LIVE):
        hana.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(row(hana, "Kofi M.")).to_be_visible()


def test_ten_tabs_of_one_browser_load(cast):
    """A browser has six connections to a host on HTTP/1.1: those tabs listen that are looked at."""
    first = cast.page("hana", "/people")
    tabs = [first]
    for _ in range(9):
        hide(tabs[-1])
        tabs.append(first.context.new_page())
        began = time.monotonic()
        tabs[-1].goto(f"/orgs/{cast.organization.slug}/people")
        assert time.monotonic() - began < 2.0
    cast.rename("kofi", "Kofi M.")
    expect(row(tabs[-1], "Kofi M.")).to_be_visible(timeout=SOON)


def hide(page):
    with page.expect_event("requestfailed", lambda request: "/live" in request.url):
        page.evaluate("""() => {
          Object.defineProperty(document, 'hidden', { get: () => true });
          document.dispatchEvent(new Event('visibilitychange'));
        }""")


def test_a_viewer_is_never_sent_what_only_admins_may_see(cast):
    """Neither on the stream nor in what is fetched because of it: no control of an Admin."""
    hana = cast.page("hana", "/people")
    sent = []
    hana.on("response", lambda answer: sent.append(answer))  # noqa: PLW0108 - Playwright marks the function
    cast.invite("ana@example.org")
    cast.set_role("kofi", Role.ADMIN)
    expect(row(hana, "Kofi Mensah").get_by_text("Admin", exact=True)).to_be_visible()
    bodies = "".join(answer.text() for answer in sent if answer.status == 200 and "/live" not in answer.url)
    assert "Kofi Mensah" in bodies
    assert not re.search("ana@example.org|/invit|Change…|/audit", bodies)
