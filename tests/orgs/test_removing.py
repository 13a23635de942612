"""Removing a member: what it says, what it ends, and what others see who are late."""

import re

import pytest

import access
from blueprints.presentation import short
from models import Invitation, OrganizationMember, db, transaction

PEOPLE = "/orgs/northfield/people"
NOWHERE = "00000000-0000-7000-8000-000000000000"
TIME = " at [0-9:]{8} UTC[.] "
SVEN = "sven.weber@example.org"


def test_removing_says_what_ends_and_ends_it(as_, path, role_of, invited, northfield, query):
    invited("a@example.org", by="admin")
    invited("b@example.org", by="admin")
    with_row = (
        "INSERT INTO project_members (project_id, organization_id, user_id, role) VALUES (%(p)s, %(o)s, %(u)s, 'ADMIN')"
    )
    query(with_row, p=northfield.project.id, o=northfield.organization.id, u=northfield.admin.id)
    query("UPDATE invitations SET project_id = %(p)s WHERE id = %(i)s", p=northfield.restricted.id, i=invited(SVEN))
    owner = as_("owner")
    review = owner.get(path("admin") + "/remove").text
    assert "2 projects (Billing pipeline and Payroll). Pages they have open stop working at once." in review
    assert "1 role (Billing pipeline) set for them on projects ends." in review
    assert "2 pending invitations (a@example.org and b@example.org) they sent are revoked." in review
    assert "1 pending invitation (Payroll) of them to projects is revoked." in review
    assert owner.post(path("admin") + "/remove").location == PEOPLE
    said = "Ended: 1 project role, 2 invitations they sent, 1 invitation of them to a project."
    assert re.search(f"Removed Sven Weber from Northfield{TIME}{said}", owner.get(PEOPLE).text)
    assert role_of("admin") is None
    assert query("SELECT count(*) FROM project_members WHERE user_id = %(u)s", u=northfield.admin.id) == [(0,)]
    assert query("SELECT count(*) FROM invitations WHERE revoked_at IS NOT NULL") == [(3,)]
    assert as_("admin").get(PEOPLE).status_code == 404


def test_htmx_gets_the_list_with_the_next_row_in_focus(as_, path, northfield):
    owner = as_("owner")
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://localhost{PEOPLE}?sort=-name"}
    data = {"csrf_token": owner.token()}
    answer = owner.client.post(path("operator") + "/remove", data=data, headers=headers)
    part = answer.text
    assert "Kofi" not in part.split("<hx-partial")[0]
    assert 'aria-sort="descending"' in part
    assert "Removed Kofi Mensah from Northfield at " in part
    row = part[part.index(f'id="c-{short(northfield.member("viewer").id)}"') :]
    assert "autofocus" in row[: row.index(">")]
    assert part.count("autofocus") == 1


def test_who_is_gone_is_not_found(as_, path):
    owner = as_("owner")
    owner.post(path("viewer") + "/remove")
    assert owner.post(path("viewer") + "/remove").status_code == 404
    assert owner.post(path("viewer") + "/role", role="ADMIN").status_code == 404


@pytest.mark.parametrize("hx", [True, False])
def test_removing_twice_is_done(as_, path, hx):
    owner, review = as_("owner"), as_("admin").get(path("viewer") + "/remove").text
    assert 'name="name" value="Hana Reyes"' in review
    owner.post(path("viewer") + "/remove")
    admin = as_("admin")
    answer = admin.post(path("viewer") + "/remove", hx=hx, name="Hana Reyes")
    assert answer.status_code == (200 if hx else 303)
    said = answer.text if hx else admin.get(answer.location).text
    assert "Hana Reyes was already removed from Northfield." in said


def test_of_two_who_remove_at_once_the_second_is_told_that_it_is_done(app, northfield, query):
    with northfield.inside(app):
        member = db.session.get_one(OrganizationMember, northfield.member("viewer").id)
        query("DELETE FROM organization_members WHERE id = %(id)s", id=member.id)
        with transaction():
            assert not access.confirm_remove(access.standing(northfield.organization.id, northfield.admin.id), member)


def test_who_never_was_here_is_answered_like_who_is_gone(as_, northfield):
    owner, answers = as_("owner"), []
    for id in (northfield.harbour_member.id, NOWHERE):
        answers.append(owner.post(f"{PEOPLE}/{id}/remove", hx=True, name="Hana Reyes"))
    assert answers[0].text == answers[1].text
    assert owner.post(f"{PEOPLE}/{NOWHERE}/remove", name="x" * 101).status_code == 404
    assert owner.post(f"{PEOPLE}/{NOWHERE}/remove", name="Hana Reyes", token="old").status_code == 404


def test_removing_oneself_is_leaving(as_, path, role_of):
    answer = as_("admin").post(path("admin") + "/remove")
    assert (answer.status_code, answer.location) == (303, "/orgs")
    assert role_of("admin") is None


def test_an_invitation_sent_by_who_was_removed_is_gone(app, as_, path, invited, northfield):
    id = invited(northfield.stranger.email, by="admin")
    as_("owner").post(path("admin") + "/remove")
    assert as_("stranger").post(f"/orgs/invitations/{id}/accept").status_code == 410
    with northfield.inside(app), transaction():
        assert db.session.get_one(Invitation, id).revoked_at
