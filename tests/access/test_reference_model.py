"""The application and the reference model answer every operation alike, in whatever order (PROMISES.md P3)."""

import logging
from collections.abc import Collection
from copy import deepcopy
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from models import Role
from tests.access.conftest import PEOPLE, ROLES, id_of, listed
from tests.access.model import ADMIN, FOLLOWS, OPERATOR, OWNER, VIEWER, Invitation, Organization, Project, World
from tests.factories import PASSWORD

log = logging.getLogger("freehold.proofs")  # shown with --log-cli-level=INFO

START = {
    "north": Organization(
        {"amara": OWNER, "ravi": OWNER, "sven": ADMIN, "kofi": OPERATOR, "hana": VIEWER},
        {"atlas": Project(rows={"hana": OPERATOR}), "borealis": Project(True, rows={"lena": OPERATOR, "kofi": ADMIN})},
    ),
    "harbour": Organization({"mateo": OWNER, "lena": ADMIN, "ravi": VIEWER}, {"comet": Project(rows={"ines": ADMIN})}),
}
PROJECTS = ("atlas", "borealis", "comet", "delta")
SEQUENCE = 30  # operations at most (PROMISES.md P3)

ORGANIZATION, PROJECT = "/orgs/{place}", "/orgs/{place}/projects/{project}"
GETS = {
    "see_home": ORGANIZATION,
    "see_projects": f"{ORGANIZATION}/projects",
    "see_people": f"{ORGANIZATION}/people",
    "see_settings": f"{ORGANIZATION}/settings",
    "see_invitations": f"{ORGANIZATION}/people/invitations",
    "see_project": PROJECT,
    "see_access": f"{PROJECT}/access",
}
POSTS: dict[str, tuple[str, dict[str, str]]] = {
    "change_role": (f"{ORGANIZATION}/people/{{member}}/role", {"role": "{role}"}),
    "remove": (f"{ORGANIZATION}/people/{{member}}/remove", {}),
    "leave": (f"{ORGANIZATION}/settings/leave", {}),
    "rename": (f"{ORGANIZATION}/settings", {"name": "{place}", "slug": "{place}"}),
    "delete_organization": (f"{ORGANIZATION}/settings/delete", {"confirm": "{place}", "current_password": PASSWORD}),
    "restore_organization": ("/orgs/deleted/{organization}/restore", {}),
    "create_project": (f"{ORGANIZATION}/projects/new", {"name": "{name}", "access": "{access}"}),
    "edit": (f"{PROJECT}/edit", {"name": "{name}", "description": "Edited"}),
    "limit": (f"{PROJECT}/edit", {"name": "{name}", "access": "{access}"}),
    "archive": (f"{PROJECT}/archive", {}),
    "restore": (f"{PROJECT}/restore", {}),
    "delete_project": (f"{PROJECT}/delete", {"confirm": "{name}"}),
    "set_role": (f"{PROJECT}/access/{{user}}", {"role": "{role}", "inherit": "{inherit}"}),
    "unset": (f"{PROJECT}/access/{{user}}/remove", {}),
    "invite": (f"{ORGANIZATION}/people/invite", {"emails": "{email}", "role": "{role}", "project": "{invited_to}"}),
    "resend": (f"{ORGANIZATION}/people/invitations/{{invitation}}/resend", {}),
    "revoke": (f"{ORGANIZATION}/people/invitations/{{invitation}}/revoke", {}),
    "accept": ("/orgs/invitations/{invitation}/accept", {}),
    "decline": ("/orgs/invitations/{invitation}/decline", {}),
}
IN = "JOIN organizations o ON o.id = organization_id"
KEPT = {
    "organizations": "SELECT slug, deleted_at IS NOT NULL FROM organizations",
    "members": f"SELECT slug, user_id, role::text FROM organization_members {IN}",
    "projects": f"SELECT slug, p.name, access = 'restricted', archived_at IS NOT NULL FROM projects p {IN}",
    "rows": """SELECT slug, p.name, r.user_id, coalesce(r.role::text, '') FROM project_members r
               JOIN projects p ON p.id = project_id JOIN organizations o ON o.id = p.organization_id""",
    "invitations": f"""SELECT slug, (SELECT id FROM users u WHERE u.email_key = i.email_key), role::text, invited_by,
                       CASE WHEN accepted_at IS NOT NULL THEN 'accepted' WHEN revoked_at IS NOT NULL THEN 'revoked'
                            WHEN declined_at IS NOT NULL THEN 'declined' WHEN replaced_at IS NOT NULL THEN 'replaced'
                            ELSE 'pending' END FROM invitations i {IN}""",
}
OFTEN = ("change_role", "remove", "set_role", "unset", "invite", "accept")  # what the rules are mostly about
WHAT = (*GETS, *POSTS, *3 * OFTEN)
TAKES = {  # what an operation is about, beside who asks and where
    **dict.fromkeys(("see_project", "see_access", "edit", "archive", "restore", "delete_project"), ("project",)),
    **dict.fromkeys(("create_project", "limit"), ("project", "restricted")),
    **dict.fromkeys(("resend", "revoke", "accept", "decline"), ("number",)),
    "change_role": ("person", "role"),
    "remove": ("person",),
    "set_role": ("project", "person", "role"),
    "unset": ("project", "person"),
    "invite": ("person", "role", "project"),
}


class Operation(NamedTuple):
    what: str
    actor: str  # "": whom the invitation is for
    place: str
    hx: bool
    person: str = ""
    role: int = VIEWER
    project: str = ""
    number: int = 0
    restricted: bool = False
    invitation: Invitation | None = None


def some(what: str, place: str) -> st.SearchStrategy[Operation]:
    """One operation there, in half of the cases by and about those who belong there."""
    concerned = (*START[place].members, *PEOPLE)
    values = {
        "what": st.just(what),
        "actor": st.sampled_from(("", *concerned) if what in ("accept", "decline") else concerned),
        "place": st.just(place),
        "hx": st.booleans(),
        "person": st.sampled_from(concerned),
        "role": st.integers(FOLLOWS if what == "set_role" else VIEWER, OWNER),
        "project": st.sampled_from((*PROJECTS, "") if what == "invite" else PROJECTS),
        "number": st.integers(0, 9),
        "restricted": st.booleans(),
    }
    taken = ("what", "actor", "place", "hx", *TAKES.get(what, ()))
    return st.fixed_dictionaries({name: values[name] for name in taken}).map(lambda given: Operation(**given))


class Product:
    """The application, asked by HTTP and looked at by SQL."""

    def __init__(self, people: Any, users: Any, lay: Any, query: Any) -> None:
        self.people, self.users, self.query = people, users, query
        self.ids: list[Any] = []  # of the invitations, as the model counts them
        self.lay = lay

    def begin(self) -> None:
        self.lay(START)
        self.ids = []

    def do(self, op: Operation, number: int | None) -> Any:
        """Ask; the browser itself looks at whatever page it is given."""
        person, names = self.people[op.actor], self.names_of(op, number)
        self.query("DELETE FROM rate_limits")  # how much, and how often, is another promise
        if op.what in GETS:
            return person.get(GETS[op.what].format(**names), hx=op.hx)
        path, fields = POSTS[op.what]
        given = {name: value.format(**names) for name, value in fields.items()}
        return person.post(path.format(**names), hx=op.hx, **given)

    def names_of(self, op: Operation, number: int | None) -> dict[str, Any]:
        here, user = id_of(op.place), self.users.get(op.person)
        found = "SELECT id FROM projects WHERE organization_id = %(here)s AND name = %(name)s"
        project = self.one(found, here=here, name=op.project)
        member = "SELECT id FROM organization_members WHERE organization_id = %(here)s AND user_id = %(user)s"
        return {
            "place": op.place,
            "organization": here,
            "project": project,
            "invited_to": project if op.project else "",
            "name": op.project,
            "user": user.id if user else "",
            "email": user.email if user else "",
            "member": self.one(member, here=here, user=user.id) if user else "",
            "invitation": uuid4() if number is None else self.ids[number],
            "role": ROLES[op.role],
            "inherit": "1" if op.role == FOLLOWS else "",
            "access": "restricted" if op.restricted else "organization",
        }

    def one(self, found: str, **values: Any) -> Any:
        """The key that is found, or one that never existed."""
        return next((row[0] for row in self.query(found, **values)), None) or uuid4()

    def note_invitations(self) -> None:
        """Keep the keys of new invitations, in the order in which they were made."""
        self.ids += [row[0] for row in self.query("SELECT id FROM invitations ORDER BY id") if row[0] not in self.ids]

    def kept(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that the model speaks of, as the database has it."""
        names = {user.id: name for name, user in self.users.items()}
        rows = {what: self.query(found) for what, found in KEPT.items()}
        return {what: sorted(tuple(names.get(cell, cell) for cell in row) for row in rows[what]) for what in rows}


def expected(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """The same, as the model has it."""
    places = world.organizations.items()
    projects = [(place, name, project) for place, here in places for name, project in here.projects.items()]
    return {
        "organizations": sorted((place, here.deleted) for place, here in places),
        "members": sorted((place, who, ROLES[role]) for place, here in places for who, role in here.members.items()),
        "projects": sorted((place, name, project.restricted, project.archived) for place, name, project in projects),
        "rows": sorted(
            (place, name, who, ROLES[role]) for place, name, project in projects for who, role in project.rows.items()
        ),
        "invitations": sorted((one.place, one.person, ROLES[one.role], one.by, one.state) for one in world.invitations),
    }


class Sequence(RuleBasedStateMachine):
    """Asks both, and compares."""

    product: Product
    asked: list[Operation]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(deepcopy(START))
        self.product.begin()

    @rule(op=st.tuples(st.sampled_from(WHAT), st.sampled_from(tuple(START))).flatmap(lambda chosen: some(*chosen)))
    def ask(self, op: Operation) -> None:
        self.asked.append(op)
        op, number = self.resolved(op)
        seen = self.seen(op)
        answer = self.product.do(op, number)
        assert (200 if answer.status_code == 303 else answer.status_code) == self.world.do(op)
        self.product.note_invitations()
        if seen is not None and answer.status_code == 200:
            assert listed(answer.text) == {name: ROLES[role] for name, role in seen.items()}

    def resolved(self, op: Operation) -> tuple[Operation, int | None]:
        """Say which invitation is meant, and who answers it."""
        waiting = self.world.invitations
        number = op.number % len(waiting) if waiting else None
        one = None if number is None else waiting[number]
        op = op._replace(invitation=one, actor=op.actor or (one.person if one else "ines"))
        return (op._replace(place=one.place) if one and op.what in ("accept", "decline") else op), number

    def seen(self, op: Operation) -> dict[str, int] | None:
        """What a list must show, if it is one that the actor may see."""
        here = self.world.organizations[op.place]
        if op.what == "see_projects" or (op.what == "see_home" and op.actor not in here.members):
            return here.projects_of(op.actor)
        if op.what == "see_access" and op.project in here.projects:
            return here.people_on(here.projects[op.project], op.actor)
        return here.members if op.what == "see_people" else None

    def teardown(self) -> None:
        """At the end everybody looks at their projects; and the database has what the model has."""
        for place in START:
            for actor in PEOPLE:
                self.ask(Operation("see_projects", actor, place, hx=False))
        assert self.product.kept() == expected(self.world)


def compare(product: Product, examples: int, phases: Collection[Phase] = tuple(Phase)) -> int:
    """Run so many sequences; returns how many operations were asked."""
    asked: list[Operation] = []
    run_state_machine_as_test(
        type("Sequence", (Sequence,), {"product": product, "asked": asked}),
        settings=settings(
            max_examples=examples,
            phases=phases,
            stateful_step_count=SEQUENCE,
            derandomize=True,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
    log.info("%d operations, all answered alike", len(asked))
    return len(asked)


@pytest.fixture
def product(people: Any, users: Any, lay: Any, query: Any) -> Product:
    return Product(people, users, lay, query)


def test_every_operation_is_answered_as_the_model_says(product):
    assert compare(product, examples=25) > 700


@pytest.mark.long
def test_ten_thousand_operations_are_answered_as_the_model_says(product):
    assert compare(product, examples=350) > 10_000


def test_a_rank_that_is_forgotten_is_noticed(product, monkeypatch):
    """The control: with one comparison left out of the application, the two disagree."""
    monkeypatch.setattr(Role, "may_give", lambda self, _role: self >= Role.ADMIN)
    with pytest.raises(AssertionError):
        compare(product, examples=200, phases=[Phase.generate])
