"""`flask after-restore`: what a backup remembers and must not come back to life, and the proof before that."""

import re

import pytest

from models import Invitation, Role, transaction
from models.invitation import MAILED
from models.text import address
from tests.factories import PASSWORD

NOBODY = "Logged out: 0 people. Ended: 0 mailed links. Expired, to be sent again: 0 invitations. Dropped: 0 queued"
LATER = "a later and quieter password"


@pytest.fixture
def invitation(app, northfield):
    """The path of the link that Ana was mailed, by Sven."""
    with northfield.inside(app), transaction():
        here, sven = northfield.organization.id, northfield.admin.id
        return f"/invitations/{Invitation.issue(here, address('ana@example.org'), Role.VIEWER, sven).link_text(MAILED)}"


def links(mails, kind):
    texts = "\n".join(mail.get_body(("plain",)).get_content() for mail in mails())
    return re.findall(rf"http://localhost(/{kind}/\S+)", texts)


def settled(flask):
    code, words = flask("after-restore", "--yes")
    assert code == 0, words
    return words


def test_everybody_is_logged_out_and_logs_in_again(flask, browser, northfield, query):
    hana, sven = browser(northfield.viewer), browser(northfield.admin)
    query("UPDATE sessions SET expire = now() WHERE user_id = %(id)s", id=northfield.admin.id)
    assert "Logged out: 1 people." in settled(flask)
    assert [who.get("/orgs").status_code for who in (hana, sven)] == [302, 302]
    assert query("SELECT count(*) FROM sessions") == [(0,)]
    logged_out = "SELECT user_id, actor_id, request_id FROM audit_events WHERE action = 'account.logged_out'"
    assert query(logged_out) == [(northfield.viewer.id, None, None)]
    hana = browser()
    assert hana.post("/login", email=northfield.viewer.email, password=PASSWORD).status_code == 303
    assert hana.get("/orgs/northfield").status_code == 200
    assert hana.get("/orgs/northfield/people/invite").status_code == 403


def test_mailed_links_of_accounts_are_dead(flask, browser, northfield, mails):
    browser().post("/forgot-password", email=northfield.viewer.email)
    browser().post("/signup", email="rosa@example.org", name="Rosa", password=LATER)
    hana = browser()
    hana.log_in(northfield.viewer, fresh=True)
    hana.post("/account/email", email="hana@new.example.org")
    paths = [links(mails, kind)[-1] for kind in ("reset-password", "verify-email", "confirm-email")]
    assert [browser().get(path).status_code for path in paths] == [200] * 3
    assert "Ended: 3 mailed links." in settled(flask)
    assert {browser().get(path).status_code for path in paths} == {410}


def test_a_change_of_email_can_still_be_taken_back(flask, browser, northfield, mails):
    hana = browser()
    hana.log_in(northfield.viewer, fresh=True)
    hana.post("/account/email", email="hana@new.example.org")
    browser().post(links(mails, "confirm-email")[-1])
    (undo,) = set(links(mails, "undo-email"))
    settled(flask)
    assert browser().post(undo).status_code == 303


def test_a_waiting_invitation_expires_and_is_sent_again(flask, browser, northfield, invitation, mails):
    assert browser().get(invitation).status_code == 303
    assert "to be sent again: 1 invitations" in settled(flask)
    ana = browser()
    ana.get(invitation)
    page = ana.get("/invitation")
    assert (page.status_code, "This invitation expired" in page.text) == (410, True)
    sven = browser(northfield.admin)
    listed = sven.get("/orgs/northfield/people/invitations").text
    again = re.search(r"/orgs/northfield/people/invitations/[0-9a-f-]+/resend", listed)[0]
    assert sven.post(again).status_code == 303
    ana.get(links(mails, "invitations")[-1])
    assert ana.get("/invitation").status_code == 200


def test_an_invitation_that_ended_stays_what_it_became(flask, browser, northfield, invitation, query):
    query("UPDATE invitations SET revoked_at = now()")
    before = query("SELECT * FROM invitations")
    assert "0 invitations" in settled(flask)
    assert query("SELECT * FROM invitations") == before


def test_queued_mail_is_dropped_and_what_was_sent_stays(flask, browser, northfield, query):
    for person in ("viewer", "operator"):
        browser().post("/forgot-password", email=northfield.person(person).email)
    query("UPDATE outgoing_mail SET state = 'sent' WHERE id = (SELECT min(id::text)::uuid FROM outgoing_mail)")
    assert "Dropped: 1 queued mails." in settled(flask)
    assert query("SELECT state FROM outgoing_mail ORDER BY id") == [("sent",), ("dropped",)]
    assert flask("mail", "deliver", "--once") == (0, "0 mails were looked at.\n")


def test_no_browser_stands_for_the_second_step(flask, northfield, browser, query, two_step):
    two_step(northfield.viewer)
    browser().post("/login", email=northfield.operator.email, password=PASSWORD)
    query("UPDATE known_browsers SET remembered_until = now() + interval '1 day'")
    settled(flask)
    assert query("SELECT count(*), count(remembered_until) FROM known_browsers") == [(1, 0)]


def test_every_organizations_log_says_so(flask, as_, northfield, query):
    settled(flask)
    found = query("SELECT organization_id, actor_id FROM audit_events WHERE action = 'data.restored'")
    assert sorted(found) == sorted([(northfield.organization.id, None), (northfield.harbour.id, None)])
    assert "The host</bdi></strong> restored all data from a backup" in as_("admin").get("/orgs/northfield/audit").text
    assert flask("audit", "verify")[0] == 0


def test_twice_is_harmless(flask, browser, northfield):
    browser(northfield.viewer)
    settled(flask)
    assert NOBODY in settled(flask)


def test_without_consent_nothing_is_ended(flask, browser, northfield):
    hana = browser(northfield.viewer)
    code, words = flask("after-restore", typed="n\n")
    assert (code, "End every session, every mailed link and all queued mail? [y/N]" in words) == (1, True)
    assert hana.get("/orgs").status_code == 200


@pytest.fixture
def tampered(northfield, query):
    """A log that somebody changed."""
    for statement in ("DISABLE TRIGGER USER", "", "ENABLE TRIGGER USER"):
        changed = "UPDATE audit_events SET action = 'x' WHERE seq = 1"
        query(f"ALTER TABLE audit_events {statement}" if statement else changed)


def test_a_log_that_does_not_verify_stops_it(flask, browser, northfield, tampered):
    hana = browser(northfield.viewer)
    code, words = flask("after-restore", "--yes")
    assert code == 1
    assert re.search("^Error: chain .*its hash is not that of what it says With --unproven it is taken as it is", words)
    assert hana.get("/orgs").status_code == 200
    code, words = flask("after-restore", "--yes", "--unproven")
    assert (code, words.startswith("Not proven: chain ")) == (0, True)
    assert hana.get("/orgs").status_code == 302


def test_another_key_stops_it_where_something_is_sealed(flask, app_with, browser, northfield, two_step):
    other = app_with(secret_key="the key of another host, 9876543210 abcdef")
    assert flask("after-restore", "--yes", app=other)[0] == 0
    two_step(northfield.viewer)
    hana = browser(northfield.viewer)
    code, words = flask("after-restore", "--yes", app=other)
    assert code == 1
    assert "it opens none of the 1 authenticator apps' keys. Set the one that was kept with the backup" in words
    assert hana.get("/orgs").status_code == 200
    former = app_with(
        secret_key="the key of another host, 9876543210 abcdef",
        secret_key_previous="a key that is only used by tests, 0123456789",
    )
    assert flask("after-restore", "--yes", app=former)[0] == 0
