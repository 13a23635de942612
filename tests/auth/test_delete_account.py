"""Deleting one's account, from the page."""

import pytest

from models import Invitation, Role, transaction
from models.text import address
from tests.browser_like import without_tokens
from tests.factories import PASSWORD

DELETE = "/account/delete"
EVERYBODY_ELSE = ["admin", "operator", "viewer", "guest"]


def delete(person, **fields):
    return person.post(DELETE, **{"current_password": PASSWORD, **fields})


def test_a_visitor_logs_in_first(browser):
    assert browser().get(DELETE).location == f"/login?next={DELETE}"
    assert delete(browser()).location == "/login?next=/orgs"


def test_the_account_leads_there(as_):
    assert f'href="{DELETE}"' in as_("viewer").get("/account").text


def test_it_says_what_ends_by_number(app, as_, northfield):
    with northfield.inside(app), transaction():
        Invitation.issue(northfield.organization.id, address("ana@example.org"), Role.VIEWER, northfield.admin.id)
    page = as_("admin").get(DELETE).text
    assert "your place in 1 organization · the use of 2 projects · 1 pending invitation you sent · 1 session" in page


@pytest.mark.parametrize("name", ["owner", "viewer"])
def test_the_page_takes_four_statements(as_, statements, name):
    person = as_(name)
    with statements() as sent:
        assert person.get(DELETE).status_code == 200
    assert len(sent) == 4
    assert not sent.writes


@pytest.mark.parametrize("name", ["owner", "viewer"])
def test_the_fragment_is_part_of_the_page(as_, name):
    person = as_(name)
    fragment, page = (without_tokens(person.get(DELETE, hx=hx).text) for hx in (True, False))
    assert fragment.strip() in page


@pytest.mark.parametrize("name", EVERYBODY_ELSE)
def test_everyone_but_a_last_owner_can(as_, browser, northfield, query, name):
    person, other = as_(name), as_(name)
    answer = delete(person)
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Your account was deleted." in person.get("/").text
    assert person.cookie("session") is None
    assert other.get("/orgs").status_code == 302
    assert browser().post("/login", email=northfield.person(name).email, password=PASSWORD).status_code == 422
    assert query("SELECT count(*) FROM users WHERE name = 'a former member'") == [(1,)]
    assert query("SELECT count(*) FROM users") == [(6,)]


def test_with_htmx_the_whole_page_moves_on(as_):
    assert delete(as_("viewer"), hx=True).headers["HX-Redirect"] == "/"


@pytest.mark.parametrize("hx", [True, False])
def test_a_last_owner_is_shown_the_ways_out(as_, hx):
    owner = as_("owner")
    assert "Your account stays" not in owner.get(DELETE).text
    answer = delete(owner, hx=hx)
    assert answer.status_code == 422
    assert "Your account stays while you are the only Owner of an organization." in answer.text
    for page in (answer.text, owner.get(DELETE).text):
        assert "You are the only Owner of 1 organization." in page
        assert 'href="/orgs/northfield/settings/transfer"' in page
        assert 'href="/orgs/northfield/settings/delete"' in page
        assert "harbour-labs" not in page
    assert owner.get("/orgs/northfield").status_code == 200


def test_a_last_owner_goes_after_a_transfer_or_a_deletion(as_, query, northfield):
    query("UPDATE organization_members SET role = 'OWNER' WHERE user_id = %(id)s", id=northfield.viewer.id)
    assert delete(as_("owner")).status_code == 303
    query("UPDATE organizations SET deleted_at = now()")
    assert delete(as_("viewer")).status_code == 303


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"current_password": "not my password"}, "The password is not right."),
        ({"current_password": ""}, "Enter your password"),
        ({"current_password": "x" * 2000}, "The password is not right."),
        ({"current_password": "\0"}, "The password is not right."),
        ({"token": "old"}, "This page was open for a long time"),
    ],
)
@pytest.mark.parametrize("hx", [True, False])
def test_a_wrong_confirmation_deletes_nothing(as_, query, fields, words, hx):
    answer = delete(as_("viewer"), hx=hx, **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert (fields.get("current_password") or PASSWORD) not in answer.text
    assert query("SELECT count(*) FROM users WHERE deactivated_at IS NOT NULL") == [(0,)]


def test_pages_that_name_who_is_gone_say_a_former_member(app, as_, northfield):
    with northfield.inside(app), transaction():
        northfield.project.set_role(northfield.viewer.id, Role.ADMIN, northfield.admin.id)
        link = Invitation.issue(
            northfield.organization.id, address("ana@example.org"), Role.VIEWER, northfield.admin.id
        )
        link.decline()
    delete(as_("admin"))
    owner = as_("owner")
    access = owner.get(f"/orgs/northfield/projects/{northfield.project.id}/access").text
    assert "by <bdi>a former member</bdi>" in access
    for path in ("people", "people/invitations", "settings", f"projects/{northfield.project.id}"):
        page = owner.get(f"/orgs/northfield/{path}")
        assert page.status_code == 200
        assert "Sven Weber" not in page.text
        assert "deleted-" not in page.text


def test_an_invitation_from_who_is_gone_was_withdrawn(app, as_, browser, northfield, link):
    with northfield.inside(app), transaction():
        Invitation.issue(northfield.organization.id, address("ana@example.org"), Role.VIEWER, northfield.admin.id)
    path = link()
    delete(as_("admin"))
    visitor = browser()
    visitor.get(path)
    answer = visitor.get("/invitation")
    assert answer.status_code == 410
    assert "Sven" not in answer.text


def test_the_address_can_sign_up_again_and_starts_with_nothing(as_, browser, northfield, link):
    delete(as_("viewer"))
    again = browser()
    again.post("/signup", email=northfield.viewer.email, name="Hana", password=PASSWORD)
    assert again.post(link()).status_code == 303
    assert again.get("/orgs/northfield").status_code == 404
