"""Answers that are no success, asked for by a part of a page: nothing of them lands in it (UX.md check 29)."""

import re

import pytest
from playwright.sync_api import expect

from models import limits
from models.rate_limit import take
from tests.browser.host import heading, row
from tests.browser.live import LIVE

CHANGES = "record_audit(jsonb)"
SEARCHES = "fold(text)"


@pytest.fixture
def broken(owner_of_server):
    """broken(CHANGES), broken(SEARCHES) makes them fail in the database; calling what it returns repairs them."""
    undo = []

    def break_it(function):
        name, _, types = function.partition("(")
        owner_of_server.execute(f"ALTER FUNCTION {function} RENAME TO broken")
        undo.append(f"ALTER FUNCTION broken({types} RENAME TO {name}")
        return repair

    def repair():
        while undo:
            owner_of_server.execute(undo.pop())

    yield break_it
    repair()


def text_of(region):
    return " ".join(region.inner_text().split())


def test_a_fault_is_one_toast_with_its_reference_and_the_list_stays(new_page, host, broken):
    host.member("Hana Reyes")
    page = host.let_in(new_page())
    page.goto(f"{host.url}/people")
    before = text_of(row(page, "Hana Reyes"))
    row(page, "Hana Reyes").get_by_role("link", name="Change").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Operator").check()
    broken(CHANGES)
    dialog.get_by_role("button", name="Save role").click()
    said = dialog.locator(".toast")
    expect(said).to_have_count(1)
    expect(said).to_contain_text(
        re.compile("Something went wrong on our side. We have been told. Reference [0-9a-f]{16}")
    )
    expect(dialog.get_by_label("Operator")).to_be_checked()
    page.keyboard.press("Escape")
    assert text_of(row(page, "Hana Reyes")) == before


def searching_fails(page, broken, how):
    if how == "fault":
        return broken(SEARCHES)
    page.route(re.compile("q=hana"), lambda route: route.abort())
    return page.unroute_all


@pytest.mark.parametrize("how", ["fault", "no answer"])
def test_a_list_that_could_not_be_loaded_says_so_and_is_asked_for_again(how, new_page, host, broken):
    host.member("Hana Reyes")
    host.crowd(8)
    page = host.let_in(new_page())
    page.route(LIVE, lambda route: route.abort())
    page.goto(f"{host.url}/people")
    repair = searching_fails(page, broken, how)
    page.get_by_role("searchbox").fill("hana")
    note = page.locator("#people > .note")
    expect(note).to_contain_text(re.compile(r"The list could not be loaded. What you see is from \d\d:\d\d UTC"))
    expect(page.locator(".toast")).to_have_count(1)
    expect(row(page, "Person 001")).to_be_visible()
    note.get_by_role("button", name="Try again").click()
    expect(page.locator(".toast")).to_have_count(2)
    expect(note).to_have_count(1)
    repair()
    note.get_by_role("button", name="Try again").click()
    expect(page.locator("#count")).to_have_text("1 person matches “hana”.")
    expect(note).to_have_count(0)
    expect(page.locator("body")).not_to_be_focused()


def test_a_fault_of_a_page_is_a_page(new_page, host, broken):
    page = host.let_in(new_page(javascript=False))
    page.goto(f"{host.url}/projects/new")
    page.get_by_label("Name", exact=True).fill("Billing pipeline")
    broken(CHANGES)
    page.get_by_role("button", name="Create project").click()
    heading(page).to_have_text("Something went wrong on our side")
    expect(page.get_by_text(re.compile("Your change was not saved. *"))).to_be_visible()
    expect(page.get_by_text(re.compile("Reference [0-9a-f]{16}"))).to_be_visible()


def test_what_is_gone_is_a_note_and_the_list_stays(new_page, host):
    host.member("Hana Reyes")
    page = host.let_in(new_page())
    page.route(LIVE, lambda route: route.abort())  # or she would be gone already
    page.goto(f"{host.url}/people")
    before = text_of(page.locator("#people"))
    host.change("DELETE FROM organization_members WHERE organization_id = :here AND role = 'VIEWER'")
    row(page, "Hana Reyes").get_by_role("link", name="Change").click()
    note = page.locator("#notices .note")
    expect(note).to_have_count(1)
    expect(note).to_contain_text("Page not found")
    assert text_of(page.locator("#people")) == before
    assert page.goto(f"{host.url}/people/nobody").status == 404
    heading(page).to_have_text("Page not found")


def test_a_limit_is_a_note_that_says_when(new_page, host, javascript):
    ana, page = host.invitation(host.email("ana")), host.let_in(new_page(javascript=javascript))
    with host.app.app_context():
        for _ in range(5):
            take(limits.INVITES_TO_ADDRESS, ana.email_key)
    page.goto(f"{host.url}/people/invitations")
    page.get_by_role("button", name="Send again").click()
    if javascript:
        expect(page.locator("#notices .note")).to_contain_text("gets at most 5 invitations a day")
        expect(page.locator("#notices .note")).to_contain_text(re.compile(r"Try again after \d\d:\d\d UTC"))
        expect(row(page, host.email("ana"))).to_be_visible()
    else:
        heading(page).to_have_text("Too many attempts")
        expect(page.get_by_text(re.compile(r"Try again after \d\d:\d\d UTC"))).to_be_visible()
        expect(page.get_by_role("link", name="Back")).to_be_visible()
