"""`flask users …`: what a host does to accounts."""

import pytest

from tests.factories import PASSWORD


@pytest.fixture
def users(app):
    """users("deactivate", email, …) -> the command's exit code and what it said."""

    def run(*arguments):
        answer = app.test_cli_runner().invoke(args=["users", *arguments])
        return answer.exit_code, answer.output

    return run


def log_in(browser, user):
    return browser().post("/login", email=user.email, password=PASSWORD).status_code


def test_a_deactivated_person_is_out_at_once_and_stays_out(users, browser, northfield):
    hana = browser(northfield.viewer)
    assert hana.get("/orgs").status_code == 200
    code, words = users("deactivate", northfield.viewer.email.upper())
    assert (code, words) == (
        0,
        "hana.reyes@example.org is deactivated: every session ended, and nobody can log in with it.\n",
    )
    assert hana.get("/orgs").status_code == 302
    assert log_in(browser, northfield.viewer) == 422
    assert browser(northfield.owner).get("/orgs/northfield/people").text.count("Hana Reyes") >= 1


def test_a_person_is_logged_out_everywhere(users, browser, northfield, link, query):
    hana = browser(northfield.viewer)
    browser().post("/forgot-password", email=northfield.viewer.email)
    reset = link()
    assert users("log-out", northfield.viewer.email) == (0, "hana.reyes@example.org is logged out everywhere.\n")
    assert hana.get("/orgs").status_code == 302
    assert browser().get(reset).status_code == 410
    assert query("SELECT count(*) FROM audit_events WHERE action = 'account.logged_out'") == [(1,)]
    assert log_in(browser, northfield.viewer) == 303


def test_a_session_that_no_command_ended_is_dead_too(browser, northfield, query):
    hana = browser(northfield.viewer)
    query("UPDATE users SET deactivated_at = now() WHERE id = %(id)s", id=northfield.viewer.id)
    assert hana.get("/orgs/northfield").status_code == 302
    assert hana.post("/orgs/northfield/settings/leave").status_code == 302


def test_a_link_to_reset_the_password_dies_with_it(users, browser, northfield, link):
    browser().post("/forgot-password", email=northfield.viewer.email)
    path = link()
    users("deactivate", northfield.viewer.email)
    users("reactivate", northfield.viewer.email)
    assert browser().get(path).status_code == 410


def test_reactivating_brings_back_what_there_was(users, browser, northfield):
    users("deactivate", northfield.admin.email)
    code, words = users("reactivate", northfield.admin.email)
    assert (code, words) == (0, "sven.weber@example.org is active: the person can log in again.\n")
    assert log_in(browser, northfield.admin) == 303
    assert browser(northfield.admin).get("/orgs/northfield/people/invite").status_code == 200


def test_the_last_owner_stays_and_the_organizations_are_named(users, browser, northfield, query):
    owned = {"id": northfield.owner.id, "harbour": northfield.harbour.id}
    query(
        "INSERT INTO organization_members (organization_id, user_id, role) VALUES (%(harbour)s, %(id)s, 'OWNER')",
        **owned,
    )
    query("DELETE FROM organization_members WHERE organization_id = %(harbour)s AND user_id <> %(id)s", **owned)
    code, words = users("deactivate", northfield.owner.email)
    assert code == 1
    assert words == (
        "Error: amara.okafor@example.org is the last Owner of Harbour Labs (harbour-labs), Northfield (northfield). "
        "Give --new-owner EMAIL.\n"
    )
    assert browser(northfield.owner).get("/orgs").status_code == 200


def test_a_new_owner_takes_over(users, browser, northfield):
    code, words = users("deactivate", northfield.owner.email, "--new-owner", northfield.stranger.email)
    assert (code, words.splitlines()[0]) == (0, "mateo@example.com is now an Owner of Northfield.")
    assert browser(northfield.stranger).get("/orgs/northfield/settings/delete").status_code == 200
    assert log_in(browser, northfield.owner) == 422


WRONG = {
    "nobody": (["deactivate", "nobody@example.org"], 1, "No account uses nobody@example.org."),
    "no address": (["deactivate", "amara"], 1, "amara is not an email address"),
    "no argument": (["deactivate"], 2, "Missing argument 'EMAIL'"),
    "an unknown heir": (["deactivate", "hana.reyes@example.org", "--new-owner", "x@example.org"], 1, "No account uses"),
    "oneself": (
        ["deactivate", "amara.okafor@example.org", "--new-owner", "amara.okafor@example.org"],
        1,
        "The new Owner must be another person, whose account is active.",
    ),
    "logging nobody out": (["log-out", "nobody@example.org"], 1, "No account uses"),
    "reactivating nobody": (["reactivate", "nobody@example.org"], 1, "No account uses"),
}


@pytest.mark.parametrize(("arguments", "code", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_is_said_and_changes_nothing(users, northfield, query, arguments, code, words):
    said = users(*arguments)
    assert said[0] == code
    assert words in said[1]
    assert query("SELECT count(*) FROM users WHERE deactivated_at IS NOT NULL") == [(0,)]


def test_help_teaches(users):
    words = users("deactivate", "--help")[1]
    assert "flask users deactivate amara@example.org --new-owner sven@example.org" in words
    assert "always keeps an Owner who can log in" in " ".join(words.split())
