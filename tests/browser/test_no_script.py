"""The main job without JavaScript, with a reload after each step (UX.md checks 13 and 14); see test_tour.py too."""

import re

import pytest
from playwright.sync_api import expect

from models import Role
from tests.browser.host import heading, press, row, told
from tests.factories import PASSWORD

EVENTS = "SELECT count(*) FROM audit_events WHERE organization_id = :here AND request_id IS NOT NULL"  # by browsers


@pytest.fixture
def page(new_page, host):
    """A page without JavaScript where Amara is logged in."""
    return host.let_in(new_page(javascript=False))


@pytest.fixture
def done(page, host):
    """done("words", events=1): a toast says so, that many events were left, and a reload adds none."""
    before = [host.count(EVENTS)]

    def check(words, events=1):
        told(page, words)
        before[0] += events
        for _ in range(2):
            assert host.count(EVENTS) == before[0], words
            page.reload()

    return check


def test_people_and_their_roles(page, host, done):
    host.member("Hana Reyes")
    page.goto(f"{host.url}/people")
    row(page, "Hana Reyes").get_by_role("link", name="Change").click()
    heading(page).to_have_text("Hana Reyes")
    page.get_by_label("Operator").check()
    press(page, "Save role")
    done("Role changed to Operator for Hana Reyes")
    row(page, "Hana Reyes").get_by_role("link", name="Change").click()
    page.get_by_role("link", name=re.compile("^Remove from")).click()
    press(page, "Remove Hana Reyes")
    done("Removed Hana Reyes")


def test_invitations(page, host, done):
    page.goto(f"{host.url}/people/invite")
    page.get_by_label("Email addresses").fill(f"{host.email('ana')}\n{host.email('ben')}")
    press(page, "Send invitations")
    before_reload = page.url
    done("Sent 2 invitations.", events=2)
    assert page.url == before_reload
    row(page, "ana").get_by_role("button", name="Send again").click()
    done("Sent again to")
    row(page, "ben").get_by_role("button", name="Copy link").click()
    link = page.get_by_label("Link", exact=True).input_value()
    page.reload()  # the browser sends the form again: the same link, and no other
    assert page.get_by_label("Link", exact=True).input_value() == link
    page.goto(f"{host.url}/people/invitations")
    row(page, "ben").get_by_role("button", name="Revoke").click()
    done("revoked", events=2)  # the link that was made is the other one


def test_a_project_and_a_role_on_it(page, host, done):
    host.member("Hana Reyes")
    page.goto(f"{host.url}/projects/new")
    page.get_by_label("Name", exact=True).fill("Billing pipeline")
    press(page, "Create project")
    done("Billing pipeline was created.")
    project = page.url
    page.goto(f"{project}/access")
    row(page, "Hana Reyes").get_by_role("link", name="Change").click()
    page.get_by_label("Admin").check()
    press(page, "Save role")
    done("Hana Reyes")
    page.goto(project)
    page.get_by_role("link", name=re.compile("^Archive")).click()
    press(page, "Archive Billing pipeline")
    done("archived")
    press(page, "Restore")
    done("restored")


def test_a_list_is_searched_ordered_and_paged(page, host):
    host.crowd(60)
    page.goto(f"{host.url}/people")
    page.get_by_label("Search by name or email").fill("person 05")
    page.get_by_label("Role").select_option("Viewer")
    press(page, "Search")
    expect(page.locator("#count")).to_have_text("10 people match “person 05” with role Viewer.")
    page.get_by_role("link", name="Name").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("Person 059")
    expect(page).to_have_url(re.compile("sort=-name"))
    page.goto(f"{host.url}/people")
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#count")).to_contain_text("51–61")


def test_ownership_is_offered_and_accepted(page, new_page, host, done):
    sven = host.member("Sven Weber", Role.ADMIN)
    page.goto(f"{host.url}/settings/transfer")
    row(page, "Sven Weber").get_by_role("link", name="Choose").click()
    page.get_by_label("Admin").check()
    page.get_by_label("Your password").fill(PASSWORD)
    press(page, "Offer ownership")
    done("Sven Weber was asked to become an Owner")
    other = host.let_in(new_page(javascript=False), sven)
    other.goto(host.url)
    press(other, "Accept")
    told(other, "You are now an Owner")
    other.reload()
    expect(other.get_by_role("button", name="Accept")).to_have_count(0)


def test_an_organization_is_made_deleted_and_restored(page, host):
    page.goto("/orgs/new")
    page.get_by_label("Name", exact=True).fill(f"Quay {host.word}")
    press(page, "Create organization")
    told(page, "was created.")
    page.reload()
    page.goto(f"/orgs/quay-{host.word}/settings/delete")
    page.get_by_label("The organization's address").fill(f"quay-{host.word}")
    page.get_by_label("Your password").fill(PASSWORD)
    press(page, f"Delete Quay {host.word}")
    told(page, "was deleted")
    page.reload()
    expect(page.get_by_role("button", name=f"Restore Quay {host.word}")).to_have_count(1)
    press(page, f"Restore Quay {host.word}")
    told(page, "was restored.")
    page.reload()
    heading(page).to_have_text(f"Quay {host.word}")


def test_a_password_is_changed_and_other_browsers_are_logged_out(page, new_page, host):
    other = host.let_in(new_page(javascript=False))
    page.goto("/account/security")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password").fill("another long cargo ship")
    page.get_by_role("button", name=re.compile("password")).click()
    told(page, "Password changed. Other devices were logged out.")
    page.reload()
    heading(page).to_have_text("Security")
    other.goto(host.url)
    expect(other).to_have_url(re.compile("/login"))
