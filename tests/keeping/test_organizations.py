"""`flask orgs …`: finding and creating organizations, and an Owner for one that nobody leads any more."""

import pytest

SVEN = "sven.weber@example.org"


def owners(query):
    return query("""
        SELECT u.email FROM organization_members m JOIN organizations o ON o.id = m.organization_id
        JOIN users u ON u.id = m.user_id WHERE slug = 'northfield' AND role = 'OWNER' ORDER BY 1
    """)


def test_organizations_are_found_also_deleted_ones(flask, northfield, query):
    query("UPDATE organizations SET deleted_at = now() WHERE slug = 'harbour-labs'")
    assert flask("orgs", "find", "NORTH") == (0, "northfield  Northfield\n")
    assert flask("orgs", "find", "r-l") == (0, "harbour-labs  Harbour Labs  deleted\n")
    assert flask("orgs", "find", "nowhere") == (0, "None.\n")


def test_an_organization_is_shown_with_its_owners(flask, northfield, query, as_):
    as_("owner").post("/orgs/northfield/settings", name="Northfield", slug="north")
    code, words = flask("orgs", "show", "NORTHFIELD")
    lines = [" ".join(line.split()) for line in words.splitlines()]
    assert (code, lines[0]) == (0, "Northfield (north)")
    assert {"two-step not required", "members Owner: 1, Admin: 1, Operator: 1, Viewer: 1"} < set(lines)
    assert lines[-1] == "Owner: Amara Okafor <amara.okafor@example.org>"
    flask("orgs", "make-owner", "north", SVEN, "--yes")
    flask("users", "deactivate", SVEN)
    assert flask("orgs", "show", "north")[1].endswith("Owner: Sven Weber <sven.weber@example.org>, deactivated\n")
    assert "Billing pipeline" not in words


def test_an_organization_is_created_where_only_the_host_may(flask, app_with, browser, northfield, query):
    closed = app_with(org_creation="host")
    said = flask("orgs", "create", "Quay  Ltd", "--owner", SVEN, app=closed)
    assert said == (0, f"Quay  Ltd is at /orgs/quay-ltd, and {SVEN} is its Owner.\n")
    assert browser(northfield.admin).get("/orgs/quay-ltd/settings/delete").status_code in (200, 303)
    assert browser(northfield.viewer).get("/orgs/quay-ltd").status_code == 404
    made = "SELECT actor_id, request_id, subject_id FROM audit_events WHERE action = 'organization.created'"
    assert (None, None, northfield.admin.id) in query(made)
    assert flask("orgs", "create", "Quay", "--owner", SVEN, "--slug", "quay")[0] == 0


def test_a_member_becomes_an_owner(flask, as_, northfield, query):
    assert as_("admin").get("/orgs/northfield/settings/transfer").status_code == 403
    code, words = flask("orgs", "make-owner", "northfield", SVEN, typed="y\n")
    assert (code, words.splitlines()[-1]) == (0, f"{SVEN} is an Owner of Northfield.")
    assert owners(query) == [("amara.okafor@example.org",), (SVEN,)]
    assert as_("admin").get("/orgs/northfield/settings/transfer").status_code == 200
    changed = "SELECT actor_id, request_id, subject_id, after->>'role' FROM audit_events"
    assert query(f"{changed} WHERE action = 'member.role_changed'") == [(None, None, northfield.admin.id, "OWNER")]
    page = as_("admin").get("/orgs/northfield/audit").text
    assert "The host</bdi></strong> changed" in page


def test_a_stranger_becomes_an_owner_and_the_viewer_sees_what_she_saw(flask, as_, northfield, query):
    before = as_("viewer").get("/orgs/northfield/projects").status_code
    assert as_("stranger").get("/orgs/northfield").status_code == 404
    assert flask("orgs", "make-owner", "northfield", "mateo@example.com", "--yes")[0] == 0
    assert as_("stranger").get("/orgs/northfield/people/invite").status_code == 200
    joined = "SELECT actor_id, subject_id FROM audit_events WHERE action = 'member.joined' AND after->>'role' = 'OWNER'"
    assert query(joined) == [(None, northfield.stranger.id)]
    viewer = as_("viewer")
    assert viewer.get("/orgs/northfield/projects").status_code == before == 200
    assert "Mateo Lindqvist" in viewer.get("/orgs/northfield/people").text
    assert viewer.get("/orgs/northfield/people/invite").status_code == 403


def test_twice_is_once(flask, northfield, query):
    count = "SELECT count(*) FROM audit_events"
    for _ in range(2):
        assert flask("orgs", "make-owner", "northfield", SVEN, "--yes")[0] == 0
        query("SELECT 1")
    assert query(f"{count} WHERE action = 'member.role_changed'") == [(1,)]


def test_an_owner_that_is_made_lets_the_former_one_be_closed(flask, northfield):
    amara = northfield.owner.email
    assert flask("users", "deactivate", amara)[0] == 1
    flask("orgs", "make-owner", "northfield", SVEN, "--yes")
    assert flask("users", "deactivate", amara)[0] == 0


WRONG = {
    "an unknown organization": (["show", "nowhere"], "No organization has the address nowhere."),
    "an unknown owner": (["create", "Quay", "--owner", "x@example.org"], "No account uses x@example.org."),
    "no name": (["create", " ", "--owner", SVEN], "Give the organization a name."),
    "too long a name": (["create", "x" * 101, "--owner", SVEN], "The name must have at most 100 characters."),
    "a taken address": (
        ["create", "Quay", "--owner", SVEN, "--slug", "northfield"],
        "Another organization uses this address.",
    ),
    "a reserved address": (["create", "Q", "--owner", SVEN, "--slug", "Login"], "is used by Freehold itself"),
    "no address": (["create", "Q", "--owner", SVEN, "--slug", "-"], "Use small letters, digits and hyphens"),
    "a closed account": (["make-owner", "--yes", "northfield", "hana.reyes@example.org"], "whose account is active"),
    "a closed first owner": (["create", "Quay", "--owner", "hana.reyes@example.org"], "is deactivated."),
    "nobody": (["make-owner", "--yes", "northfield", "x@example.org"], "No account uses x@example.org."),
    "no consent": (["make-owner", "northfield", SVEN], "Aborted!"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_is_said_and_changes_nothing(flask, northfield, query, arguments, words):
    query("UPDATE users SET deactivated_at = now() WHERE id = %(id)s", id=northfield.viewer.id)
    before = query("SELECT count(*) FROM audit_events")
    code, said = flask("orgs", *arguments)
    assert (code, words in said) == (1, True), said
    assert owners(query) == [("amara.okafor@example.org",)]
    assert query("SELECT count(*) FROM audit_events") == before
