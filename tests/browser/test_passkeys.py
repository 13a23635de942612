"""Passkeys with a device of the browser's own (Chromium's virtual authenticator)."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.host import heading
from tests.factories import PASSWORD

SECURITY = "/account/security"
KIND = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}

NO_OFFER = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"


class Device:
    """An authenticator inside the browser: it knows its owner, until it is told not to."""

    def __init__(self, page):
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        options = {**KIND, "isUserVerified": True, "automaticPresenceSimulation": True}
        self.id = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def knows_its_owner(self, known):
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": known})

    def keys(self):
        return self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]


@pytest.fixture
def page(new_page):
    return new_page()


@pytest.fixture
def device(page):
    page.goto("/")
    return Device(page)


@pytest.fixture
def added(page, device, host):
    """Amara, who added a passkey of this device."""
    host.let_in(page)
    page.goto(SECURITY)
    page.get_by_role("link", name="Add a passkey").click()
    confirm(page)
    page.get_by_label("Name").fill("This laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("row", name=re.compile("This laptop"))).to_be_visible()
    return page


def confirm(page):
    """Her session is an hour old."""
    heading(page).to_have_text("Confirm it is you")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm by your password").click()
    heading(page).to_have_text("Add a passkey")


def log_out(page):
    page.get_by_role("button", name=re.compile("Your account")).click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()


def test_one_is_added_and_logs_in_alone(added, device, host):
    assert len(device.keys()) == 1
    log_out(added)
    added.add_init_script(NO_OFFER)  # or the device would answer the one in the email field
    added.goto(f"/login?next={SECURITY}")
    added.get_by_role("button", name="Use a passkey").click()
    heading(added).to_have_text("Security")
    expect(added.get_by_role("row", name=re.compile("This laptop"))).not_to_contain_text("Never")


def test_it_offers_itself_in_the_email_field(added, device):
    log_out(added)
    added.goto(f"/login?next={SECURITY}")  # the device answers by itself, as when somebody chooses it there
    heading(added).to_have_text("Security")


def test_nothing_is_added_where_the_device_does_not_know_its_owner(page, device, host):
    host.let_in(page)
    page.goto(f"{SECURITY}/passkeys/new")
    confirm(page)
    device.knows_its_owner(False)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("Nothing was added.")).to_be_visible()
    expect(page.get_by_role("button", name="Add a passkey")).to_be_focused()
    assert device.keys() == []


def test_a_device_is_added_once(added):
    added.get_by_role("link", name="Add a passkey").click()
    added.get_by_role("button", name="Add a passkey").click()
    expect(added.get_by_text("This device has a passkey for your account already.")).to_be_visible()


def test_it_confirms_who_one_is(added, owner_of_server):
    owner_of_server.execute("UPDATE sessions SET created_at = created_at - interval '1 hour'")
    added.goto(f"{SECURITY}/passkeys/new")
    heading(added).to_have_text("Confirm it is you")
    added.get_by_role("button", name="Use a passkey").click()
    heading(added).to_have_text("Add a passkey")


def test_without_javascript_there_is_the_password(new_page, host):
    page = new_page(javascript=False)
    page.goto("/login")
    expect(page.get_by_role("button", name="Use a passkey")).to_be_hidden()
    host.let_in(page)
    page.goto(f"{SECURITY}/passkeys/new")
    confirm(page)
    assert "Passkeys need JavaScript. You can still use your password." in page.locator("noscript").text_content()
