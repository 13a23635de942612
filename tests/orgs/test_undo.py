"""Undo: a change that nobody built on yet is taken back, by the same form and the same authority."""

import pytest

from models import Invitation, Role, transaction
from models.text import address
from tests.undo import press_undo, undo_on


@pytest.fixture
def promote(as_, northfield):
    """promote() -> the answer to the admin who made Hana, a Viewer, an Operator."""

    def change(part="viewer", role="OPERATOR", who="admin", *, hx=True):
        url = f"/orgs/northfield/people/{northfield.member(part).id}/role"
        return as_(who).post(url, hx=hx, role=role)

    return change


@pytest.fixture
def role_of(query, northfield):
    statement = "SELECT role FROM organization_members WHERE id = %(id)s"
    return lambda part: query(statement, id=northfield.member(part).id)[0][0]


def test_gives_the_former_role_back(promote, as_, role_of, query):
    admin = as_("admin")
    answer = press_undo(admin, promote().text)
    assert (answer.status_code, role_of("viewer")) == (303, "VIEWER")
    assert "Role changed to Viewer for Hana Reyes" in admin.get(answer.location).text
    assert query("SELECT count(*) FROM audit_events WHERE action = 'member.role_changed'")[0][0] == 2


def test_is_there_without_javascript_too(browser, northfield, role_of):
    admin = browser(northfield.admin)
    answer = admin.post(f"/orgs/northfield/people/{northfield.member('viewer').id}/role", role="OPERATOR")
    assert role_of("viewer") == "OPERATOR"
    press_undo(admin, admin.get(answer.location).text)
    assert role_of("viewer") == "VIEWER"


def test_leaves_the_list_as_it_was_narrowed(promote, as_):
    admin, (url, fields) = as_("admin"), undo_on(promote().text)
    narrowed = "/orgs/northfield/people?q=hana&page=1"
    for page, to in ((narrowed, narrowed), ("/orgs/northfield/projects?q=hana", "/orgs/northfield/people")):
        data = {"csrf_token": admin.token(), **fields}
        assert admin.client.post(url, data=data, headers={"Referer": f"http://localhost{page}"}).location == to


def test_takes_back_nothing_that_somebody_changed_meanwhile(promote, as_, role_of):
    page = promote().text
    promote(role="ADMIN", who="owner")
    answer = press_undo(as_("admin"), page)
    assert answer.status_code == 409
    assert "Amara Okafor changed this" in answer.text
    assert role_of("viewer") == "ADMIN"


def test_takes_the_right_to_make_the_change(promote, as_, role_of, query, northfield):
    page = promote().text
    query("UPDATE organization_members SET role = 'OPERATOR' WHERE id = %(id)s", id=northfield.member("admin").id)
    assert press_undo(as_("admin"), page).status_code == 403
    assert role_of("viewer") == "OPERATOR"


def test_is_not_offered_where_something_else_ended_with_it(app, promote, northfield):
    """An invitation that they could not send any more was revoked: that would not come back."""
    promote(role="ADMIN", who="owner")
    with northfield.inside(app), transaction():
        Invitation.issue(northfield.organization.id, address("ana@example.org"), Role.ADMIN, northfield.viewer.id)
    answer = promote(role="VIEWER", who="owner")
    assert "Ended: 1 invitation they sent." in answer.text
    assert "Undo" not in answer.text


def test_is_not_offered_to_who_lowered_themselves(promote, as_):
    admin = as_("admin")
    answer = promote("admin", "VIEWER", hx=False)
    assert "Undo" not in admin.get(answer.location).text


def test_is_not_offered_where_nothing_changed(promote):
    assert "Undo" not in promote(role="VIEWER").text
