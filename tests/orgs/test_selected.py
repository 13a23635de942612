"""Several members at once: selected in the list, reviewed, and given another role or removed, all or none."""

import re

import pytest

import access
from models import Invitation, Role, transaction
from models.text import address

PEOPLE, SELECTED = "/orgs/northfield/people", "/orgs/northfield/people/selected"
NOWHERE = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def ids(northfield):
    return lambda *names: [str(northfield.member(name).id) for name in names]


@pytest.fixture
def roles(query):
    return lambda: dict(
        query(
            "SELECT split_part(u.name, ' ', 1), m.role::text"
            " FROM organization_members m JOIN users u ON u.id = m.user_id"
            " JOIN organizations o ON o.id = m.organization_id WHERE o.slug = 'northfield'"
        )
    )


def asked(do, ids):
    return f"{SELECTED}?do={do}&" + "&".join(f"member={id}" for id in ids)


def test_the_list_has_boxes_only_when_asked_and_only_for_those_within_reach(as_, ids):
    admin = as_("admin")
    assert "checkbox" not in admin.get(PEOPLE).text
    page = admin.get(f"{PEOPLE}?select=1").text
    assert re.findall(r'name="member" value="([^"]+)"', page) == ids("viewer", "operator")  # by name: Hana, Kofi
    assert 'aria-label="Select Hana Reyes"' in page
    assert "checkbox" not in as_("operator").get(f"{PEOPLE}?select=1").text


@pytest.mark.parametrize("do", ["role", "remove"])
@pytest.mark.parametrize("hx", [True, False])
def test_the_review_names_them_and_writes_nothing(do, hx, as_, ids, statements, app, northfield):
    with northfield.inside(app), transaction():
        northfield.project.set_role(northfield.viewer.id, Role.OPERATOR, northfield.owner.id)
        Invitation.issue(northfield.organization.id, address("a@example.org"), Role.VIEWER, northfield.viewer.id)
    admin = as_("admin")
    with statements() as sent:
        page = admin.get(asked(do, ids("viewer", "operator")), hx=hx).text
    assert len(sent) == 3
    assert not sent.writes
    assert "2 people" in page
    assert "Hana Reyes" in page
    assert "Kofi Mensah" in page
    assert ("1 project role · 1 pending invitation" if do == "remove" else "1 pending invitation") in page


def test_all_get_the_role(as_, ids, roles, query):
    admin = as_("admin")
    answer = admin.post(SELECTED, do="role", role="ADMIN", member=ids("viewer", "operator"))
    assert (answer.status_code, answer.location) == (303, PEOPLE)
    assert roles() == {"Amara": "OWNER", "Sven": "ADMIN", "Kofi": "ADMIN", "Hana": "ADMIN"}
    assert "Role changed to Admin for 2 people at " in admin.get(PEOPLE).text
    assert query("SELECT count(*) FROM audit_events WHERE action = 'member.role_changed'") == [(2,)]


def test_all_are_removed_with_what_hangs_on_them(app, northfield, as_, ids, roles, query):
    with northfield.inside(app), transaction():
        Invitation.issue(northfield.organization.id, address("a@example.org"), Role.VIEWER, northfield.viewer.id)
    admin = as_("admin")
    assert admin.post(SELECTED, do="remove", member=ids("viewer", "operator")).status_code == 303
    assert roles() == {"Amara": "OWNER", "Sven": "ADMIN"}
    page = admin.get(PEOPLE).text
    assert "Removed 2 people at " in page
    assert "Ended: 1 invitation they sent." in page
    assert query("SELECT count(*) FROM audit_events WHERE action = 'member.removed'") == [(2,)]


def test_who_is_out_of_reach_oneself_and_nobody_stay_as_they_are(as_, ids, northfield, roles):
    admin = as_("admin")
    foreign = str(northfield.harbour_member.id)
    chosen = [*ids("owner", "admin", "viewer"), foreign, NOWHERE, "x", ""]
    page = admin.get(asked("remove", chosen)).text
    assert "Remove 1 person" in page
    assert "Mateo" not in page
    admin.post(SELECTED, do="remove", member=chosen)
    assert roles() == {"Amara": "OWNER", "Sven": "ADMIN", "Kofi": "OPERATOR"}
    assert "4 people stayed as they were." in admin.get(PEOPLE).text


def test_nobody_gives_more_than_they_have(as_, ids, roles):
    assert as_("admin").post(SELECTED, do="role", role="OWNER", member=ids("viewer")).status_code == 403
    assert roles()["Hana"] == "VIEWER"


def test_one_owner_removes_another_and_stays(northfield, as_, ids, roles, query):
    query("UPDATE organization_members SET role = 'OWNER' WHERE id = %(id)s", id=northfield.member("admin").id)
    assert as_("admin").post(SELECTED, do="remove", member=ids("owner", "admin", "viewer")).status_code == 303
    assert roles() == {"Sven": "OWNER", "Kofi": "OPERATOR"}


@pytest.mark.parametrize("role", ["", "KING"])
def test_a_role_is_chosen(role, as_, ids, roles):
    answer = as_("admin").post(SELECTED, do="role", role=role, member=ids("viewer"))
    assert answer.status_code == 422
    assert "Choose a role" in answer.text
    assert roles()["Hana"] == "VIEWER"


def test_five_hundred_at_a_time(as_, roles):
    many = [f"{n:08x}-0000-7000-8000-000000000000" for n in range(501)]
    answer = as_("admin").post(SELECTED, do="remove", member=many)
    assert answer.status_code == 422
    assert "Select at most 500 people at a time. You selected more." in answer.text


@pytest.fixture
def crowded(northfield, query):
    """Enlarge the organization: `crowded(60)` people more on its list, every second an Operator."""

    def enlarge(number):
        query(
            "WITH people AS (INSERT INTO users (email, email_key, name, password_hash)"
            " SELECT mail, mail, format('Crowd %%s', n), 'x'"
            " FROM generate_series(1, %(number)s) n, format('crowd%%s@example.org', n) mail"
            " RETURNING id, name)"
            " INSERT INTO organization_members (organization_id, user_id, role) SELECT %(here)s, id,"
            " (CASE WHEN right(name, 1)::int %% 2 = 0 THEN 'OPERATOR' ELSE 'VIEWER' END)::role FROM people",
            number=number,
            here=northfield.organization.id,
        )

    return enlarge


def test_all_that_match_are_selected_beyond_one_page(as_, crowded, roles):
    crowded(120)
    admin = as_("admin")
    page = admin.get(f"{PEOPLE}?select=1&q=crowd&role=OPERATOR").text
    assert "All 60 that match" in page
    review = admin.get(f"{SELECTED}?do=remove&all=1&select=1&q=crowd&role=OPERATOR").text
    assert "Remove 60 people" in review
    chosen = re.findall(r'name="member" value="([^"]+)"', review)
    admin.post(SELECTED, do="remove", member=chosen)
    assert "No one matches" in admin.get(f"{PEOPLE}?q=crowd&role=OPERATOR").text
    assert "60 people match" in admin.get(f"{PEOPLE}?q=crowd").text


def test_all_are_selected_only_where_that_is_more_than_a_page_and_not_too_many(as_, crowded):
    admin = as_("admin")
    assert 'name="all"' not in admin.get(f"{PEOPLE}?select=1").text
    crowded(60)
    assert "All 64" in admin.get(f"{PEOPLE}?select=1").text


def test_more_than_five_hundred_that_match_are_not_acted_on(as_, crowded):
    crowded(500)
    admin = as_("admin")
    page = admin.get(f"{PEOPLE}?select=1").text
    assert "Narrow the list to 500 to select all of it." in page
    assert 'name="all"' not in page
    assert "Select at most 500 people at a time" in admin.get(f"{SELECTED}?do=remove&all=1").text


def test_nobody_selected_is_told(as_):
    page = as_("admin").get(f"{SELECTED}?do=remove").text
    assert "Nobody is selected" in page
    assert f'href="{PEOPLE}?select=1"' in page


@pytest.mark.parametrize(("name", "status"), [("operator", 403), ("viewer", 403), ("guest", 404), ("stranger", 404)])
def test_only_those_who_manage_people_may(name, status, as_, ids, roles):
    person = as_(name)
    before = roles()
    assert person.get(asked("remove", ids("viewer"))).status_code == status
    assert person.post(SELECTED, do="remove", member=ids("viewer")).status_code == status
    assert roles() == before


def test_a_fault_in_the_middle_changes_nobody(as_, ids, roles, owner):
    owner.execute("ALTER FUNCTION record_audit(jsonb) RENAME TO record_nothing")
    try:
        with pytest.raises(AssertionError):  # the browser of these tests takes no 500
            as_("admin").post(SELECTED, do="role", role="ADMIN", member=ids("viewer", "operator"))
    finally:
        owner.execute("ALTER FUNCTION record_nothing(jsonb) RENAME TO record_audit")
    assert roles()["Hana"] == "VIEWER"


@pytest.mark.usefixtures("second_owner")
def test_an_owner_who_is_the_last_by_now_stays(as_, northfield, query, meanwhile):
    """Who removes the other one was deactivated in that moment."""
    closed = "UPDATE users SET deactivated_at = now() WHERE id = %(id)s"
    meanwhile(access, "confirm", lambda: query(closed, id=northfield.owner.id))
    answer = as_("owner").post(f"{SELECTED}", do="remove", member=str(northfield.member("admin").id))
    assert answer.status_code == 422
    assert "needs at least one Owner" in answer.text
