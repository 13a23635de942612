"""The mails that development shows instead of sending."""

import pytest

from models import Invitation, OutgoingMail, Role, db, transaction
from models.text import Address


@pytest.fixture
def invitation(app, northfield):
    """An invitation of ana@example.org, whose mail waits."""
    with northfield.inside(app), transaction():
        address = Address("ana@example.org", "ana@example.org")
        return Invitation.issue(northfield.organization.id, address, Role.VIEWER, northfield.owner.id)


def test_a_mail_is_shown_with_a_link_that_can_be_followed(browser, invitation, link):
    page = browser().get("/dev/mail").text
    assert "ana@example.org" in page
    assert "Amara Okafor invited you to Northfield" in page
    assert f'href="http://localhost{link()}"' in page
    assert "Waiting to be sent" in page


def test_the_html_part_is_text(browser, invitation):
    page = browser().get("/dev/mail").text
    assert page.count("<!doctype html>") == 1
    assert "&lt;html" in page or "&lt;!doctype" in page


def test_a_mail_that_makes_no_sense_any_more_is_named(app, browser, northfield, invitation):
    with northfield.inside(app), transaction():
        db.session.get_one(Invitation, invitation.id).revoke()
    assert "A mail that is not sent any more" in browser().get("/dev/mail").text


def test_what_the_mail_server_said_is_shown(app, browser, invitation):
    with app.app_context(), transaction():
        db.session.scalars(db.select(OutgoingMail)).one().failed("550 no such user", None)
    page = browser().get("/dev/mail").text
    assert "Could not be sent" in page
    assert "550 no such user" in page


def test_an_empty_page_says_how_to_fill_it(browser):
    assert "No mails yet" in browser().get("/dev/mail").text


def test_other_machines_see_nothing(browser):
    response = browser().get("/dev/mail", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert response.status_code == 404


# --- one mail, as it will look ----------------------------------------------------------------------------------


@pytest.fixture
def mail_of(app, invitation):
    """The address of the mail's own page."""
    with app.app_context():
        return f"/dev/mail/{db.session.scalars(db.select(OutgoingMail.id)).one()}"


def test_the_list_leads_to_each_mail(browser, mail_of):
    assert f'href="{mail_of}"' in browser().get("/dev/mail").text


def test_a_mail_is_shown_as_it_will_look_and_can_do_nothing(browser, mail_of):
    answer = browser().client.get(mail_of)  # not our page: it is the mail that somebody will read
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert "See the invitation</a>" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


def test_other_pages_keep_their_policy(browser, mail_of):
    assert "unsafe-inline" not in browser().get("/dev/mail").headers["Content-Security-Policy"]


def test_a_mail_that_makes_no_sense_any_more_is_not_found(app, browser, northfield, invitation, mail_of):
    with northfield.inside(app), transaction():
        db.session.get_one(Invitation, invitation.id).revoke()
    assert browser().get(mail_of).status_code == 404


@pytest.mark.parametrize("key", ["00000000-0000-7000-8000-000000000000", "7", "%00"])
def test_a_mail_that_never_was_is_not_found(browser, key):
    assert browser().get(f"/dev/mail/{key}").status_code == 404


def test_other_machines_see_no_mail(browser, mail_of):
    assert browser().get(mail_of, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 404


def test_production_has_no_such_page(app_with, browser, mail_of):
    live = app_with(freehold_env="production", base_url="https://id.example.org", smtp_url="smtp://127.0.0.1:1")
    assert browser(app=live).get(mail_of).status_code == 404
