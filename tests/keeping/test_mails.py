"""`flask mail …`: what was not delivered is listed, sent again, and deleted."""

from uuid import uuid4

import pytest

from models import Invitation, Role, transaction
from models.text import address
from tests.runtime.mail_server import Inbox, free_port, serving

REFUSED = "550 No such mailbox"


@pytest.fixture
def failed(app, northfield, query):
    """The id of an invitation's mail that a mail server refused, a week ago."""
    with northfield.inside(app), transaction():
        Invitation.issue(northfield.organization.id, address("ana@example.org"), Role.VIEWER, northfield.owner.id)
    query("""
        UPDATE outgoing_mail SET state = 'failed', attempts = 9, last_error = %(words)s,
        created_at = now() - interval '6 days'
    """, words=REFUSED)  # fmt: skip
    return str(query("SELECT id FROM outgoing_mail")[0].id)


def states(query):
    return [state for (state,) in query("SELECT state FROM outgoing_mail ORDER BY id")]


def test_what_failed_is_listed_with_whom_and_why(flask, failed, browser, northfield):
    browser().post("/forgot-password", email=northfield.viewer.email)  # it waits
    assert flask("mail", "list") == (0, f"{failed}  invitation to ana@example.org: {REFUSED}\n")
    assert flask("mail", "list", "--state", "sent") == (0, "None.\n")
    assert flask("mail", "list", "--state", "queued")[0] == 2


def test_a_mail_is_sent_again_with_its_link(flask, failed, app_with, query, link, browser):
    path, port = link(), free_port()
    sender = app_with(smtp_url=f"smtp://127.0.0.1:{port}")
    events = query("SELECT count(*) FROM audit_events")
    assert flask("mail", "send-again", failed) == (0, "invitation to ana@example.org is queued.\n")
    assert flask("mail", "send-again", failed) == (0, "invitation to ana@example.org waits already.\n")
    with serving(Inbox(), port) as inbox:
        assert flask("mail", "deliver", "--once", app=sender) == (0, "1 mails were looked at.\n")
        (mail,) = inbox.mails
    assert path in mail.get_body(("plain",)).get_content()
    assert states(query) == ["sent"]
    assert query("SELECT count(*) FROM audit_events") == events
    assert browser().get(path).status_code == 303


def test_one_whose_reason_is_over_is_to_nobody_and_dropped(flask, failed, query):
    query("UPDATE invitations SET revoked_at = now()")
    assert flask("mail", "list") == (0, f"{failed}  invitation to nobody any more: {REFUSED}\n")
    assert flask("mail", "send-again", failed)[0] == 0
    flask("mail", "deliver", "--once")
    assert states(query) == ["dropped"]


def test_what_failed_is_deleted_after_a_question(flask, failed, browser, northfield, query):
    browser().post("/forgot-password", email=northfield.viewer.email)
    assert flask("mail", "purge", typed="n\n")[0] == 1
    assert states(query) == ["failed", "queued"]
    assert flask("mail", "purge", "--yes") == (0, "1 mails are deleted.\n")
    assert states(query) == ["queued"]


def test_an_unknown_mail_is_said(flask, northfield):
    id = uuid4()
    code, words = flask("mail", "send-again", str(id))
    assert (code, words.startswith(f"Error: No mail has the id {id}.")) == (1, True)
