"""The whole main job as two people do it in a browser, with JavaScript and without: the tour of the README."""

import re
import uuid

import pytest
from playwright.sync_api import Page, expect

PASSWORD = "correct cargo ship paper"


@pytest.fixture
def fresh():
    """A word that nobody used before, for addresses and names."""
    return uuid.uuid4().hex[:8]


def sign_up(page: Page, postbox, name: str, email: str) -> None:
    page.goto("/signup")
    page.get_by_label("Email", exact=True).fill(email)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your email")
    page.goto(postbox.link_for(email))
    page.get_by_role("button", name="Confirm email address").click()


def log_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.goto("/login")
    page.get_by_label("Email", exact=True).fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def create_organization(page: Page, name: str) -> None:
    page.goto("/orgs/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create organization").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=name).click()


def test_two_people_do_the_whole_main_job(new_page, postbox, fresh, javascript):
    amara, hana = new_page(javascript=javascript), new_page(javascript=javascript)
    slug = f"northfield-{fresh}"

    # Amara signs up, makes an organization and a project in it.
    sign_up(amara, postbox, "Amara Okafor", f"amara-{fresh}@example.org")
    create_organization(amara, f"Northfield {fresh}")
    assert amara.url.endswith(f"/orgs/{slug}")
    open_tab(amara, "Projects")
    amara.get_by_role("link", name="Create a project").first.click()
    amara.get_by_label("Name", exact=True).fill("Billing pipeline")
    amara.get_by_role("button", name="Create project").click()
    expect(amara.get_by_role("heading", level=1)).to_contain_text("Billing pipeline")
    project = amara.url

    # She invites Hana as Viewer; Hana follows the link in her mail, makes an account and is in.
    open_tab(amara, "People")
    amara.get_by_role("link", name="Invite people").first.click()
    amara.get_by_label("Email addresses").fill(f"hana-{fresh}@example.org, sam@")
    amara.get_by_label("Viewer").check()
    amara.get_by_role("button", name=re.compile("^Send")).click()
    expect(amara.get_by_text("Sent 1 invitation", exact=False)).to_be_visible()
    expect(amara.get_by_label("Email addresses")).to_have_value("sam@")
    hana.goto(postbox.link_for(f"hana-{fresh}@example.org"))
    assert hana.url.endswith("/invitation")
    hana.get_by_label("Name", exact=True).fill("Hana Reyes")
    hana.get_by_label("Password", exact=True).fill(PASSWORD)
    hana.get_by_role("button", name="Create account and join").click()
    expect(hana).to_have_url(re.compile(f"/orgs/{slug}$"))

    # As Viewer she sees the project and can change nothing.
    hana.goto(project)
    expect(hana.get_by_role("heading", level=1)).to_contain_text("Billing pipeline")
    assert hana.goto(f"{project}/edit").status == 403
    assert hana.goto(f"/orgs/{slug}/people/invite").status == 403

    # Amara makes her Operator in the organization, and Admin on the project.
    change_role(amara, slug, "Hana Reyes", "Operator", javascript)
    assert hana.goto(f"{project}/edit").status == 200
    assert hana.goto(f"/orgs/{slug}/people/invite").status == 403
    amara.goto(f"{project}/access")
    amara.get_by_role("row", name=re.compile("Hana Reyes")).get_by_role("link", name=re.compile("^Change")).click()
    amara.get_by_label(re.compile("^Admin")).check()
    amara.get_by_role("button", name=re.compile("^(Save|Make)")).click()
    expect(amara.get_by_role("row", name=re.compile("Hana Reyes"))).to_contain_text("Set on this project")
    hana.goto(project)
    hana.get_by_role("link", name=re.compile("^Archive")).click()
    hana.get_by_role("button", name=re.compile("^Archive")).click()
    expect(hana.get_by_text("archived", exact=False).first).to_be_visible()

    # Removed, she sees nothing of it any more.
    amara.goto(f"/orgs/{slug}/people")
    amara.get_by_role("row", name=re.compile("Hana Reyes")).get_by_role("link", name=re.compile("^Change")).click()
    amara.get_by_role("link", name=re.compile("^Remove")).click()
    amara.get_by_role("button", name=re.compile("^Remove Hana Reyes")).click()
    expect(amara.get_by_role("row", name=re.compile("Hana Reyes"))).to_have_count(0)
    assert hana.goto(project).status == 404

    # The log tells all of that, and finds her although she is gone.
    amara.goto(f"/orgs/{slug}/audit")
    amara.get_by_label("Person").fill("hana")
    amara.get_by_role("button", name="Show").click()
    expect(amara.get_by_role("row", name=re.compile("Amara Okafor removed Hana Reyes"))).to_be_visible()
    expect(amara.get_by_role("row", name=re.compile("created the project"))).to_have_count(0)
    amara.get_by_text("Details").first.click()
    expect(amara.get_by_text("Hash", exact=True).first).to_be_visible()


def change_role(page: Page, slug: str, name: str, role: str, javascript: bool) -> None:
    page.goto(f"/orgs/{slug}/people")
    page.get_by_role("row", name=re.compile(name)).get_by_role("link", name=re.compile("^Change")).click()
    page.get_by_label(re.compile(f"^{role}")).check()
    page.get_by_role("button", name="Save role").click()
    if javascript:
        expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("row", name=re.compile(name)).get_by_text(role, exact=True)).to_be_visible()


def test_a_session_lives_on_and_ends_with_log_out(new_page, postbox, fresh, javascript):
    page = new_page(javascript=javascript)
    sign_up(page, postbox, "Kofi Mensah", f"kofi-{fresh}@example.org")
    again = page.context.new_page()
    again.goto("/account")
    expect(again.get_by_role("heading", level=1)).to_be_visible()
    page.goto("/orgs")
    page.get_by_role("button", name=re.compile("Your account")).click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out")).to_be_visible()
    again.goto("/account")
    assert "/login?next=" in again.url


def test_a_forgotten_password_is_replaced_and_other_browsers_are_logged_out(new_page, postbox, fresh, javascript):
    first, second = new_page(javascript=javascript), new_page(javascript=javascript)
    email = f"lena-{fresh}@example.org"
    sign_up(first, postbox, "Lena Novak", email)
    second.goto("/login")
    second.get_by_role("link", name="Forgot your password?").click()
    second.get_by_label("Email", exact=True).fill(email)
    second.get_by_role("button").first.click()
    second.goto(postbox.link_for(email))
    second.get_by_label("New password", exact=True).fill("another long cargo ship")
    second.get_by_role("button", name=re.compile("password", re.IGNORECASE)).last.click()
    expect(second.get_by_text("Password changed", exact=False).first).to_be_visible()
    first.goto("/account")
    assert "/login" in first.url
    log_in(first, email, "another long cargo ship")
    expect(first.get_by_role("heading", level=1)).to_be_visible()
    assert "/login" not in first.url
