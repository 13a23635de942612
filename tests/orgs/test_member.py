"""A member, seen and changed by others and by oneself."""

import re

import pytest

from blueprints.presentation import short
from tests.browser_like import without_tokens, words

PEOPLE = "/orgs/northfield/people"
ROLES = ["VIEWER", "OPERATOR", "ADMIN", "OWNER"]
MEMBERS = ["owner", "admin", "operator", "viewer"]
NOWHERE = "00000000-0000-7000-8000-000000000000"
TIME = " at [0-9:]{8} UTC[.] "


def granted(query, name):
    """Who gave a member of Northfield their role, and when."""
    return query(
        "SELECT g.name, m.granted_at FROM organization_members m JOIN users u ON u.id = m.user_id "
        "JOIN organizations o ON o.id = m.organization_id AND o.slug = 'northfield' "
        "LEFT JOIN users g ON g.id = m.granted_by WHERE u.name = %(name)s",
        name=name,
    )[0]


# --- looking ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MEMBERS)
def test_every_member_sees_every_member(as_, path, name):
    for other in MEMBERS:
        assert as_(name).get(path(other)).status_code == 200


@pytest.mark.parametrize("name", ["guest", "stranger"])
def test_nobody_else_does(as_, path, name):
    assert as_(name).get(path("viewer")).status_code == 404
    assert as_(name).post(path("viewer") + "/role", role="ADMIN").status_code == 404
    assert as_(name).post(path("viewer") + "/remove").status_code == 404


def test_a_member_of_another_organization_is_not_here(as_, northfield):
    owner = as_("owner")
    foreign, unknown = (owner.get(f"{PEOPLE}/{id}") for id in (northfield.harbour_member.id, NOWHERE))
    assert foreign.status_code == unknown.status_code == 404
    assert without_tokens(foreign.text) == without_tokens(unknown.text)
    for id in (northfield.harbour_member.id, NOWHERE):
        assert owner.post(f"{PEOPLE}/{id}/role", role="VIEWER").status_code == 404
        assert owner.post(f"{PEOPLE}/{id}/remove").status_code == 404


@pytest.mark.parametrize("id", ["7", "abc", "%00", "%ff", NOWHERE + "0"])
def test_an_id_that_cannot_be_is_not_found(as_, id):
    assert as_("owner").get(f"{PEOPLE}/{id}").status_code == 404


def test_only_what_one_may_give_is_offered(as_, path):
    owner, admin = as_("owner").get(path("viewer")).text, as_("admin").get(path("viewer")).text
    assert [f'value="{role}"' in owner for role in ROLES] == [True] * 4
    assert [f'value="{role}"' in admin for role in ROLES] == [True, True, True, False]


def test_an_admin_reads_why_an_owner_is_out_of_reach(as_, path):
    page = as_("admin").get(path("owner")).text
    assert "Only Owners can change an Owner’s role." in page
    assert "<form" not in page.split("<main")[1]
    assert "Only Admins can change a Viewer’s role." in as_("operator").get(path("viewer")).text


def test_the_dialog_has_the_same_words_as_the_page(as_, path):
    part = as_("admin").get(path("viewer"), hx=True).text
    assert part.strip().startswith("<dialog")
    assert "Remove from Northfield…" in part
    assert 'hx-target="#m-' in part
    assert "hx-post" not in as_("admin").get(path("viewer")).text.split("<main")[1]


def test_looking_takes_three_statements(as_, path, statements):
    admin = as_("admin")
    with statements() as sent:
        admin.get(path("viewer"))
    assert len(sent) == 3
    assert not sent.writes


# --- changing a role --------------------------------------------------------------------------------------------


def test_an_admin_changes_a_role(as_, path, role_of):
    admin = as_("admin")
    answer = admin.post(path("viewer") + "/role", role="OPERATOR")
    assert (answer.status_code, answer.location) == (303, PEOPLE)
    assert role_of("viewer") == "OPERATOR"
    assert "Role changed to Operator for Hana Reyes at " in admin.get(PEOPLE).text


def test_htmx_gets_the_row_and_a_toast(as_, path, northfield):
    answer = as_("admin").post(path("viewer") + "/role", hx=True, role="OPERATOR")
    assert answer.text.strip().startswith(f'<tr id="m-{short(northfield.member("viewer").id)}">')
    assert 'data-role="operator"' in answer.text
    assert "Role changed to Operator for Hana Reyes at " in answer.text
    assert answer.text.split("<hx-partial")[0].strip() in as_("admin").get(PEOPLE).text


@pytest.mark.parametrize("name", ["operator", "viewer"])
def test_lower_roles_change_nobody(as_, path, role_of, name):
    for other in MEMBERS:
        if other != name:
            assert as_(name).post(path(other) + "/role", role="VIEWER").status_code == 403
            assert as_(name).post(path(other) + "/remove").status_code == 403
    assert [role_of(other) for other in MEMBERS] == ["OWNER", "ADMIN", "OPERATOR", "VIEWER"]


def test_an_admin_cannot_touch_an_owner(as_, path, role_of):
    admin = as_("admin")
    answer = admin.post(path("owner") + "/role", role="VIEWER")
    assert answer.status_code == 403
    assert "needs Owner" in answer.text
    assert admin.get(path("owner") + "/remove").status_code == 403
    assert admin.post(path("owner") + "/remove").status_code == 403
    assert role_of("owner") == "OWNER"


def test_an_admin_cannot_make_an_owner(as_, path, role_of):
    for name in ("viewer", "admin"):
        assert as_("admin").post(path(name) + "/role", role="OWNER").status_code == 403
    assert (role_of("viewer"), role_of("admin")) == ("VIEWER", "ADMIN")


@pytest.mark.parametrize("role", ["SUPER", "", "viewer", "4", "OWNER\0", "\ufffd"])
@pytest.mark.parametrize("hx", [True, False])
def test_a_role_that_is_none_is_refused_with_the_form(as_, path, role_of, role, hx):
    answer = as_("owner").post(path("viewer") + "/role", hx=hx, role=role)
    assert answer.status_code == 422
    assert "Choose a role" in answer.text
    assert role_of("viewer") == "VIEWER"


def test_anyone_may_step_down_and_nobody_up(as_, path, role_of):
    operator = as_("operator")
    assert operator.post(path("operator") + "/role", role="ADMIN").status_code == 403
    assert operator.post(path("operator") + "/role", role="VIEWER").status_code == 303
    assert role_of("operator") == "VIEWER"


def test_stepping_down_redraws_the_whole_page(as_, path):
    answer = as_("admin").post(path("admin") + "/role", hx=True, role="VIEWER")
    assert answer.headers["HX-Redirect"] == PEOPLE


def test_demoting_revokes_what_could_not_be_sent_any_more(as_, path, invited, query, second_owner):
    invited("a@example.org", "OWNER", by="admin")
    invited("b@example.org", "ADMIN", by="admin")
    owner = as_("owner")
    assert "1 pending invitation (a@example.org) they sent is revoked." in owner.get(path("admin")).text
    owner.post(path("admin") + "/role", role="ADMIN")
    assert re.search(TIME + "Ended: 1 invitation they sent[.]", owner.get(PEOPLE).text)
    assert query("SELECT email FROM invitations WHERE revoked_at IS NOT NULL") == [("a@example.org",)]


@pytest.fixture
def late(as_, path):
    """late(hx=False) -> what Amara is answered who makes Hana an Admin, when Sven has just made her Operator."""

    def come_second(**how):
        as_("admin").post(path("viewer") + "/role", role="OPERATOR", version="1")
        return as_("owner").post(path("viewer") + "/role", role="ADMIN", version="1", **how)

    return come_second


@pytest.mark.parametrize("hx", [True, False])
def test_the_second_of_two_at_once_sees_what_the_first_did(late, role_of, hx):
    answer = late(hx=hx)
    assert answer.status_code == 409
    said = words(answer.text)
    assert re.search("Sven Weber changed this (just now|[0-9]+ seconds? ago)[.]", said)
    assert "Hana Reyes is now Operator. You chose Admin." in said
    assert "autofocus" in answer.text.split('class="note warn" tabindex')[1].split(">")[0]
    assert role_of("viewer") == "OPERATOR"


def test_the_second_may_insist(late, as_, path, role_of):
    answer = late()
    form = answer.text[: answer.text.index("Make Hana Reyes an Admin")].rpartition("<form")[2]
    fields = dict(re.findall('name="(version|role)" value="([^"]+)"', form))
    assert fields == {"version": "2", "role": "ADMIN"}
    assert as_("owner").post(path("viewer") + "/role", **fields).status_code == 303
    assert role_of("viewer") == "ADMIN"


def test_the_second_may_leave_it(late, as_, role_of):
    link = late().text.split("Keep Operator")[0].rpartition('href="')[2].split('"')[0]
    assert as_("owner").get(link).status_code == 200
    assert role_of("viewer") == "OPERATOR"


def test_who_wants_the_same_is_not_late(as_, path, role_of, query):
    owner = as_("owner")
    as_("admin").post(path("viewer") + "/role", role="OPERATOR", version="1")
    assert owner.post(path("viewer") + "/role", role="OPERATOR", version="1").status_code == 303
    assert "Hana Reyes is already an Operator." in owner.get(PEOPLE).text
    assert granted(query, "Hana Reyes")[0] == "Sven Weber"


def test_changing_a_role_notes_who_and_when(as_, path, query):
    before = granted(query, "Hana Reyes")
    as_("admin").post(path("viewer") + "/role", role="OPERATOR")
    after = granted(query, "Hana Reyes")
    assert after[0] == "Sven Weber"
    assert after[1] > before[1]
    assert granted(query, "Amara Okafor")[0] == "Amara Okafor"  # who created the organization


def test_an_accepted_invitation_notes_who_sent_it(as_, invited, northfield, query):
    as_("stranger").post(f"/orgs/invitations/{invited(northfield.stranger.email, by='admin')}/accept")
    assert granted(query, "Mateo Lindqvist")[0] == "Sven Weber"


def test_each_choice_says_what_it_would_end(as_, path, invited):
    invited("a@example.org", by="admin")
    invited("b@example.org", by="admin")
    page = as_("owner").get(path("admin")).text
    ends = dict(re.findall('value="([A-Z]+)"[^>]*>.*?(?:id="[^"]+-ends">([^<]*)<|</div>)', page, flags=re.S))
    assert ends["VIEWER"] == (
        "They can no longer use 1 project (Payroll). They can do less on 1 project (Billing pipeline). "
        "2 pending invitations (a@example.org and b@example.org) they sent are revoked."
    )
    assert ends["OPERATOR"] == ends["VIEWER"]
    assert ends["ADMIN"] == ends["OWNER"] == ""
    assert "You can no longer use 1 project (Payroll)." in as_("admin").get(path("admin")).text


@pytest.mark.parametrize("version", ["x", "\0", "-1", "9" * 40])
def test_a_version_that_never_was_is_no_fault(as_, path, version):
    assert as_("owner").post(path("viewer") + "/role", role="ADMIN", version=version).status_code == 409


@pytest.mark.parametrize(("action", "fields"), [("role", {"role": "ADMIN"}), ("remove", {})])
@pytest.mark.parametrize("hx", [True, False])
def test_a_stale_token_changes_nothing(as_, path, role_of, action, fields, hx):
    answer = as_("owner").post(f"{path('viewer')}/{action}", hx=hx, token="old", **fields)
    assert answer.status_code == 422
    assert "This page was open for a long time" in answer.text
    assert role_of("viewer") == "VIEWER"


@pytest.mark.parametrize("hx", [True, False])
def test_who_was_removed_meanwhile_is_no_address_that_was_mistyped(as_, path, query, hx):
    query("DELETE FROM organization_members WHERE id = %(id)s", id=path("viewer").rpartition("/")[2])
    answer = as_("admin").post(f"{path('viewer')}/role", hx=hx, role="OPERATOR", version="1")
    assert answer.status_code == 404
    assert "This is not here any more" in answer.text
    assert "typed the address" not in answer.text
