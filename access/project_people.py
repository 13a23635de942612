"""Who can use a project, as a list of any length shows it: whom a row names there, and whom their role lets in.

The directory has the organization's members in their order, so no more of them is read than is shown. What a list is
read by are keys; as_access() adds to a page of them all that Access wants to know.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, ScalarSelect, Select, and_, exists, func, literal, select, union_all

from access.projects import Granter, People, ProjectHere, as_role, effective_role, from_organization
from models import Listed, MemberCount, OrganizationMember, Project, ProjectMember, Role, User
from models.identity import Actor

# Given what is searched, the role set here and the effective one: the conditions on which somebody is shown.
Narrow = Callable[[Any, Any, Any], Sequence[ColumnElement[bool]]]


def people_of(
    here: ProjectHere, actor: Actor, narrow: Narrow, reach: ColumnElement[int] | int
) -> Select[*tuple[Any, ...]]:
    """Select the keys of those who can use a project: `user_id`, `effective` and `search_text`.

    A guest sees only people with a row there.

    Args:
        here: the project.
        actor: who looks.
        narrow: whom to show.
        reach: how many are looked at, at most: the page's rows, and those before it.
    """
    named = _named(here).add_columns(User.search_text, effective_role()).where(effective_role().is_not(None))
    named = named.where(*narrow(User.search_text, ProjectMember.role, effective_role()))
    if actor.role is None:
        return named
    unnamed = _unnamed(here).where(Listed.role >= _least(here)).add_columns(Listed.role)
    unnamed = unnamed.where(*narrow(Listed.search_text, as_role(None), Listed.role))
    first = unnamed.order_by(Listed.role.desc(), Listed.search_text, Listed.user_id).limit(reach)
    return select(union_all(named, select(first.subquery())).subquery("everyone"))


def number_of(here: ProjectHere) -> ScalarSelect[int]:
    """Return the query for how many can use a project: those that people_of() has, unless it is narrowed."""
    everyone = MemberCount.of(here.organization_id, MemberCount.role >= _least(here))
    lets_in = from_organization(literal(here.project.access), OrganizationMember.role)
    beside = func.count().filter(effective_role().is_not(None), lets_in.is_(None))
    return _named(here).with_only_columns(beside + everyone).scalar_subquery()


def candidates(here: ProjectHere, narrow: Narrow) -> Select[*tuple[Any, ...]]:
    """Select the keys of the members for whom nothing is set on a project: `user_id` and `search_text`."""
    return _unnamed(here).where(*narrow(Listed.search_text, as_role(None), Listed.role))


def as_access(here: ProjectHere, keys: FromClause) -> People:
    """Select the columns of Access for the people whose keys these are."""
    same = keys.c.user_id
    member = and_(OrganizationMember.organization_id == here.organization_id, OrganizationMember.user_id == same)
    row = and_(ProjectMember.project_id == here.id, ProjectMember.user_id == same)
    return (
        select(User, OrganizationMember.role, ProjectMember, Granter.name, effective_role())
        .select_from(keys)
        .join(User, User.id == same)
        .join(Project, Project.id == here.id)
        .outerjoin(OrganizationMember, member)
        .outerjoin(ProjectMember, row)
        .outerjoin(Granter, Granter.id == ProjectMember.granted_by)
    )


def _named(here: ProjectHere) -> Select[*tuple[Any, ...]]:
    """Those with a row on the project, joined as effective_role() wants it."""
    member = and_(
        OrganizationMember.organization_id == ProjectMember.organization_id,
        OrganizationMember.user_id == ProjectMember.user_id,
    )
    return (
        select(ProjectMember.user_id)
        .join(User, User.id == ProjectMember.user_id)
        .join(Project, Project.id == ProjectMember.project_id)
        .outerjoin(OrganizationMember, member)
        .where(ProjectMember.project_id == here.id)
    )


def _unnamed(here: ProjectHere) -> Select[*tuple[Any, ...]]:
    """The members without a row on the project."""
    row = exists().where(ProjectMember.project_id == here.id, ProjectMember.user_id == Listed.user_id)
    keys = select(Listed.user_id, Listed.search_text)
    return keys.where(Listed.organization_id == here.organization_id, ~row)


def _least(here: ProjectHere) -> Role:
    """The least role in the organization that lets somebody in by itself, as from_organization() has it."""
    return Role.ADMIN if here.project.restricted else Role.VIEWER
