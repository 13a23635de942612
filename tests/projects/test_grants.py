"""Who may set which role for whom on a project: tables written by hand, compared with the authority."""

from uuid import UUID

import pytest

import access
from access import Access, Denied, ProjectHere
from models import OrganizationMember, Project, ProjectMember, Role, User, db, transaction
from models.identity import Actor

HERE, ELSEWHERE = UUID(int=1), UUID(int=2)
ME, THEM = UUID(int=3), UUID(int=4)
LETTERS = {"V": Role.VIEWER, "O": Role.OPERATOR, "A": Role.ADMIN, "W": Role.OWNER}
RANKS = ["-", *LETTERS]  # effective roles; "-": none

# Rows: the actor's effective role. Columns: the person's. Cells: what may be given, "." for nothing.
GIVES = """
        -     V     O     A     W
    V   .     .     .     .     .
    O   .     .     .     .     .
    A   VOA   VOA   VOA   VOA   .
    W   VOAW  VOAW  VOAW  VOAW  VOAW
"""
GIVES_ONESELF = {"V": ".", "O": ".", "A": "VOA", "W": "VOAW"}
TAKES = """
        -     V     O     A     W
    V   .     .     .     .     .
    O   .     .     .     .     .
    A   x     x     x     x     .
    W   x     x     x     x     x
"""


def cells(table):
    head, *rows = (line.split() for line in table.strip().splitlines())
    return {(row[0], column): cell for row in rows for column, cell in zip(head, row[1:], strict=True)}


def place(effective, *, organization=HERE, archived=False):
    project = Project(id=UUID(int=9), organization_id=organization, name="Atlas", access="organization")
    project.archived_at = "yesterday" if archived else None
    return ProjectHere(project, LETTERS[effective])


def person(effective, *, user=THEM, row=True, member="V"):
    set_here = ProjectMember(user_id=user, role=LETTERS.get(effective)) if row else None
    return Access(User(id=user), LETTERS.get(member), set_here, None, LETTERS.get(effective))


MEMBER, GUEST = Actor(ME, HERE, Role.VIEWER, UUID(int=5)), Actor(ME, HERE, None)


def given(actor, here, target):
    return "".join(letter for letter, role in LETTERS.items() if access.may_set(actor, here, target, role)) or "."


@pytest.mark.parametrize("row", [True, False])
@pytest.mark.parametrize("member", RANKS[1:])
@pytest.mark.parametrize(("pair", "cell"), cells(GIVES).items())
def test_a_member_gives_members_what_the_table_says(pair, cell, member, row):
    assert given(MEMBER, place(pair[0]), person(pair[1], row=row, member=member)) == cell


@pytest.mark.parametrize(("pair", "cell"), cells(GIVES).items())
def test_guests_are_given_the_same_once_they_are_there(pair, cell):
    assert given(MEMBER, place(pair[0]), person(pair[1], member=None)) == cell
    assert given(MEMBER, place(pair[0]), person(pair[1], member=None, row=False)) == "."


@pytest.mark.parametrize(("pair", "cell"), cells(GIVES).items())
def test_a_guest_changes_but_never_adds(pair, cell):
    assert given(GUEST, place(pair[0]), person(pair[1])) == cell
    assert given(GUEST, place(pair[0]), person(pair[1], row=False)) == "."


@pytest.mark.parametrize("actor", [MEMBER, GUEST])
@pytest.mark.parametrize(("rank", "cell"), GIVES_ONESELF.items())
def test_on_oneself_nobody_goes_up(rank, cell, actor):
    assert given(actor, place(rank), person(rank, user=ME)) == cell


@pytest.mark.parametrize("member", RANKS)
@pytest.mark.parametrize(("pair", "cell"), cells(GIVES).items())
def test_following_gives_the_organization_role(pair, cell, member):
    allowed = member != "-" and member in cell
    assert access.may_set(MEMBER, place(pair[0]), person(pair[1], member=member), None) == allowed


@pytest.mark.parametrize("actor", [MEMBER, GUEST])
@pytest.mark.parametrize(("pair", "cell"), cells(TAKES).items())
def test_taking_away_follows_the_table(pair, cell, actor):
    assert access.may_unset(actor, place(pair[0]), person(pair[1])) == (cell == "x")
    assert not access.may_unset(actor, place(pair[0]), person(pair[1], row=False))


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("rank", RANKS[1:])
def test_an_admin_of_the_organization_removes_any_guest(role, rank):
    actor = Actor(ME, HERE, role, UUID(int=5))
    may = access.may_unset(actor, place("A"), person(rank, member=None))
    assert may == (rank != "W" or role in (Role.ADMIN, Role.OWNER))


@pytest.mark.parametrize("actor", [MEMBER, GUEST])
@pytest.mark.parametrize("archived", [True, False])
@pytest.mark.parametrize("rank", RANKS[1:])
def test_ones_own_row_can_always_be_given_back(rank, archived, actor):
    assert access.may_unset(actor, place(rank, archived=archived), person(rank, user=ME))


@pytest.mark.parametrize(("pair", "cell"), cells(GIVES).items())
def test_nothing_is_set_on_an_archived_or_foreign_project(pair, cell):
    assert given(MEMBER, place(pair[0], archived=True), person(pair[1])) == "."
    assert given(MEMBER, place(pair[0], organization=ELSEWHERE), person(pair[1])) == "."


# --- asked again under the lock ------------------------------------------------------------------------------


@pytest.fixture
def seen(context, northfield):
    """seen(who, of) -> (actor, project, person) as they were when the gate asked."""

    def look(who, of):
        actor = access.standing(northfield.organization.id, northfield.person(who).id)
        here = access.project_for(actor, northfield.project.id)
        return actor, here, access.access_of(here, northfield.person(of).id)

    return look


def change(member, role):
    with transaction():
        db.session.get_one(OrganizationMember, member.id).role = role


def test_an_admin_demoted_meanwhile_sets_nothing(seen, northfield):
    actor, here, target = seen("admin", "viewer")
    change(northfield.member("admin"), Role.VIEWER)
    with pytest.raises(Denied), transaction():
        access.confirm_set(actor, here, target, Role.OPERATOR)


def test_a_person_promoted_meanwhile_is_out_of_reach(seen, northfield):
    actor, here, target = seen("admin", "viewer")
    change(northfield.member("viewer"), Role.OWNER)
    with pytest.raises(Denied) as denied, transaction():
        access.confirm_set(actor, here, target, Role.OPERATOR)
    assert denied.value.least is Role.OWNER


def test_a_project_archived_meanwhile_is_read_only(seen, northfield):
    actor, here, target = seen("admin", "viewer")
    with transaction():
        db.session.execute(db.update(Project).where(Project.id == here.id).values(archived_at=db.func.now()))
    with pytest.raises(Denied, match="Restore it first"), transaction():
        access.confirm_set(actor, here, target, Role.OPERATOR)


def test_a_project_deleted_meanwhile_is_not_there(seen, northfield):
    actor, here, _ = seen("admin", "viewer")
    with transaction():
        here.project.delete()
    with pytest.raises(Denied) as denied, transaction():
        access.confirm_on(actor, here, access.MANAGE_PROJECT)
    assert denied.value.permission is access.SEE_PROJECT


def test_a_project_restricted_meanwhile_is_not_there(seen, northfield):
    actor, here, _ = seen("operator", "viewer")
    with transaction():
        db.session.execute(db.update(Project).where(Project.id == here.id).values(access="restricted"))
    with pytest.raises(Denied) as denied, transaction():
        access.confirm_on(actor, here, access.USE_PROJECT)
    assert denied.value.permission is access.SEE_PROJECT


def test_a_row_taken_away_meanwhile_is_no_fault(seen, northfield):
    actor, here, target = seen("admin", "viewer")
    with transaction():
        assert access.confirm_unset(actor, here, target).row is None
