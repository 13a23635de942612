"""Setting a role on a project and taking it away: who may, what it does, and what is refused."""

import re

import pytest

from models import Organization, Role, db, transaction
from tests.browser_like import words


@pytest.mark.parametrize("role", ["VIEWER", "OPERATOR", "ADMIN", "OWNER"])
def test_a_role_is_set(role, browser, northfield, at, row_of):
    visitor = browser(northfield.owner)
    response = visitor.post(at(northfield.project, "access", northfield.viewer), role=role)
    assert (response.status_code, response.location) == (303, at(northfield.project, "access"))
    assert row_of(northfield.project, northfield.viewer) == [(role,)]


def test_setting_answers_htmx_with_the_row(browser, northfield, at):
    visitor = browser(northfield.owner)
    fragment = visitor.post(at(northfield.project, "access", northfield.viewer), role="ADMIN", hx=True).text
    assert fragment.lstrip().startswith(f'<tr id="person-{northfield.viewer.id}">')
    assert "1 person has a role set on this project." in fragment
    assert "Hana Reyes became an Admin on Billing pipeline at " in fragment
    page = visitor.get(at(northfield.project, "access")).text
    assert fragment.split("</tr>")[0].strip() in page


def test_inherit_makes_the_row_follow(browser, northfield, at, give, row_of, query):
    give(northfield.project, northfield.viewer, Role.ADMIN)
    browser(northfield.owner).post(at(northfield.project, "access", northfield.viewer), inherit="1")
    assert row_of(northfield.project, northfield.viewer) == [(None,)]
    assert query("SELECT inherited_from_org FROM project_members WHERE user_id = %(u)s", u=northfield.viewer.id)[0][0]


def test_removing_goes_back_to_the_organization(browser, northfield, at, give, row_of):
    give(northfield.project, northfield.viewer, Role.ADMIN)
    visitor, url = browser(northfield.owner), at(northfield.project, "access", northfield.viewer)
    assert "goes back to <strong>Viewer</strong> from Northfield" in visitor.get(url).text
    assert (
        "Hana Reyes became a Viewer on Billing pipeline by the role in Northfield at "
        in visitor.post(f"{url}/remove", hx=True).text
    )
    assert row_of(northfield.project, northfield.viewer) == []


def test_removing_twice_is_done(browser, northfield, at):
    url = at(northfield.project, "access", northfield.viewer, "remove")
    visitor = browser(northfield.owner)
    assert [visitor.post(url).status_code for _ in range(2)] == [303, 303]
    said = "What was set for Hana Reyes on Billing pipeline was already removed."
    assert said in visitor.get(at(northfield.project, "access")).text


def test_naming_somebody_opens_a_restricted_project(browser, northfield, at):
    browser(northfield.admin).post(at(northfield.restricted, "access", northfield.viewer), inherit="1")
    visitor = browser(northfield.viewer)
    assert visitor.get(at(northfield.restricted)).status_code == 200
    assert visitor.get(at(northfield.restricted, "edit")).status_code == 403


def test_removing_closes_a_restricted_project(browser, northfield, at, give):
    give(northfield.restricted, northfield.viewer, Role.OPERATOR)
    response = browser(northfield.admin).post(at(northfield.restricted, "access", northfield.viewer, "remove"), hx=True)
    assert response.headers["HX-Redirect"] == at(northfield.restricted, "access")
    assert browser(northfield.viewer).get(at(northfield.restricted)).status_code == 404


def test_a_guest_is_removed_and_gone(browser, northfield, at, row_of):
    response = browser(northfield.admin).post(at(northfield.restricted, "access", northfield.guest, "remove"), hx=True)
    assert response.headers["HX-Redirect"] == at(northfield.restricted, "access")
    assert row_of(northfield.restricted, northfield.guest) == []
    assert browser(northfield.guest).get(at(northfield.restricted)).status_code == 404


def test_a_guest_may_leave(browser, northfield, at):
    visitor = browser(northfield.guest)
    response = visitor.post(at(northfield.restricted, "access", northfield.guest, "remove"))
    assert (response.status_code, response.location) == (303, "/orgs")
    assert "You left Payroll at " in visitor.get("/orgs").text


def test_a_guest_adds_nobody_whatever_their_role(browser, northfield, at, give, state):
    give(northfield.restricted, northfield.guest, Role.OWNER)
    before = state()
    visitor = browser(northfield.guest)
    assert visitor.post(at(northfield.restricted, "access", northfield.viewer), role="VIEWER").status_code == 404
    assert visitor.post(at(northfield.restricted, "access", northfield.stranger), role="VIEWER").status_code == 404
    assert state() == before


def test_a_guest_admin_changes_those_who_are_there(browser, northfield, at, give, row_of):
    give(northfield.restricted, northfield.guest, Role.ADMIN)
    give(northfield.restricted, northfield.viewer, None)
    browser(northfield.guest).post(at(northfield.restricted, "access", northfield.viewer), role="OPERATOR")
    assert row_of(northfield.restricted, northfield.viewer) == [("OPERATOR",)]


def test_a_project_admin_manages_only_their_project(browser, northfield, at, give):
    give(northfield.project, northfield.viewer, Role.ADMIN)
    visitor = browser(northfield.viewer)
    assert visitor.post(at(northfield.project, "access", northfield.operator), role="ADMIN").status_code == 303
    assert visitor.post(at(northfield.project, "access", northfield.owner), role="VIEWER").status_code == 403
    assert visitor.get("/orgs/northfield/people/invite").status_code == 403


def test_nobody_goes_up_by_themselves(browser, northfield, at, state):
    before = state()
    visitor = browser(northfield.admin)
    assert visitor.post(at(northfield.project, "access", northfield.admin), role="OWNER").status_code == 403
    assert state() == before


def test_stepping_down_moves_the_whole_page(browser, northfield, at, give):
    give(northfield.project, northfield.viewer, Role.ADMIN)
    response = browser(northfield.viewer).post(
        at(northfield.project, "access", northfield.viewer), inherit="1", hx=True
    )
    assert response.headers["HX-Redirect"] == at(northfield.project, "access")


BAD = {
    "an unknown role": {"role": "KING"},
    "a small role": {"role": "admin"},
    "no role": {},
    "an empty role": {"role": ""},
    "a NUL byte": {"role": "ADMIN\0"},
    "a long role": {"role": "A" * 5000},
    "another flag": {"inherit": "yes"},
    "a number": {"role": "4"},
}


@pytest.mark.parametrize("hx", [False, True])
@pytest.mark.parametrize("fields", BAD.values(), ids=BAD)
def test_a_forged_role_is_told_at_the_form(fields, hx, browser, northfield, at, state):
    before = state()
    response = browser(northfield.owner).post(at(northfield.project, "access", northfield.operator), hx=hx, **fields)
    assert response.status_code == 422
    assert "Choose a role" in response.text
    assert state() == before


def test_a_guest_has_nothing_to_follow(browser, northfield, at, state):
    before = state()
    response = browser(northfield.owner).post(at(northfield.restricted, "access", northfield.guest), inherit="1")
    assert response.status_code == 422
    assert "Only a member of the organization can follow its role here." in response.text
    assert state() == before


@pytest.mark.parametrize("hx", [False, True])
@pytest.mark.parametrize("mine", ["VIEWER", None])
def test_two_who_set_at_once_are_told(browser, northfield, at, give, row_of, mine, hx):
    give(northfield.project, northfield.viewer, Role.OPERATOR)
    visitor, url = browser(northfield.owner), at(northfield.project, "access", northfield.viewer)
    assert browser(northfield.admin).post(url, role="ADMIN", version="1").status_code == 303
    late = visitor.post(url, hx=hx, version="1", **({"role": mine} if mine else {"inherit": "1"}))
    assert late.status_code == 409
    assert "Sven Weber changed this" in late.text
    assert "Keep Admin" in late.text
    assert row_of(northfield.project, northfield.viewer) == [("ADMIN",)]
    again = dict(re.findall('name="(version|role)" value="([^"]+)"', late.text))
    assert again == {"version": "2", "role": mine or "INHERIT"}
    assert visitor.post(url, **again).status_code == 303
    assert row_of(northfield.project, northfield.viewer) == [(mine,)]


def test_the_second_may_keep_what_the_first_set(browser, northfield, at, give, row_of):
    give(northfield.project, northfield.viewer, Role.OPERATOR)
    visitor, url = browser(northfield.owner), at(northfield.project, "access", northfield.viewer)
    browser(northfield.admin).post(f"{url}/remove")
    late = visitor.post(url, role="ADMIN", version="1")
    assert "Somebody changed this." in late.text
    link = late.text.split("Keep it as it is")[0].rpartition('href="')[2].split('"')[0]
    assert visitor.get(link).status_code == 200
    assert row_of(northfield.project, northfield.viewer) == []


def test_setting_the_same_twice_is_no_conflict(browser, northfield, at, query):
    url = at(northfield.project, "access", northfield.viewer)
    people = browser(northfield.admin), browser(northfield.owner)
    assert [person.post(url, role="ADMIN", version="0").status_code for person in people] == [303, 303]
    assert "Hana Reyes is already an Admin on Billing pipeline." in people[1].get(at(northfield.project, "access")).text
    by = "SELECT u.name FROM project_members m JOIN users u ON u.id = m.granted_by WHERE user_id = %(u)s"
    assert query(by, u=northfield.viewer.id) == [("Sven Weber",)]


@pytest.mark.parametrize("version", ["x", "-1", "9" * 40, "1\0"])
def test_an_impossible_version_is_an_old_one(version, browser, northfield, at):
    url = at(northfield.project, "access", northfield.viewer)
    assert browser(northfield.owner).post(url, role="ADMIN", version=version).status_code == 409


def test_a_stale_token_changes_nothing(browser, northfield, at, state):
    before = state()
    url = at(northfield.project, "access", northfield.viewer)
    assert browser(northfield.owner).post(url, role="ADMIN", token="stale").status_code == 422
    assert browser(northfield.owner).post(f"{url}/remove", token="").status_code == 422
    assert state() == before


@pytest.mark.parametrize("id", ["nonsense", "00000000-0000-0000-0000-000000000000", "%00"])
def test_an_impossible_person_is_not_found(id, browser, northfield, at):
    assert browser(northfield.owner).get(at(northfield.project, "access", id)).status_code == 404


def test_a_stranger_looks_like_nobody(browser, northfield, at):
    visitor = browser(northfield.owner)
    stranger = visitor.get(at(northfield.project, "access", northfield.stranger))
    nobody = visitor.get(at(northfield.project, "access", "00000000-0000-0000-0000-000000000000"))
    assert (stranger.status_code, words(stranger.text)) == (404, words(nobody.text))


def test_a_refusal_names_who_can_help(browser, northfield, at):
    page = browser(northfield.operator).post(at(northfield.project, "access", northfield.viewer), role="ADMIN").text
    assert "Amara Okafor, Sven Weber" in page


def test_a_refusal_tells_a_guest_no_names(browser, northfield, at):
    page = browser(northfield.guest).post(at(northfield.restricted, "archive")).text
    assert "Sven Weber" not in page


def test_leaving_the_organization_ends_its_project_roles(browser, northfield, at, give, row_of):
    give(northfield.project, northfield.viewer, Role.ADMIN)
    member = northfield.member("viewer")
    browser(northfield.owner).post(f"/orgs/northfield/people/{member.id}/remove")
    assert row_of(northfield.project, northfield.viewer) == []


def test_a_deleted_organization_has_no_projects(app, browser, northfield, at):
    with northfield.inside(app), transaction():
        db.session.get_one(Organization, northfield.organization.id).delete()
    assert browser(northfield.owner).get(at(northfield.project)).status_code == 404
