"""A session that ended on the server while its page is open (UX.md check 26, all but the stream)."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from models import Role
from tests.browser.host import heading, log_in, row
from tests.factories import PASSWORD


@pytest.fixture
def crowd(host):
    """Enough members for a search."""
    return [
        host.member(f"{name} Silva", Role.VIEWER) for name in ("Ana", "Ben", "Cy", "Di", "Ed", "Flo", "Gil", "Hana")
    ]


def log_in_again(page, host, url):
    """The whole page is the log-in page; it leads back to where one was."""
    expect(page).to_have_url(re.compile(re.escape(f"/login?next={quote(url, safe='/?')}&why=expired") + "$"))
    heading(page).to_have_text("Log in")
    expect(page.get_by_text("You were logged out.")).to_be_visible()
    expect(page.locator("form:has(#log-in)")).to_have_count(1)
    expect(page.locator("table")).to_have_count(0)  # no list around it
    page.get_by_label("Email", exact=True).fill(host.amara.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile(re.escape(url) + "$"))


@pytest.mark.usefixtures("crowd")
def test_a_search_a_dialog_and_a_button_lead_to_log_in_and_back(new_page, host):
    page, people = new_page(), f"{host.url}/people"
    log_in(page, host.amara.email)

    page.goto(people)
    host.end_sessions(host.amara)
    page.get_by_label("Search by name or email").fill("hana")
    log_in_again(page, host, people)

    page.goto(f"{people}?q=silva&sort=-name")
    host.end_sessions(host.amara)
    row(page, "Hana Silva").get_by_role("link", name="Change").click()
    log_in_again(page, host, f"{people}?q=silva&sort=-name")

    row(page, "Hana Silva").get_by_role("link", name="Change").click()
    page.get_by_role("dialog").get_by_label("Operator").check()
    host.end_sessions(host.amara)
    page.get_by_role("button", name="Save role").click()
    log_in_again(page, host, f"{people}?q=silva&sort=-name")
    expect(row(page, "Hana Silva").get_by_text("Viewer")).to_be_visible()  # nothing is sent by itself


def test_what_was_typed_is_kept_and_put_back(new_page, host):
    page, url = new_page(), f"{host.url}/settings"
    log_in(page, host.amara.email)
    page.goto(url)
    page.get_by_label("Name", exact=True).fill("Southfield")
    host.end_sessions(host.amara)
    page.get_by_role("button", name="Save").click()
    log_in_again(page, host, url)
    expect(page.get_by_text("We kept what you typed.")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Southfield")
    assert host.count("SELECT count(*) FROM organizations WHERE name = 'Southfield'") == 0
    page.reload()
    expect(page.get_by_label("Name", exact=True)).to_have_value(host.organization.name)  # put back once


def test_a_link_without_htmx_leads_to_log_in_and_back(new_page, host, javascript):
    page, url = new_page(javascript=javascript), f"{host.url}/settings"
    log_in(page, host.amara.email)
    page.goto(f"{host.url}/people")
    host.end_sessions(host.amara)
    page.get_by_role("link", name="Settings").click()
    log_in_again(page, host, url)
