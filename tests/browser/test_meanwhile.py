"""What somebody else did while a page was open: a role was lowered, a thing was changed (UX.md checks 27 and 28)."""

import re

import pytest
from playwright.sync_api import expect

from models import Role
from tests.browser.host import heading, row, told
from tests.browser.live import LIVE

LOWER = "UPDATE organization_members SET role = 'VIEWER' WHERE organization_id = :here AND user_id = :user"
ROLE_OF = "SELECT role::text FROM organization_members WHERE organization_id = :here AND user_id = :user"


def notice(page):
    return page.locator("#notices .note")


# --- a role that was lowered ----------------------------------------------------------------------------------


@pytest.fixture
def sven(new_page, host):
    """Sven's account, and a page where he is logged in as Admin."""
    user = host.member("Sven Weber", Role.ADMIN)
    page = host.let_in(new_page(), user)
    page.route(LIVE, lambda route: route.abort())  # or the controls would be gone before he could use them
    return user, page


def test_the_next_action_says_who_can_help_and_takes_the_controls_away(host, sven):
    (user, page), hana = sven, host.member("Hana Reyes")
    page.goto(f"{host.url}/people")
    row(page, "Hana Reyes").get_by_role("link", name="Change").click()
    page.get_by_role("dialog").get_by_label("Operator").check()
    host.change(LOWER, user=user.id)
    page.get_by_role("button", name="Save role").click()
    said = page.get_by_role("dialog").locator(".notices .note")
    expect(said).to_contain_text("Amara Okafor")
    page.keyboard.press("Escape")
    expect(row(page, "Hana Reyes")).to_be_visible()
    expect(row(page, "Hana Reyes").get_by_role("link")).to_have_count(0)
    assert page.evaluate("document.activeElement !== document.body")
    assert host.count(ROLE_OF, user=hana.id) == "VIEWER"


def test_a_page_that_may_no_longer_be_seen_says_so(host, sven):
    user, page = sven
    host.invitation(host.email("ana"))
    page.goto(f"{host.url}/people/invitations")
    host.change(LOWER, user=user.id)
    page.get_by_role("button", name="Revoke").click()
    expect(notice(page)).to_contain_text("Your role in")
    expect(notice(page)).to_contain_text("Amara Okafor")
    heading(page).to_have_text("You cannot open this page")
    expect(page.locator("#invitations")).to_have_count(0)
    assert page.evaluate("document.activeElement !== document.body")


def test_without_htmx_it_is_a_page(host, new_page):
    user = host.member("Sven Weber", Role.ADMIN)
    page = host.let_in(new_page(javascript=False), user)
    page.goto(f"{host.url}/people/invite")
    host.change(LOWER, user=user.id)
    page.get_by_label("Email addresses").fill(host.email("ana"))
    page.get_by_role("button", name=re.compile("^Send")).click()
    heading(page).to_have_text("You cannot open this page")
    expect(page.get_by_text("Amara Okafor")).to_be_visible()


# --- a thing that was changed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", ["mine", "theirs"])
def test_who_saves_second_sees_both_roles_and_chooses(new_page, host, javascript, choice):
    hana, sven = host.member("Hana Reyes"), host.member("Sven Weber", Role.ADMIN)
    page = host.let_in(new_page(javascript=javascript))
    page.goto(f"{host.url}/people")
    row(page, "Hana Reyes").get_by_role("link", name="Change").click()
    page.get_by_label("Admin").check()
    first = "SET role = 'OPERATOR', version = version + 1, granted_by = :by, granted_at = now()"
    host.change(f"UPDATE organization_members {first} WHERE user_id = :user", by=sven.id, user=hana.id)
    page.get_by_role("button", name="Save role").click()
    conflict = page.locator(".note", has_text="Sven Weber changed this")
    expect(conflict).to_be_focused()
    expect(conflict).to_contain_text("Hana Reyes is now Operator. You chose Admin.")
    assert host.count(ROLE_OF, user=hana.id) == "OPERATOR"
    if choice == "mine":
        page.get_by_role("button", name="Make Hana Reyes an Admin").click()
        told(page, "Role changed to Admin for Hana Reyes")
    else:
        page.get_by_role("link", name="Keep Operator").click()
    kept = "Admin" if choice == "mine" else "Operator"
    expect(row(page, "Hana Reyes").get_by_text(kept, exact=True)).to_be_visible()
    assert host.count(ROLE_OF, user=hana.id) == kept.upper()


def test_text_that_somebody_else_changed_is_shown_beside_ones_own(new_page, host, javascript):
    sven, page = host.member("Sven Weber", Role.ADMIN), host.let_in(new_page(javascript=javascript))
    page.goto(f"{host.url}/settings")
    page.get_by_label("Name", exact=True).fill("Southfield")
    other = "SET name = 'Eastfield', version = version + 1, updated_by = :by"
    host.change(f"UPDATE organizations {other} WHERE id = :here", by=sven.id)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".note", has_text="Sven Weber changed this")).to_contain_text("Eastfield")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Southfield")
    page.get_by_role("button", name="Save mine").click()
    told(page, "Name and address were saved.")
    assert host.count("SELECT name FROM organizations WHERE id = :here") == "Southfield"
