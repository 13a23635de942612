"""What a page finds, what lists show and what access pages print agree, for every combination of both levels."""

import pytest
from sqlalchemy import select

import access
from access import Access
from models import Organization, OrganizationMember, Project, ProjectMember, Role, User, db, tenant, transaction
from models.identity import Actor

# Rows: the role in the organization, "-" for no membership. Columns: what is set on the project: nothing, a row that
# follows the organization, or a role. Cells: the effective role, "-" for none; "x" is no row that can be.
OPEN = """
        -  F  V  O  A  W
    -   -  x  V  O  A  W
    V   V  V  V  O  A  W
    O   O  O  O  O  A  W
    A   A  A  A  A  A  W
    W   W  W  W  W  W  W
"""
RESTRICTED = """
        -  F  V  O  A  W
    -   -  x  V  O  A  W
    V   -  V  V  O  A  W
    O   -  O  V  O  A  W
    A   A  A  A  A  A  W
    W   W  W  W  W  W  W
"""
LETTERS = {"V": Role.VIEWER, "O": Role.OPERATOR, "A": Role.ADMIN, "W": Role.OWNER, "-": None, "F": None}


def cells(table):
    head, *rows = (line.split() for line in table.strip().splitlines())
    return {(row[0], column): cell for row in rows for column, cell in zip(head, row[1:], strict=True) if cell != "x"}


CASES = list(cells(OPEN))
TABLES = {"organization": cells(OPEN), "restricted": cells(RESTRICTED)}


@pytest.fixture
def world(context):
    """An open and a restricted project, and a person for each combination: (organization's id, projects, users)."""
    with transaction():
        users = {case: User(name=f"{case}", email=str(case), email_key=str(case), password_hash="") for case in CASES}
        db.session.add_all(users.values())
        db.session.flush()
        here = Organization.create("World", "world", users["W", "-"].id)
        projects = {kind: Project(organization_id=here.id, name=kind, access=kind) for kind in TABLES}
        members = [
            OrganizationMember(organization_id=here.id, user_id=user.id, role=LETTERS[organization])
            for (organization, row), user in users.items()
            if organization != "-" and (organization, row) != ("W", "-")
        ]
        db.session.add_all([*projects.values(), *members])
        db.session.flush()
        db.session.add_all(
            ProjectMember(project_id=p.id, organization_id=here.id, user_id=user.id, role=LETTERS[row])
            for p in projects.values()
            for (_, row), user in users.items()
            if row != "-"
        )
    tenant.enter(here.id)
    return here.id, projects, users


def actor(here, user):
    return access.standing(here, user.id) or Actor(user.id, here, None)


def listed(project, viewer):
    """Everybody on a project's access page, as a person sees it."""
    rows = db.session.execute(access.people_of(access.project_for(viewer, project.id), viewer))
    return {person.user.id: person for person in (Access(*row) for row in rows)}


@pytest.mark.parametrize("kind", TABLES)
def test_every_way_to_ask_gives_the_same_answer(kind, world):
    here, projects, users = world
    project = projects[kind]
    all_people = listed(project, actor(here, users["W", "-"]))
    for case, letter in TABLES[kind].items():
        user, expected = users[case], LETTERS[letter]
        me = actor(here, user)
        found = access.project_for(me, project.id)
        assert (found.effective if found else None) is expected, case
        mine = {row.Project.id: row.effective for row in db.session.execute(access.visible_projects(me))}
        assert mine.get(project.id) is expected, case
        assert (all_people[user.id].effective if user.id in all_people else None) is expected, case


@pytest.mark.parametrize("kind", TABLES)
def test_one_person_is_seen_as_in_the_list(kind, world):
    here, projects, users = world
    viewer = actor(here, users["W", "-"])
    place = access.project_for(viewer, projects[kind].id)
    for (organization, row), letter in TABLES[kind].items():
        person = access.access_of(place, users[organization, row].id)
        if (organization, row) == ("-", "-"):
            assert person is None
            continue
        assert person.effective is LETTERS[letter]
        assert person.organization_role is LETTERS[organization]
        assert person.set_here is LETTERS[row]
        assert person.decides_here == (row in "VOAW" and LETTERS[row] is LETTERS[letter])


@pytest.mark.parametrize("kind", TABLES)
def test_guests_see_exactly_the_people_with_a_row(kind, world):
    here, projects, users = world
    seen = listed(projects[kind], actor(here, users["-", "V"]))
    assert {users[case].id for case in CASES if case[1] != "-"} == set(seen)


def test_nobody_sees_another_tenants_projects(world):
    _, projects, users = world
    with transaction():
        other = Organization.create("Other", "other", users["W", "W"].id)
    tenant.enter(other.id)
    me = actor(other.id, users["W", "W"])
    assert db.session.execute(access.visible_projects(me)).all() == []
    assert [access.project_for(me, project.id) for project in projects.values()] == [None, None]


def test_the_oracle_covers_every_combination(world):
    assert len(CASES) == 5 * 6 - 1
    assert db.session.scalar(select(db.func.count()).select_from(ProjectMember)) == 2 * 24
