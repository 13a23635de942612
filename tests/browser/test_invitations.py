"""An invitation in a browser: its four faces, the way from one account to another, and the pages where it ends."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.host import Host, heading, log_in, press
from tests.factories import PASSWORD


def is_in(page: Page, host: Host) -> None:
    expect(page).to_have_url(re.compile(f"/orgs/{host.organization.slug}$"))
    expect(page.get_by_text(f"You joined {host.organization.name} as Operator.")).to_be_visible()


# --- sending --------------------------------------------------------------------------------------------------


def test_only_what_can_still_be_sent_stays_in_the_box(new_page, host, javascript):
    """A morph keeps what was typed where the answer has the default of before: nothing at all, or the same address."""
    page = host.let_in(new_page(javascript=javascript))
    box = page.get_by_label("Email addresses")
    page.goto(f"{host.url}/people/invite")
    box.fill(f"{host.amara.email}\n{host.email('ana')}")
    press(page, "Send 2 invitations" if javascript else "Send invitations")
    expect(page.get_by_text("Sent 1 invitation.")).to_be_visible()
    expect(box).to_have_value("")
    for name in ("ben", "cleo"):
        box.fill(f"nobody@\n{host.email(name)}")
        page.locator("#send").click()
        expect(box).to_have_value("nobody@")


# --- the four faces -------------------------------------------------------------------------------------------


def test_a_new_person_joins(new_page, host, javascript):
    page, email = new_page(javascript=javascript), host.email("hana")
    page.goto(host.invite(email))
    assert page.url.endswith("/invitation")
    heading(page).to_have_text(f"Join {host.organization.name}")
    expect(page.get_by_label("Email", exact=True)).to_have_value(email)
    page.get_by_label("Name", exact=True).fill("Hana Reyes")
    page.get_by_label("Password", exact=True).fill("too short")
    press(page, "Create account and join")
    expect(page.get_by_text("There is a problem")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Hana Reyes")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Create account and join")
    is_in(page, host)


def test_somebody_with_an_account_logs_in_and_joins(new_page, host, javascript):
    page = new_page(javascript=javascript)
    page.goto(host.invite(host.account("Hana Reyes")))
    heading(page).to_have_text(f"Log in to join {host.organization.name}")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Log in and join")
    is_in(page, host)


def test_who_is_logged_in_presses_one_button(new_page, host, javascript):
    page, email = new_page(javascript=javascript), host.account("Hana Reyes")
    log_in(page, email)
    page.goto(host.invite(email))
    expect(page.get_by_text(f"You are logged in as Hana Reyes ({email}).")).to_be_visible()
    press(page, f"Join {host.organization.name}")
    is_in(page, host)
    page.go_back(wait_until="commit")
    heading(page).to_have_text("Invitation not found")


def test_the_wrong_account_switches_and_comes_back(new_page, host, javascript):
    page, hana = new_page(javascript=javascript), host.account("Hana Reyes")
    log_in(page, host.account("Mateo Lindqvist"))
    page.goto(host.invite(hana))
    heading(page).to_have_text("This invitation is for another address")
    expect(page.get_by_text(host.email("mateo")).first).to_be_visible()
    expect(page.get_by_text(hana)).to_have_count(0)
    page.get_by_role("link", name="Back to my organizations").click()
    expect(page).to_have_url(re.compile("/orgs$"))
    page.goto("/invitation")
    press(page, "Switch account")
    heading(page).to_have_text(f"Log in to join {host.organization.name}")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Log in and join")
    is_in(page, host)


# --- the ends -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["none", "signed in"])
def test_who_says_no_is_asked_no_more(new_page, host, javascript, account):
    page, email = new_page(javascript=javascript), host.email("hana")
    if account == "signed in":
        log_in(page, host.account("Hana Reyes"))
    page.goto(host.invite(email))
    press(page, "Decline" if account == "signed in" else "Ignore this invitation")
    heading(page).to_have_text("You declined this invitation")


@pytest.mark.parametrize(
    ("change", "said", "way_on"),
    [
        ("revoked_at = now()", "This invitation was withdrawn", "ask the person who invited you."),
        ("accepted_at = now()", "You already joined with this invitation", "Log in to go on."),
        ("replaced_at = now()", "There is a newer invitation", "Use the link in that email."),
    ],
)
def test_the_page_of_an_end_says_what_happened_and_the_way_on(new_page, host, change, said, way_on):
    page = new_page(width=360)
    link = host.invite(host.email("hana"))
    host.change(f"UPDATE invitations SET {change} WHERE organization_id = :here")
    page.goto(link)
    heading(page).to_have_text(said)
    expect(page.get_by_text(way_on)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_organization_that_is_deleted_is_gone_with_its_invitations(new_page, host):
    page = new_page(width=360)
    link = host.invite(host.email("hana"))
    host.change("UPDATE organizations SET deleted_at = now() WHERE id = :here")
    page.goto(link)
    heading(page).to_have_text(f"{host.organization.name} no longer exists")


def test_an_expired_one_is_asked_for_again_and_its_sender_sends_it(new_page, host, postbox, javascript):
    page, amara = new_page(javascript=javascript, width=360), new_page(javascript=javascript)
    email = host.email("hana")
    link = host.invite(email)
    host.change("UPDATE invitations SET expires_at = now() - interval '1 hour' WHERE organization_id = :here")
    page.goto(link)
    heading(page).to_contain_text("This invitation expired on")
    press(page, "Ask for a new invitation")
    expect(page.get_by_text("We told Amara Okafor.")).to_be_visible()
    expect(page.get_by_role("button", name="Ask for a new invitation")).to_have_count(0)

    log_in(amara, host.amara.email)
    amara.goto(postbox.link_for(host.amara.email))
    press(amara, f"Send again to {email}")
    expect(amara.get_by_text(f"Sent again to {email}", exact=False)).to_be_visible()
    page.reload()
    heading(page).to_have_text("There is a newer invitation")
    page.goto(postbox.link_for(email))
    heading(page).to_have_text(f"Join {host.organization.name}")
