"""The mails that development shows instead of sending."""

import pytest

from models import Invitation, OutgoingMail, Role, db, transaction
from models.text import Address


@pytest.fixture
def invitation(app, northfield):
    """An invitation of ana@example.org, whose mail waits."""
    with app.app_context(), transaction():
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


def test_a_mail_that_makes_no_sense_any_more_is_named(app, browser, invitation):
    with app.app_context(), transaction():
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
