"""What the pending list tells about the mail of each invitation, and how it keeps up with it."""

import re

import pytest

from models import OutgoingMail, db, transaction

PENDING = "/orgs/northfield/people/invitations"
REFRESH = {"X-Refresh": "1"}
SEEN = "SELECT last_seen_at, expire FROM sessions"


@pytest.fixture
def mail(app, invited):
    """mail(state=, last_error=…): ana@example.org's invitation, its mail in that state."""
    invited("ana@example.org")

    def become(**values):
        with app.app_context(), transaction():
            db.session.execute(db.update(OutgoingMail).values(**values))

    return become


def cell(page):
    return re.sub(r"\s+", " ", page.split('data-label="Sent">')[1].split("</td>")[0])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "queued"}, ["Waiting to be sent"]),
        ({"state": "queued", "last_error": "451 Try later"}, ["Delayed", "tried again by itself", "451 Try later"]),
        ({"state": "sent", "sent_at": db.func.now()}, ["just now"]),
        ({"state": "failed", "last_error": "550 No <such> mailbox"}, ["Not delivered", "550 No &lt;such&gt; mailbox"]),
        ({"state": "dropped"}, ["Not sent", "Send it again."]),
    ],
)
def test_each_state_has_its_words(as_, mail, values, words):
    mail(**values)
    page = as_("admin").get(PENDING).text
    assert all(word in cell(page) for word in words), cell(page)
    assert "Send again" in page


def test_a_host_without_a_mail_server_says_to_copy_a_link(app_with, browser, northfield, mail):
    mail(state="failed", last_error="This host sends no mail (SMTP_URL=none).")
    admin = browser(northfield.admin, app=app_with(smtp_url="none", email_verification="off"))
    page = admin.get(PENDING).text
    assert "There is no mail server. Copy a link." in cell(page)
    assert "Copy link" in page


def test_it_hears_of_its_invitations(as_, mail):
    assert 'id="invitations" data-live="invitations"' in as_("admin").get(PENDING).text


def test_an_answer_to_looking_again_moves_no_focus(as_, mail):
    assert "autofocus" not in as_("admin").get(PENDING, hx=True, headers=REFRESH).text


def test_looking_again_costs_two_statements_and_writes_nothing(as_, mail, query, statements):
    admin = as_("admin")
    query("UPDATE sessions SET last_seen_at = now() - interval '1 hour'")
    with statements() as sent:
        assert admin.get(PENDING, hx=True, headers=REFRESH).status_code == 200
    assert len(sent) == 2
    assert not sent.writes


def test_looking_again_does_not_prolong_a_session(as_, mail, query):
    admin = as_("admin")
    query("UPDATE sessions SET last_seen_at = now() - interval '1 hour'")
    before = query(SEEN)
    admin.get(PENDING, hx=True, headers=REFRESH)
    assert query(SEEN) == before
    admin.get(PENDING, hx=True)
    assert query(SEEN) != before


def test_looking_again_without_a_session_leads_nowhere_by_itself(as_, mail, query):
    """A script that looks again would take the log-in page for what it asked for."""
    admin = as_("admin")
    query("DELETE FROM sessions")
    answer = admin.get(PENDING, hx=True, headers=REFRESH)
    assert answer.status_code == 401
    assert not answer.data


def test_an_answer_to_looking_again_is_short_where_nothing_changed(as_, mail):
    admin = as_("admin")
    version = re.findall(r'data-version="(\w+)"', admin.get(PENDING).text)[0]
    known = REFRESH | {"If-None-Match": version}
    assert admin.get(PENDING, hx=True, headers=known).status_code == 304
    mail(state="failed", last_error="550 No such mailbox")
    assert admin.get(PENDING, hx=True, headers=known).status_code == 200
