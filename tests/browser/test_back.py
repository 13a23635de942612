"""Back and Forward, with the browser's page cache and without (UX.md check 23)."""

import re

import pytest
from playwright.sync_api import expect

from models import Role
from tests.browser.conftest import ARGUMENTS, PATH, PATIENCE
from tests.browser.host import heading, log_in, row
from tests.browser.live import LIVE

PEOPLE = [("Hana Reyes", Role.VIEWER), ("Hanako Abe", Role.OPERATOR)]
OTHERS = ("Ana", "Ben", "Cy", "Di", "Ed", "Flo")


@pytest.fixture(params=[False, True], ids=["without page cache", "with page cache"])
def cached(request):
    """Whether the browser may keep pages as they were left."""
    return request.param


@pytest.fixture(scope="module")
def keeping(chromium):
    """A browser that keeps pages; in every other one Playwright switches that off."""
    off = ["--disable-back-forward-cache"]
    browser = chromium.browser_type.launch(executable_path=PATH, args=ARGUMENTS, ignore_default_args=off)
    yield browser
    browser.close()


@pytest.fixture
def page(request, cached, server, new_page):
    """A page of a browser of either kind."""
    if not cached:
        yield new_page()
        return
    context = request.getfixturevalue("keeping").new_context(base_url=server.url)
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def whole(page):
    """A page with its layout, not a bare part of one."""
    expect(page.get_by_role("navigation").get_by_role("link", name="Settings")).to_be_visible()
    heading(page).to_have_text("People")


def test_back_shows_the_whole_list_as_it_was_left(page, host):
    for name, role in PEOPLE:
        host.member(name, role)
    for name in OTHERS:
        host.member(f"{name} Silva")
    url = f"{host.url}/people"
    log_in(page, host.amara.email)
    page.goto(host.url)
    page.goto(url)

    page.get_by_label("Search by name or email").press_sequentially("hana", delay=20)
    expect(page.locator("#count")).to_have_text("2 people match “hana”.")
    page.get_by_label("Role").select_option("Viewer")
    expect(page.locator("#count")).to_contain_text("1 person matches")
    expect(page).to_have_url(re.compile(r"q=hana&role=VIEWER&show=$"))
    page.goto(f"{url}/{host.member_id(host.amara)}")
    heading(page).to_have_text("Amara Okafor")

    page.go_back(wait_until="commit")
    whole(page)
    expect(page).to_have_url(re.compile(r"q=hana&role=VIEWER&show=$"))
    expect(page.get_by_label("Search by name or email")).to_have_value("hana")
    expect(row(page, "Hana Reyes")).to_be_visible()
    expect(row(page, "Hanako Abe")).to_have_count(0)

    page.go_back(wait_until="commit")  # one step, not one for each letter
    expect(page).to_have_url(re.compile(f"{re.escape(host.url)}$"))
    page.go_forward(wait_until="commit")
    whole(page)
    expect(page).to_have_url(re.compile(r"q=hana&role=VIEWER&show=$"))
    expect(row(page, "Hanako Abe")).to_have_count(0)


def test_back_undoes_an_order_of_the_list_with_its_page(page, host):
    for name, role in PEOPLE:
        host.member(name, role)
    log_in(page, host.amara.email)
    page.goto(f"{host.url}/people")
    page.get_by_role("link", name="Name").click()
    expect(page).to_have_url(re.compile("sort=-name"))
    expect(page.get_by_role("row").nth(1)).to_contain_text("Hanako Abe")
    page.get_by_role("link", name="Settings").click()
    page.go_back(wait_until="commit")
    whole(page)
    expect(page.get_by_role("row").nth(1)).to_contain_text("Hanako Abe")
    page.go_back(wait_until="commit")
    whole(page)
    expect(page.get_by_role("row").nth(1)).to_contain_text("Amara Okafor")


def test_a_page_that_the_browser_kept_is_whole(page, host, cached):
    """One that does not listen, and into which no part was fetched: nothing else that is not to be stored is kept."""
    page.route(LIVE, lambda route: route.abort())
    host.member("Hana Reyes")
    log_in(page, host.amara.email)
    page.goto(f"{host.url}/people?q=hana")
    page.evaluate("window.kept = true")
    page.get_by_role("link", name="Settings").click()
    heading(page).to_have_text("Settings")
    page.go_back(wait_until="commit")
    whole(page)
    expect(row(page, "Hana Reyes")).to_be_visible()
    assert (page.evaluate("window.kept") is True) is cached
