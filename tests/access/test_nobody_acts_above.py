"""Nobody acts above themselves: every actor, target and role, against tables written by hand (PROMISES.md P6).

Letters are roles: V, O, A, W (the Owner); "-" is none. A cell has the roles that may be given; every other role is
refused and changes nothing.
"""

import pytest

from tests.access.conftest import id_of
from tests.access.model import ADMIN, OPERATOR, OWNER, VIEWER, Organization, Project

RANKS = {"V": VIEWER, "O": OPERATOR, "A": ADMIN, "W": OWNER}
NAMES = {"V": "VIEWER", "O": "OPERATOR", "A": "ADMIN", "W": "OWNER"}

# Rows: the actor's role; "guest" is Owner on a project, "stranger" owns another organization.
# Columns: the target's present role.
CHANGE_ROLE = """
              V     O     A     W
    W         VOAW  VOAW  VOAW  VOAW
    A         VOA   VOA   VOA   -
    O         -     -     -     -
    V         -     -     -     -
    guest     -     -     -     -
    stranger  -     -     -     -
"""
# Columns: the target's present role. "yes": the actor may remove them.
REMOVE = """
              V     O     A     W
    W         yes   yes   yes   yes
    A         yes   yes   yes   -
    O         -     -     -     -
    V         -     -     -     -
    guest     -     -     -     -
    stranger  -     -     -     -
"""
# Columns: to the organization, to an open project, to a restricted one; on both, nothing is set for the actor.
INVITE = """
              organization  open  restricted
    W         VOAW          VOAW  VOAW
    A         VOA           VOA   VOA
    O         -             -     -
    V         -             -     -
    guest     -             -     -
    stranger  -             -     -
"""
# Rows: the inviter's role by now. Cells: the invitations that can still be accepted.
ACCEPT = """
              organization  open  restricted
    W         VOAW          VOAW  VOAW
    A         VOA           VOA   VOA
    O         -             -     -
    V         -             -     -
    gone      -             -     -
"""
# Rows: the actor's role in the organization, then what is set for them on the project. Columns: the same of the target.
# "-A" is a guest who is Admin there. Cells: what may be set for the target there.
# The same on an open and on a restricted project: what an Operator or Viewer loses there, they could give nobody.
ON_PROJECT = """
              V-    O-    A-    W-    VO    VA    VW    -V    -O    -A    -W
    W-        VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW
    A-        VOA   VOA   VOA   -     VOA   VOA   -     VOA   VOA   VOA   -
    O-        -     -     -     -     -     -     -     -     -     -     -
    V-        -     -     -     -     -     -     -     -     -     -     -
    VO        -     -     -     -     -     -     -     -     -     -     -
    VA        VOA   VOA   VOA   -     VOA   VOA   -     VOA   VOA   VOA   -
    VW        VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW
    AW        VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW
    -O        -     -     -     -     -     -     -     -     -     -     -
    -A        -     -     -     -     VOA   VOA   -     VOA   VOA   VOA   -
    -W        -     -     -     -     VOAW  VOAW  VOAW  VOAW  VOAW  VOAW  VOAW
    stranger  -     -     -     -     -     -     -     -     -     -     -
"""
PLACES = {"organization": "", "open": "atlas", "restricted": "borealis"}
TABLES = ("organizations", "organization_members", "projects", "project_members", "invitations", "outgoing_mail")


def key_of(place):
    """The project that a column is about; None for the organization."""
    return id_of("north", PLACES[place]) if PLACES[place] else None


def table(text):
    """The rows of a table: (actor, {column: cell})."""
    head, *rows = (line.split() for line in text.strip().splitlines())
    return [pytest.param(row[0], dict(zip(head, row[1:], strict=True)), id=row[0]) for row in rows]


@pytest.fixture
def state(query):
    """state() -> a sum of all that could be changed."""
    rows = " UNION ALL ".join(f"SELECT t::text AS rows FROM {name} t" for name in TABLES)
    return lambda: query(f"SELECT md5(string_agg(rows, '' ORDER BY rows)) FROM ({rows}) everything")[0][0]


@pytest.fixture
def cast(lay):
    """cast(actor, target) lays Northfield out: Amara acts, Kofi is the target, Ravi the Owner who stays.

    Each is told as a letter of the organization and one of the project, or as "guest", "stranger" or "gone".
    """

    def lay_out(actor, target="V-"):
        members, rows = {"ravi": OWNER}, {}
        for person, told in (("amara", {"guest": "-W"}.get(actor, actor)), ("kofi", target)):
            organization, project = (told + "-")[:2] if len(told) < 3 else "--"
            if organization in RANKS:
                members[person] = RANKS[organization]
            if project in RANKS:
                rows[person] = RANKS[project]
        projects = {"atlas": Project(rows=dict(rows)), "borealis": Project(True, rows=dict(rows))}
        lay({"north": Organization(members, projects), "harbour": Organization({"amara": OWNER}, {})})

    return lay_out


@pytest.fixture
def attempt(people, state):
    """attempt(path, fields) -> True if Amara's POST was done; a refusal is a 403 or 404, and changes nothing."""

    def post(path, **fields):
        before = state()
        answer = people["amara"].post(f"/orgs/north{path}", **fields)
        if answer.status_code in (403, 404):
            assert state() == before
            return False
        assert answer.status_code in (200, 303)
        assert state() != before or path.endswith("/role") or "/access/" in path  # they may have that role already
        return True

    return post


@pytest.fixture
def offer(query, users):
    """offer("ADMIN", "open", "ravi") -> the key of the one invitation that there is, to Ines, from him."""

    def make(role, place, by):
        query("DELETE FROM invitations")
        query("DELETE FROM rate_limits")
        written = """INSERT INTO invitations
          (organization_id, project_id, email, email_key, role, nonce, invited_by, expires_at)
          VALUES (%(here)s, %(project)s, 'ines@example.org', 'ines@example.org', %(role)s, '', %(by)s, now() + '1 day')
          RETURNING id"""
        return query(written, here=id_of("north"), project=key_of(place), role=role, by=users[by].id)[0][0]

    return make


def given(letters, lay_out, give):
    """Assert that exactly these roles are given; a refusal leaves all as it was laid out."""
    allowed = ""
    lay_out()
    for letter, name in NAMES.items():
        if give(name):
            allowed += letter
            lay_out()
    assert allowed == letters.strip("-")


@pytest.mark.parametrize(("actor", "cells"), table(CHANGE_ROLE))
def test_who_changes_whose_role_to_what(actor, cells, cast, attempt):
    url = f"/people/{id_of('north', 'kofi')}/role"
    for target, letters in cells.items():
        given(letters, lambda target=target: cast(actor, target), lambda role: attempt(url, role=role))


@pytest.mark.parametrize(("actor", "cells"), table(REMOVE))
def test_who_removes_whom(actor, cells, cast, attempt):
    for target, cell in cells.items():
        cast(actor, target)
        assert attempt(f"/people/{id_of('north', 'kofi')}/remove") == (cell == "yes")


@pytest.mark.parametrize(("actor", "cells"), table(INVITE))
def test_who_invites_as_what(actor, cells, cast, attempt):
    for place, letters in cells.items():
        to = {"emails": "ines@example.org", "project": key_of(place) or ""}
        given(letters, lambda: cast(actor), lambda role, to=to: attempt("/people/invite", role=role, **to))


@pytest.mark.parametrize(("actor", "cells"), table(INVITE))
def test_who_sends_an_invitation_again_and_who_revokes_it(actor, cells, cast, attempt, offer):
    for place, letters in cells.items():
        for verb in ("resend", "revoke", "link"):

            def press(role, place=place, verb=verb):
                return attempt(f"/people/invitations/{offer(role, place, 'ravi')}/{verb}")

            given(letters, lambda: cast(actor), press)


@pytest.mark.parametrize(("actor", "cells"), table(ACCEPT))
def test_whose_invitations_can_be_accepted(actor, cells, cast, offer, people, state):
    for place, letters in cells.items():

        def accepted(role, place=place):
            url, before = f"/orgs/invitations/{offer(role, place, 'amara')}/accept", state()
            status = people["ines"].post(url).status_code
            assert status in ((303,) if state() != before else (410,))
            return status == 303

        given(letters, lambda: cast(actor), accepted)


@pytest.mark.parametrize("place", ["open", "restricted"])
@pytest.mark.parametrize(("actor", "cells"), table(ON_PROJECT))
def test_who_sets_what_for_whom_on_a_project(place, actor, cells, cast, attempt, users):
    url = f"/projects/{key_of(place)}/access/{users['kofi'].id}"
    for target, letters in cells.items():
        given(letters, lambda target=target: cast(actor, target), lambda role: attempt(url, role=role))


def test_the_tables_have_every_cell():
    """Nothing is left out by a slip of the pen: four roles, and everybody who has none.

    ON_PROJECT is a chosen set: not every pair of a role in the organization and one on the project is in it.
    """
    for text in (CHANGE_ROLE, REMOVE, INVITE):
        assert [case.id for case in table(text)] == ["W", "A", "O", "V", "guest", "stranger"]
    assert [case.id for case in table(ACCEPT)] == ["W", "A", "O", "V", "gone"]
    assert all([*case.values[1]] == [*RANKS] for text in (CHANGE_ROLE, REMOVE) for case in table(text))
    assert all([*case.values[1]] == [*PLACES] for text in (INVITE, ACCEPT) for case in table(text))
