"""What a change of access would end, before it is made: in numbers, and the first few by name.

Each preview is one statement. Effective roles before and after come from effective_role(), and what ends with a
membership from the conditions of the verbs that end it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    SQLColumnExpression,
    Subquery,
    TextClause,
    and_,
    false,
    func,
    literal,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from access.permissions import USE_PROJECT
from access.projects import ProjectHere, as_role, concerned, effective_role, visible_to
from models import (
    Invitation,
    Organization,
    OrganizationMember,
    Project,
    ProjectMember,
    Role,
    User,
    db,
    leaving,
    membership,
)
from models.identity import Actor
from models.invitation import PENDING
from models.project import OPEN, RESTRICTED

SHOWN = 3  # how many are named


class Affected(NamedTuple):
    """How many things or people a change concerns, and the names of the first few."""

    number: int
    names: Sequence[str]


class Lowering(NamedTuple):
    """What another role in the organization would end or lower."""

    lost: Affected  # projects that the person could not use any more
    lowered: Affected  # projects on which they could do less
    invitations: Affected  # that they sent, and that would be revoked

    @property
    def any(self) -> bool:
        """True where there is something to say."""
        return any(affected.number for affected in self)


class Losses(NamedTuple):
    """What ends with a membership."""

    projects: Affected  # that the person can use now
    project_roles: Affected  # by the projects that they are set on
    invitations_sent: Affected
    invitations_to_them: Affected


class Shift(NamedTuple):
    """What it would change if a project were open instead of restricted, or restricted instead of open."""

    lost: Affected  # people who could not use it any more
    lowered: Affected  # people who could do less
    gained: Affected  # people who could use it from then on


class Pause(NamedTuple):
    """What archiving a project stops."""

    people: Affected  # who can change something now
    invitations: Affected  # which do not work until it is restored


class Remains(NamedTuple):
    """What is deleted with a project."""

    roles: int
    guests: int
    invitations: int


class Endings(NamedTuple):
    """What a person loses with their account, in numbers."""

    organizations: int
    projects: int  # that they can use now
    invitations_sent: int
    sessions: int


def lowering(member: OrganizationMember) -> dict[Role, Lowering]:
    """Say what each role in the organization would end for a member who got it."""
    rows = _with_each_role(member)
    asked: list[ColumnElement[Any]] = []
    for role in Role:
        after = rows.c[role.name]
        sent = _sent(membership.sent_above(member, role))
        asked += [_affected(rows, after.is_(None)), _affected(rows, after < rows.c.now), sent]
    found = _read(select(*asked).select_from(rows))
    return {role: Lowering(*found[3 * n : 3 * n + 3]) for n, role in enumerate(Role)}


def losses(member: OrganizationMember) -> Losses:
    """Say what would end with a membership."""
    usable = _in_order(select(Project.name).where(visible_to(_standing(member))))
    set_on = select(Project.name).join(ProjectMember, ProjectMember.project_id == Project.id).where(*_rows_of(member))
    to_them = select(Project.name).join(Invitation, Invitation.project_id == Project.id)
    asked = [
        _all_of(usable),
        _all_of(_in_order(set_on)),
        _sent(membership.sent_above(member, None)),
        _all_of(_in_order(to_them.where(membership.to_projects(member)))),
    ]
    return Losses(*_read(select(*asked)))


def shift(here: ProjectHere) -> Shift:
    """Say what it would change if who can use a project were the other of the two."""
    other = literal(OPEN if here.project.restricted else RESTRICTED)
    columns = effective_role().label("now"), effective_role(access=other).label("then")
    rows = _by_key(here, *columns)
    now, then = rows.c.now, rows.c.then
    return Shift(*_people(rows, then.is_(None) & now.is_not(None), then < now, now.is_(None) & then.is_not(None)))


def pause(here: ProjectHere) -> Pause:
    """Say what would stop if a project were archived."""
    rows = _by_key(here, effective_role().label("now"))
    waiting = Invitation.project_id == here.id, text(PENDING), Invitation.expires_at > func.now()
    people, invitations = _people(rows, rows.c.now >= USE_PROJECT.least, also=[_sent(*waiting)])
    return Pause(people, invitations)


def remains(here: ProjectHere) -> Remains:
    """Say what would be deleted with a project."""
    rows = select(func.count()).select_from(ProjectMember).where(ProjectMember.project_id == here.id)
    member = (OrganizationMember.organization_id == here.organization_id) & (
        OrganizationMember.user_id == ProjectMember.user_id
    )
    waiting = select(func.count()).select_from(Invitation).where(Invitation.project_id == here.id, text(PENDING))
    counts = rows, rows.where(~select(OrganizationMember.id).where(member).exists()), waiting
    return Remains(*db.session.execute(select(*(count.scalar_subquery() for count in counts))).one())


def endings(user_id: UUID) -> Endings:
    """Say what would end with an account; inside leaving.everywhere()."""
    live = Organization.id.in_(leaving.organizations_of(user_id)), Organization.deleted_at.is_(None)
    member = OrganizationMember.organization_id == Project.organization_id, OrganizationMember.user_id == user_id
    set_on = ProjectMember.project_id == Project.id, ProjectMember.user_id == user_id
    usable = (
        select(func.count())
        .select_from(Project)
        .join(Organization, Organization.id == Project.organization_id)
        .outerjoin(OrganizationMember, and_(*member))
        .outerjoin(ProjectMember, and_(*set_on))
        .where(*live, effective_role().is_not(None))
    )
    counts = (
        select(func.count()).select_from(Organization).where(*live),
        usable,
        select(func.count()).select_from(Invitation).where(Invitation.invited_by == user_id, text(PENDING)),
    )
    asked: Select[Any] = select(*(count.scalar_subquery() for count in counts), func.sessions_of(user_id))
    return Endings(*db.session.execute(asked).one())


def _standing(member: OrganizationMember) -> Actor:
    return Actor(member.user_id, member.organization_id, member.role, member.id)


def _rows_of(member: OrganizationMember) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Their rows on projects of the organization."""
    return ProjectMember.organization_id == member.organization_id, ProjectMember.user_id == member.user_id


def _with_each_role(member: OrganizationMember) -> Subquery:
    """What a member's projects are called, their effective role `now`, and the one with each role in the organization.

    The projects with a row for them and the others are read apart, for the reason that visible_to() has.
    """
    roles = {"now": member.role} | {role.name: role for role in Role}

    def of(named: ColumnElement[bool], set_here: SQLColumnExpression[Any]) -> Select[*tuple[Any, ...]]:
        columns = (
            effective_role(Project.access, as_role(role), named, set_here).label(name) for name, role in roles.items()
        )
        return select(Project.name, *columns)

    mine = _rows_of(member)
    named = of(true(), ProjectMember.role).join(ProjectMember, ProjectMember.project_id == Project.id).where(*mine)
    here = Project.organization_id == member.organization_id
    others = of(false(), as_role(None)).where(here, Project.id.not_in(select(ProjectMember.project_id).where(*mine)))
    rows = union_all(named, others).subquery()
    return select(rows).where(rows.c.now.is_not(None)).order_by(func.lower(rows.c.name)).subquery()


def _in_order(names: Select[*tuple[Any, ...]]) -> Subquery:
    """Rows with a project's name, as the names shall come."""
    return names.order_by(func.lower(Project.name)).subquery()


def _by_key(here: ProjectHere, *columns: ColumnElement[Any]) -> Subquery:
    """Everybody concerned by a project, who came first, first."""
    everyone = concerned(here.project)
    return everyone.add_columns(*columns).order_by(everyone.selected_columns.user_id).subquery()


def _affected(rows: Subquery, which: ColumnElement[bool]) -> ColumnElement[Any]:
    """Count rows and take the first names, in the order in which they come: all of it in one pass."""
    return func.json_build_array(func.count().filter(which), _first(rows.c.name, which))


def _first(column: ColumnElement[Any], which: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.array_agg(column, type_=ARRAY(column.type)).filter(which)[1:SHOWN]


def _all_of(rows: Subquery) -> ColumnElement[Any]:
    return select(_affected(rows, true())).select_from(rows).scalar_subquery()


def _sent(*which: ColumnElement[bool] | TextClause) -> ColumnElement[Any]:
    """Invitations, by their addresses."""
    return _all_of(select(Invitation.email.label("name")).where(*which).order_by(Invitation.id).subquery())


def _people(rows: Subquery, *which: ColumnElement[bool], also: Sequence[ColumnElement[Any]] = ()) -> list[Affected]:
    """Count people and name the first, for each condition. The accounts are only looked at for the names."""
    keys = [_first(rows.c.user_id, one).label(f"keys{n}") for n, one in enumerate(which)]
    counts = [func.count().filter(one).label(f"count{n}") for n, one in enumerate(which)]
    found = select(*keys, *counts).select_from(rows).cte("found")
    names = func.array_agg(aggregate_order_by(User.name, User.id), type_=ARRAY(User.name.type))
    named = [
        func.json_build_array(
            found.c[f"count{n}"],
            select(names).where(User.id == func.any(found.c[f"keys{n}"])).scalar_subquery(),
        )
        for n in range(len(which))
    ]
    return _read(select(*named, *also).select_from(found))


def _read(query: Select[*tuple[Any, ...]]) -> list[Affected]:
    return [Affected(number, names or ()) for number, names in db.session.execute(query).one()]
