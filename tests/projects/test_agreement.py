"""What a page finds, what lists show and what access pages print agree, for every combination of both levels."""

import pytest
from sqlalchemy import select

import access
from access import Access, Rule
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


def without_row(kind, organization):
    """What remains without the row: the table's first column."""
    return LETTERS[TABLES[kind].get((organization, "-"), "-")]


def actor(here, user):
    return access.standing(here, user.id) or Actor(user.id, here, None)


def listed(project, viewer):
    """Everybody on a project's access page, as a person sees it."""
    place = access.project_for(viewer, project.id)
    keys = access.people_of(place, viewer, lambda *_: [], 1000).subquery()
    rows = db.session.execute(access.as_access(place, keys))
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
        assert set(db.session.scalars(select(Project.id).where(access.visible_to(me)))) == set(mine), case
        assert (all_people[user.id].effective if user.id in all_people else None) is expected, case


@pytest.mark.parametrize("kind", TABLES)
def test_as_many_people_are_counted_as_are_listed(kind, world):
    here, projects, users = world
    owner = actor(here, users["W", "-"])
    counted = select(access.people_count(owner)).select_from(Project).where(Project.id == projects[kind].id)
    number = len(listed(projects[kind], owner))
    assert db.session.scalar(counted) == number > 20
    assert db.session.scalar(select(access.number_of(access.project_for(owner, projects[kind].id)))) == number


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
def test_an_explanation_agrees_with_what_it_explains(kind, world):
    here, projects, users = world
    place = access.project_for(actor(here, users["W", "-"]), projects[kind].id)
    for (organization, row), letter in TABLES[kind].items():
        if (organization, row) == ("-", "-"):
            continue
        case, person = (organization, row), access.access_of(place, users[organization, row].id)
        explained = access.explain(place, person)
        sources = [source for source in (explained.membership, explained.row) if source]
        assert (explained.membership is None) == (organization == "-"), case
        assert (explained.row is None) == (row == "-"), case
        counting = {source.gives for source in sources if source.counts}
        assert counting == ({LETTERS[letter]} if letter != "-" else set()), case
        assert all((source.gives is LETTERS[letter]) == source.counts for source in sources if source.gives), case
        if explained.row:
            assert explained.row.remains is without_row(kind, organization), case
        if explained.membership:
            assert explained.membership.remains is None, case
        assert explained.rule is rule(kind, organization, row), case


def rule(kind, organization, row):
    if organization in "W-":
        return Rule.OWNER if organization == "W" else Rule.GUEST
    if kind == "restricted" and organization != "A":
        return Rule.NAMED
    if row == "-":
        return Rule.OPEN if kind == "organization" else Rule.ADMINS
    return Rule.SAME if row == "F" else Rule.HIGHER


@pytest.mark.parametrize("kind", TABLES)
def test_each_choice_comes_to_what_the_table_says(kind, world):
    here, projects, users = world
    place = access.project_for(actor(here, users["W", "-"]), projects[kind].id)
    table = TABLES[kind]
    for organization, row in table:
        if (organization, row) == ("-", "-"):
            continue
        outcomes = access.outcomes(place, access.access_of(place, users[organization, row].id))
        assert outcomes.removed is without_row(kind, organization), (organization, row)
        for column, role in LETTERS.items():
            if column != "-" and (organization, column) in table:
                assert outcomes.by_choice[role] is LETTERS[table[organization, column]], (organization, row, column)


def test_previews_of_another_organization_role_agree(world):
    _, _, users = world
    for organization, row in CASES:
        if organization == "-":
            continue
        member = db.session.scalars(
            select(OrganizationMember).where(OrganizationMember.user_id == users[organization, row].id)
        ).one()
        for role, lowering in access.lowering(member).items():
            then = next(letter for letter, other in LETTERS.items() if other is role)
            now = {kind: LETTERS[table[organization, row]] for kind, table in TABLES.items()}
            after = {kind: LETTERS[table[then, row]] for kind, table in TABLES.items()}
            lost = [kind for kind in TABLES if now[kind] and not after[kind]]
            lowered = [kind for kind in TABLES if now[kind] and after[kind] and after[kind] < now[kind]]
            assert (lowering.lost.number, list(lowering.lost.names)) == (len(lost), lost), (organization, row, role)
            assert (lowering.lowered.number, list(lowering.lowered.names)) == (len(lowered), lowered)
        usable = [kind for kind, table in TABLES.items() if table[organization, row] != "-"]
        assert list(access.losses(member).projects.names) == usable


@pytest.mark.parametrize(("kind", "other"), [("organization", "restricted"), ("restricted", "organization")])
def test_previews_of_restricting_and_opening_agree(kind, other, world):
    here, projects, users = world
    place = access.project_for(actor(here, users["W", "-"]), projects[kind].id)
    roles = [(LETTERS[TABLES[kind][case]], LETTERS[TABLES[other][case]]) for case in CASES]
    shift = access.shift(place)
    assert shift.lost.number == len([1 for now, then in roles if now and not then])
    assert shift.gained.number == len([1 for now, then in roles if then and not now])
    assert shift.lowered.number == len([1 for now, then in roles if now and then and then < now])
    assert len(shift.lost.names) == min(3, shift.lost.number)


def test_a_preview_of_archiving_agrees(world):
    here, projects, users = world
    place = access.project_for(actor(here, users["W", "-"]), projects["restricted"].id)
    able = [case for case, letter in TABLES["restricted"].items() if letter in "OAW"]
    paused = access.pause(place)
    assert paused.people.number == len(able)
    assert set(paused.people.names) <= {str(case) for case in able}


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
