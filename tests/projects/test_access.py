"""Who can use a project: the list, and one person."""

import re

import pytest

from models import OrganizationMember, Role, User, db, transaction
from tests.browser_like import words


@pytest.fixture
def crowd(app, northfield):
    """Sixty more Viewers; Person 01 to Person 60."""
    with northfield.inside(app), transaction():
        users = [
            User(name=f"Person {n:02}", email=f"p{n}@example.org", email_key=f"p{n}@example.org", password_hash="x")
            for n in range(1, 61)
        ]
        db.session.add_all(users)
        db.session.flush()
        here = northfield.organization.id
        db.session.add_all(OrganizationMember(organization_id=here, user_id=u.id, role=Role.VIEWER) for u in users)


def row_in(page, user):
    return words(page.split(f'id="person-{user.id}"')[1].split("</tr>")[0])


# --- the list ------------------------------------------------------------------------------------------------


def test_everyone_is_listed_with_the_reason(browser, northfield, at, give):
    give(northfield.project, northfield.viewer, Role.OPERATOR)
    page = browser(northfield.viewer).get(at(northfield.project, "access")).text
    assert "Owner in Northfield Owners always have full access. It cannot be changed here." in row_in(
        page, northfield.owner
    )
    assert "Operator in Northfield" in row_in(page, northfield.operator)
    assert "Set on this project by Hana Reyes, just now" in row_in(page, northfield.viewer)
    assert "Northfield role: Viewer" in row_in(page, northfield.viewer)


def test_a_source_is_one_sentence_beside_its_sign(browser, northfield, at, give):
    """Otherwise its date would be a column of its own where the row is narrow."""
    give(northfield.project, northfield.viewer, Role.OPERATOR)
    page = browser(northfield.viewer).get(at(northfield.project, "access")).text
    assert re.search(
        r"</svg><span>Set on this project by <bdi>Hana Reyes</bdi>, <time [^>]*>just now</time></span></span>", page
    )


def test_a_role_that_gives_nothing_more_is_struck_through(browser, northfield, at, give):
    give(northfield.project, northfield.admin, Role.VIEWER)
    page = browser(northfield.viewer).get(at(northfield.project, "access")).text
    assert "<del" in page
    assert "Viewer set here – has no effect, Admin in Northfield is higher" in page


def test_the_note_counts_the_roles_set_here(browser, northfield, at, give):
    give(northfield.project, northfield.viewer, Role.ADMIN)
    give(northfield.project, northfield.operator, Role.ADMIN)
    page = browser(northfield.viewer).get(at(northfield.project, "access")).text
    assert "2 people have a role set on this project." in page


def test_the_list_of_a_restricted_project(browser, northfield, at):
    page = browser(northfield.admin).get(at(northfield.restricted, "access")).text
    assert "Only people named here can use this project" in page
    assert "Guest" in row_in(page, northfield.guest)
    assert "Named on this project by Amara Okafor" not in row_in(page, northfield.owner)
    assert northfield.viewer.email not in page


def test_a_guest_sees_only_people_with_a_row(browser, northfield, at, give):
    give(northfield.restricted, northfield.viewer, None)
    page = browser(northfield.guest).get(at(northfield.restricted, "access")).text
    assert northfield.viewer.email in page
    assert northfield.owner.email in page
    assert northfield.admin.email not in page
    assert "Set a project role" not in page
    assert "Leave…" in row_in(page, northfield.guest)


@pytest.mark.parametrize(
    ("show", "shown"),
    [("here", "viewer"), ("organization", "owner admin operator"), ("change", "owner admin operator viewer")],
)
def test_the_list_can_be_narrowed(show, shown, browser, northfield, at, give):
    give(northfield.project, northfield.viewer, Role.OPERATOR)
    page = browser(northfield.owner).get(at(northfield.project, f"access?show={show}")).text
    people = {"owner", "admin", "operator", "viewer"}
    assert {who for who in people if f'id="person-{northfield.person(who).id}"' in page} == set(shown.split())


def test_the_list_is_searched_and_paged(browser, northfield, at, crowd):
    visitor = browser(northfield.viewer)
    assert "Showing 1–50 of 64 people" in visitor.get(at(northfield.project, "access")).text
    assert "Showing 51–64 of 64 people" in visitor.get(at(northfield.project, "access?page=9")).text
    assert "10 people" in visitor.get(at(northfield.project, "access?q=PERSÓN+1")).text


def test_the_search_that_finds_nobody(browser, northfield, at):
    assert "No one matches “zzz”." in browser(northfield.viewer).get(at(northfield.project, "access?q=zzz")).text


def test_a_viewer_is_offered_no_change(browser, northfield, at):
    page = browser(northfield.viewer).get(at(northfield.project, "access")).text
    assert "Change…" not in page
    assert "Set a project role" not in page
    assert page.count("Why?") == 4


def test_an_admin_may_not_change_an_owner(browser, northfield, at):
    page = browser(northfield.admin).get(at(northfield.project, "access")).text
    assert "Why?" in row_in(page, northfield.owner)
    assert "Change…" in row_in(page, northfield.viewer)


def test_those_without_a_role_here_can_be_chosen(browser, northfield, at, give):
    give(northfield.restricted, northfield.operator, None)
    page = browser(northfield.admin).get(at(northfield.restricted, "access", "add")).text
    assert at(northfield.restricted, "access", northfield.viewer) in page
    assert at(northfield.restricted, "access", northfield.operator) not in page
    assert northfield.guest.email not in page


# --- one person ----------------------------------------------------------------------------------------------


def test_the_chain_leads_to_the_effective_role(browser, northfield, at, give):
    give(northfield.project, northfield.viewer, Role.ADMIN)
    page = words(browser(northfield.viewer).get(at(northfield.project, "access", northfield.viewer)).text)
    assert "Northfield Viewer organization role" in page
    assert "Billing pipeline Admin set by Hana Reyes, just now" in page
    assert "Effective role Admin" in page


def test_the_form_offers_what_may_be_given(browser, northfield, at):
    page = browser(northfield.admin).get(at(northfield.project, "access", northfield.viewer)).text
    offered = [part.split('"')[0] for part in page.split('name="role" value="')[1:]]
    assert offered == ["INHERIT", "VIEWER", "OPERATOR", "ADMIN"]
    assert "Use organization role (Viewer)" in page


def test_a_guest_cannot_follow_an_organization(browser, northfield, at):
    page = browser(northfield.owner).get(at(northfield.restricted, "access", northfield.guest)).text
    assert "Use organization role" not in page
    assert "Remove Lena Novak" in page


def test_a_member_outside_a_restricted_project_has_no_role(browser, northfield, at):
    page = browser(northfield.owner).get(at(northfield.restricted, "access", northfield.viewer)).text
    assert "None: Hana Reyes cannot use this project" in page


def test_an_owner_needs_nothing(browser, northfield, at):
    page = browser(northfield.owner).get(at(northfield.project, "access", northfield.owner)).text
    assert "Owners always have full access. It cannot be changed here." in page
    assert "Save role" not in page


def test_a_dialog_has_the_same_form(browser, northfield, at):
    visitor, url = browser(northfield.owner), at(northfield.project, "access", northfield.viewer)
    dialog = visitor.get(url, hx=True).text
    assert "<dialog" in dialog
    assert f'hx-target="#person-{northfield.viewer.id}"' in dialog
    assert 'hx-target="#person-' not in visitor.get(url).text


# --- statements and fragments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "count"), [("access", 3), ("access/add", 3), ("access/{viewer}", 4), ("access/{viewer}/why", 4)]
)
def test_pages_stay_in_their_budget(page, count, browser, northfield, at, statements, crowd):
    visitor, url = browser(northfield.owner), at(northfield.project, page.format(viewer=northfield.viewer.id))
    with statements() as sent:
        visitor.get(url)
    assert len(sent) == count
    assert sent.writes == []


@pytest.mark.parametrize("page", ["access", "access/add"])
def test_a_fragment_is_a_part_of_its_page(page, browser, northfield, at):
    visitor, url = browser(northfield.owner), at(northfield.project, page)
    assert visitor.get(url, hx=True).text.strip() in visitor.get(url).text
