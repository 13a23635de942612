"""Asking for a new invitation when the old one expired."""

import pytest

from models import Invitation, Role, db, transaction
from tests.factories import PASSWORD


@pytest.fixture
def expired(opened, northfield, query):
    """expired(user) -> a browser with an expired link to NEW, which the Admin had sent."""

    def visit(user=None, **how):
        asking = opened(user, by=northfield.admin, **how)
        query("UPDATE invitations SET expires_at = now() - interval '1 hour'")
        return asking

    return visit


@pytest.fixture
def asked(query):
    """asked() -> how many mails ask for a new invitation."""
    return lambda: query("SELECT count(*) FROM outgoing_mail WHERE message = 'invitation_asked'")[0][0]


@pytest.mark.parametrize("copied", [False, True])
def test_whoever_holds_an_expired_link_asks_its_sender(expired, asked, copied):
    visitor = expired(copied=copied)
    page = visitor.get("/invitation").text
    assert "Invitations work for 7 days." in page
    assert "Ask for a new invitation" in page
    assert visitor.post("/invitation/ask").location == "/invitation"
    page = visitor.get("/invitation")
    assert (page.status_code, "We told <bdi>Sven Weber</bdi>." in page.text) == (410, True)
    assert "Ask for a new invitation" not in page.text
    assert asked() == 1


def test_the_mail_leads_the_sender_to_where_it_is_sent_again(expired, mails, northfield, browser):
    expired().post("/invitation/ask")
    mail = mails()[-1]
    assert mail["To"] == northfield.admin.email
    assert mail["Subject"] == "ana. silva@example. com asks for a new invitation to Northfield"
    assert "http://localhost/orgs/northfield/people/invitations" in mail.get_body(("plain",)).get_content()
    page = browser(northfield.admin).get("/orgs/northfield/people/invitations").text
    assert page.count('<tr id="i-') == 1
    assert "Expired" in page


def test_names_in_the_mail_are_no_links(expired, mails, query):
    query("UPDATE organizations SET name = 'www.evil.example' WHERE slug = 'northfield'")
    query("UPDATE users SET name = 'http://evil.example'")
    expired().post("/invitation/ask")
    for kind in ("plain", "html"):
        assert "evil.example" not in mails()[-1].get_body((kind,)).get_content()


def test_asking_is_heard_once_a_day(expired, asked, query):
    visitor = expired()
    for _ in range(3):
        visitor.post("/invitation/ask")
    assert asked() == 1
    query("UPDATE invitations SET asked_at = now() - interval '25 hours'")
    assert "Ask for a new invitation" in visitor.get("/invitation").text
    visitor.post("/invitation/ask")
    assert asked() == 2


def test_any_account_may_ask_with_the_link(expired, asked, northfield):
    expired(northfield.stranger).post("/invitation/ask")
    assert asked() == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE organization_members SET role = 'OPERATOR' WHERE user_id = %(id)s",
        "DELETE FROM organization_members WHERE user_id = %(id)s",
        "UPDATE users SET deactivated_at = now() WHERE id = %(id)s",
    ],
)
def test_a_sender_who_may_not_invite_any_more_is_not_asked(expired, asked, northfield, query, change):
    visitor = expired()
    query(change, id=northfield.admin.id)
    assert visitor.post("/invitation/ask").location == "/invitation"
    page = visitor.get("/invitation")
    assert (page.status_code, "This invitation no longer counts" in page.text) == (410, True)
    assert "Ask for a new invitation" not in page.text
    assert asked() == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE invitations SET expires_at = now() + interval '1 day'",
        "UPDATE invitations SET revoked_at = now()",
        "UPDATE invitations SET declined_at = now()",
        "UPDATE invitations SET replaced_at = now()",
        "UPDATE invitations SET accepted_at = now()",
        "UPDATE organizations SET deleted_at = now() WHERE slug = 'northfield'",
    ],
)
def test_only_what_expired_can_be_asked_for(expired, asked, query, change):
    visitor = expired()
    query(change)
    assert visitor.post("/invitation/ask").location == "/invitation"
    assert asked() == 0


def test_without_a_link_nobody_can_be_asked(browser, expired, asked):
    expired()
    assert browser().post("/invitation/ask").location == "/invitation"
    other = browser()
    other.client.set_cookie("invitation", "A" * 64)
    other.post("/invitation/ask")
    assert asked() == 0


def test_another_site_cannot_ask(expired, asked):
    assert expired().post("/invitation/ask", token="forged").status_code == 422
    assert asked() == 0


def test_who_was_asked_is_not_mailed_if_a_new_one_went_out_meanwhile(expired, app, mails, northfield):
    expired().post("/invitation/ask")
    assert any("asks for a new invitation" in mail["Subject"] for mail in mails())
    with northfield.inside(app), transaction():
        row = db.session.scalars(db.select(Invitation)).one()
        row.again(northfield.admin.id)
    assert not any("asks for a new invitation" in mail["Subject"] for mail in mails())


def test_the_new_one_joins_and_the_old_one_says_so(expired, app, northfield, link, browser, membership):
    visitor = expired()
    visitor.post("/invitation/ask")
    with northfield.inside(app), transaction():
        db.session.scalars(db.select(Invitation)).one().again(northfield.admin.id)
    assert "There is a newer invitation" in visitor.get("/invitation").text
    newcomer = browser()
    newcomer.get(link())
    newcomer.post("/invitation/accept", name="Ana Silva", password=PASSWORD)
    assert membership() is Role.OPERATOR
