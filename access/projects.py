"""Effective roles: what a person can really do on a project, from both levels, in one SQL expression.

Every list and every door uses effective_role(); allows() judges the role that it gave. What would be if something were
otherwise is asked of the same expression, with other values in place of the rows'.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Cast,
    ColumnElement,
    Label,
    Select,
    SQLColumnExpression,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased

from access.somebody import SOMEBODY, told
from models import MemberCount, OrganizationMember, Project, ProjectMember, Role, User, db
from models.identity import Actor
from models.project import OPEN, RESTRICTED

Granter = aliased(User)
NAMED = ProjectMember.id.is_not(None)  # there is a row for the person on the project
People = Select[User, Role, ProjectMember, str, Role | None]


def as_role(role: Role | None) -> Cast[Role | None]:
    """Turn a role into a value that takes the place of a row's in effective_role(); None for no role."""
    return cast(role, OrganizationMember.role.type)


def from_organization(
    access: SQLColumnExpression[str] = Project.access,
    organization_role: SQLColumnExpression[Any] = OrganizationMember.role,
) -> ColumnElement[Role | None]:
    """What the organization role gives on a project: on a restricted one, it counts only for Admins and Owners."""
    return case((or_(access == OPEN, organization_role >= Role.ADMIN), organization_role))


def from_project(
    organization_role: SQLColumnExpression[Any] = OrganizationMember.role,
    named: SQLColumnExpression[bool] = NAMED,
    set_here: SQLColumnExpression[Any] = ProjectMember.role,
) -> ColumnElement[Role | None]:
    """What a row gives: the role set there or, where it follows the organization, the organization role."""
    return case((named, func.coalesce(set_here, organization_role)))


def effective_role(
    access: SQLColumnExpression[str] = Project.access,
    organization_role: SQLColumnExpression[Any] = OrganizationMember.role,
    named: SQLColumnExpression[bool] = NAMED,
    set_here: SQLColumnExpression[Any] = ProjectMember.role,
) -> Label[Role | None]:
    """The rule of DESIGN.md section 3: the higher of what the organization and the project give; NULL if neither.

    For queries that outer join OrganizationMember and ProjectMember to Project. Given other values, it says what the
    role would be with them.

    Args:
        access: who can use the project.
        organization_role: the person's role in the organization.
        named: whether there is a row for them on the project.
        set_here: the role that the row sets; NULL where it follows the organization.
    """
    organization = from_organization(access, organization_role)
    project = from_project(organization_role, named, set_here)
    return func.greatest(organization, project, type_=OrganizationMember.role.type).label("effective")


@dataclass(frozen=True)
class ProjectHere:
    """A project found inside the actor's organization, with the actor's effective role on it."""

    project: Project
    effective: Role

    @property
    def id(self) -> UUID:
        """The project's key."""
        return self.project.id

    @property
    def organization_id(self) -> UUID:
        """The tenant."""
        return self.project.organization_id

    @property
    def archived_at(self) -> datetime | None:
        """When it was archived, if it is."""
        return self.project.archived_at


def visible_projects(actor: Actor) -> Select[Project, Role | None]:
    """Select every project that exists for the actor, with their effective role on it."""
    role = effective_role()
    mine = and_(OrganizationMember.id == actor.member_id, OrganizationMember.user_id == actor.user_id)
    set_here = and_(ProjectMember.project_id == Project.id, ProjectMember.user_id == actor.user_id)
    return (
        select(Project, role)
        .select_from(Project)
        .outerjoin(OrganizationMember, mine)
        .outerjoin(ProjectMember, set_here)
        .where(Project.organization_id == actor.organization_id, role.is_not(None))
    )


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Tell whether a project exists for the actor, as visible_projects() does, for lists of any length.

    PostgreSQL cannot know how many projects an organization has behind row-level security, and would look for a row of
    the actor's on each one by itself. Here their rows are read once, and their role in the organization is given.
    """
    role = as_role(actor.role)
    given = from_organization(organization_role=role).is_not(None)
    return and_(Project.organization_id == actor.organization_id, given | Project.id.in_(named_for(actor)))


def named_for(actor: Actor) -> Select[UUID]:
    """Select the keys of the projects that a row gives the actor a role on."""
    mine = ProjectMember.organization_id == actor.organization_id, ProjectMember.user_id == actor.user_id
    gives = from_project(as_role(actor.role), true(), ProjectMember.role).is_not(None)
    return select(ProjectMember.project_id).where(*mine, gives)


def people_count(actor: Actor) -> ColumnElement[int]:
    """How many people can use a project of the actor's organization: what number_of() has for it, as a column.

    Those whom the organization gives a role are counted once for all open projects and once for all restricted ones.
    """

    def given(access: str) -> ColumnElement[int]:
        return MemberCount.of(actor.organization_id, from_organization(literal(access), MemberCount.role).is_not(None))

    member, row = aliased(OrganizationMember), aliased(ProjectMember)
    same_person = and_(member.organization_id == row.organization_id, member.user_id == row.user_id)
    only_here = row.project_id == Project.id, from_organization(Project.access, member.role).is_(None)
    beside = select(func.count()).select_from(row).outerjoin(member, same_person).where(*only_here)
    by_organization = case((Project.access == OPEN, given(OPEN)), else_=given(RESTRICTED))
    return by_organization + beside.correlate(Project).scalar_subquery()


def project_for(actor: Actor, project_id: UUID, *, lock: bool = False) -> ProjectHere | None:
    """Find a project as the actor sees it; None where it does not exist for them. `lock` as in access_of()."""
    query = _PROJECT.execution_options(populate_existing=lock)
    row = db.session.execute(query, told(actor) | {"project_id": project_id}).one_or_none()
    return ProjectHere(row[0], row[1]) if row and row[1] else None


_PROJECT = visible_projects(SOMEBODY).where(Project.id == bindparam("project_id"))


def roles_on(project_ids: set[UUID], user_ids: set[UUID]) -> dict[tuple[UUID, UUID], Role]:
    """Find the effective roles of some people on some projects of the organization that was entered.

    Returns:
        By project and person. A pair without a role is left out: the project does not exist for that person.
    """
    person = select(func.unnest(literal(list(user_ids), ARRAY(Uuid))).label("id")).subquery()
    member = OrganizationMember.organization_id == Project.organization_id, OrganizationMember.user_id == person.c.id
    role = effective_role()
    query = (
        select(Project.id, person.c.id, role)
        .select_from(Project)
        .join(person, true())
        .outerjoin(OrganizationMember, and_(*member))
        .outerjoin(ProjectMember, and_(ProjectMember.project_id == Project.id, ProjectMember.user_id == person.c.id))
        .where(Project.id == any_(literal(list(project_ids), ARRAY(Uuid))), role.is_not(None))
    )
    return {(project_id, user_id): found for project_id, user_id, found in db.session.execute(query)}


@dataclass(frozen=True)
class Access:
    """One person on one project: their effective role, and where it comes from."""

    user: User
    organization_role: Role | None
    row: ProjectMember | None
    granted_by: str | None
    effective: Role | None

    @property
    def guest(self) -> bool:
        """True for a person who is no member of the organization."""
        return self.organization_role is None

    @property
    def set_here(self) -> Role | None:
        """The role set on the project, if one is."""
        return self.row.role if self.row else None

    @property
    def decides_here(self) -> bool:
        """True where the role set on the project is the one in effect."""
        return self.set_here is not None and self.set_here == self.effective

    @property
    def fixed(self) -> bool:
        """True for an Owner of the organization, whom nothing that is set here gives more or less."""
        return self.organization_role is Role.OWNER


def access_of(here: ProjectHere, user_id: UUID, *, lock: bool = False) -> Access | None:
    """Find one person as the project sees them; None for whoever is neither a member nor a guest on it.

    Args:
        here: the project.
        user_id: the person.
        lock: look again past what the session has loaded, under a lock that the caller holds.
    """
    query = _people(here.project).where(User.id == user_id).execution_options(populate_existing=lock)
    row = db.session.execute(query).one_or_none()
    return Access(*row) if row else None


def concerned(project: Project) -> Select[UUID]:
    """Select the members of the organization and the people with a row on the project, by their users' keys.

    Everything is joined as effective_role() wants it, by keys: PostgreSQL cannot know how many people an organization
    has behind row-level security, and what it takes for a few it would join with each other one by one.
    """
    member, row, guest = aliased(OrganizationMember), aliased(ProjectMember), aliased(ProjectMember)
    here = member.organization_id == project.organization_id
    its_row = and_(row.project_id == project.id, row.user_id == member.user_id)
    no_member = ~exists().where(here, member.user_id == guest.user_id)
    everyone = union_all(
        select(member.user_id, member.id.label("member_id"), row.id.label("row_id"))
        .outerjoin(row, its_row)
        .where(here),
        select(guest.user_id, null(), guest.id).where(guest.project_id == project.id, no_member),
    ).subquery()
    return (
        select(everyone.c.user_id)
        .select_from(everyone)
        .join(Project, Project.id == project.id)
        .outerjoin(OrganizationMember, OrganizationMember.id == everyone.c.member_id)
        .outerjoin(ProjectMember, ProjectMember.id == everyone.c.row_id)
    )


def _people(project: Project) -> People:
    everyone = concerned(project)
    return (
        everyone.join(User, User.id == everyone.selected_columns.user_id)
        .outerjoin(Granter, Granter.id == ProjectMember.granted_by)
        .with_only_columns(User, OrganizationMember.role, ProjectMember, Granter.name, effective_role())
    )
