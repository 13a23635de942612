"""One's own data as a file: all that is kept, no secrets, and nothing of others."""

import json

import pytest

from models import Invitation, Role, tenant, transaction
from models.text import address
from tests.factories import PASSWORD

EXPORT = "/account/export"


def test_it_is_a_file_of_everything_about_the_person(app, northfield, browser, invite_everywhere, statements):
    hana = browser(northfield.viewer)
    with statements() as sent:
        answer = hana.get(EXPORT)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="freehold-account.json"'
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert (answer.mimetype, len(sent), bool(sent.writes)) == ("application/json", 4, False)
    data = answer.json
    assert data["account"]["email"] == northfield.viewer.email
    assert [(row["slug"], row["role"]) for row in data["organizations"]] == [("northfield", "VIEWER")]
    assert [row["name"] for row in data["projects"]] == ["Billing pipeline"]
    assert [row["message"] for row in data["invitations_to_me"]] == ["Come over"]
    assert [row["email"] for row in data["invitations_by_me"]] == ["ana@example.org"]
    assert len(data["sessions"]) == 1
    assert {event["action"] for event in data["events"]} >= {"account.created"}
    assert set(data) == {
        *("account", "sessions", "browsers", "passkeys", "changes_of_email", "organizations", "projects"),
        *("invitations_by_me", "invitations_to_me", "events"),
    }


@pytest.fixture
def invite_everywhere(app, northfield):
    """Hana has a role on a project, is invited elsewhere, and invited somebody when she could."""
    with northfield.inside(app), transaction():
        northfield.project.set_role(northfield.viewer.id, Role.OPERATOR, northfield.owner.id)
        Invitation.issue(northfield.organization.id, address("ana@example.org"), Role.VIEWER, northfield.viewer.id)
    with app.app_context(), transaction():
        tenant.enter(northfield.harbour.id)
        Invitation.issue(
            northfield.harbour.id, address(northfield.viewer.email), Role.VIEWER, northfield.stranger.id, "Come over"
        )


@pytest.mark.parametrize("who", ["owner", "guest", "stranger"])
def test_it_has_no_secrets_and_nothing_of_others(who, northfield, browser, invite_everywhere, query):
    text = browser(northfield.person(who)).get(EXPORT).text
    known = {northfield.person(who).email, *(row["email"] for row in json.loads(text)["invitations_by_me"])}
    assert not [email for (email,) in query("SELECT email FROM users") if email not in known and email in text]
    for column in ("password_hash FROM users", "sid FROM sessions", "encode(nonce, 'hex') FROM invitations"):
        assert not [secret for (secret,) in query(f"SELECT {column}") if secret in text]
    assert PASSWORD not in text


def test_an_address_that_nobody_proved_shows_no_invitations(northfield, browser, invite_everywhere, query):
    query("UPDATE users SET email_verified_at = NULL")
    assert browser(northfield.viewer).get(EXPORT).json["invitations_to_me"] == []


def test_it_is_nobodys_who_is_not_logged_in(browser):
    assert browser().get(EXPORT).status_code == 302


def test_it_is_linked_from_the_account(northfield, browser):
    assert f'href="{EXPORT}"' in browser(northfield.viewer).get("/account").text
    assert json.loads(browser(northfield.viewer).get(EXPORT).text)["passkeys"] == []
