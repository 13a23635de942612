"""The page that waits for a sign-up's mail."""

import re

from playwright.sync_api import expect

from tests.browser.host import heading
from tests.factories import PASSWORD


def sign_up(page, host, name):
    page.goto("/signup")
    page.get_by_label("Email", exact=True).fill(host.email(name))
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    heading(page).to_have_text("Check your email")
    return host.postbox.text_for(host.email(name))


def test_it_moves_on_to_log_in_when_the_link_is_opened_on_another_device(new_page, host):
    page, phone = new_page(), new_page()
    mail = sign_up(page, host, "waits")
    phone.goto(re.search(r"http\S+/verify-email/\S+", mail)[0])
    phone.get_by_role("button", name="Confirm email address").click()
    expect(page).to_have_url(re.compile(r"/login\?.*why=confirmed"))
    expect(page.get_by_text("Your email address is confirmed.")).to_be_visible()


def test_the_code_is_typed_without_javascript(new_page, host):
    page = new_page(javascript=False)
    mail = sign_up(page, host, "types")
    page.get_by_label("6-digit code").fill(re.search(r"^(\d{6})\s*$", mail, re.MULTILINE)[1])
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Email address confirmed.")).to_be_visible()
