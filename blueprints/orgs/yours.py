"""Which organizations exist for a person: as a member, as a guest, or deleted and theirs to restore."""

from typing import Any
from uuid import UUID

from flask import g
from sqlalchemy import Select, and_, func, or_, select, union

import access
from config import RESTORABLE, settings
from models import Invitation, Organization, OrganizationMember, ProjectMember, db
from models.identity import Viewer

SHORTLIST = 10
ONLY_THE_HOST = "On this host, organizations are created by whoever runs it. Ask them for one."


def may_create() -> bool:
    """Tell whether people may create organizations here, or only the host's command may."""
    return settings().org_creation == "anyone"


def all_of(user_id: UUID) -> Select[*tuple[Any, ...]]:
    """Select a person's organizations by name, the deleted ones that they may restore last.

    The columns are those of an organization, the person's role, how many members it has and, for a guest, how many
    projects they have a role on.
    """
    members = func.members_of_mine(Organization.id)
    return (
        _visible(user_id)
        .add_columns(members.label("members"), _projects_of_guest(user_id).label("projects"))
        .where(or_(Organization.deleted_at.is_(None), and_(_owned(), _recently_deleted())))
    )


def first() -> list[Any]:
    """Return the first few of the viewer's organizations, for the switcher."""
    here = _visible(g.identity.viewer.id).where(Organization.deleted_at.is_(None))
    return list(db.session.execute(here.limit(SHORTLIST)).all())


def restorable(organization_id: UUID) -> Organization | None:
    """Find a deleted organization that can still be restored, as it is now."""
    return db.session.scalar(
        select(Organization)
        .where(Organization.id == organization_id, _recently_deleted())
        .execution_options(populate_existing=True)
    )


def was_invited(viewer: Viewer, invitation_id: UUID) -> bool:
    """Tell whether an invitation once was for this person, whatever became of it."""
    asked = select(Invitation.id).where(Invitation.id == invitation_id, Invitation.email_key == viewer.email_key)
    return viewer.email_verified and db.session.scalar(asked) is not None


def _visible(user_id: UUID) -> Select[*tuple[Any, ...]]:
    mine = union(
        select(OrganizationMember.organization_id).where(OrganizationMember.user_id == user_id),
        select(ProjectMember.organization_id).where(ProjectMember.user_id == user_id),
    ).subquery()
    membership = and_(OrganizationMember.organization_id == Organization.id, OrganizationMember.user_id == user_id)
    return (
        select(Organization.id, Organization.name, Organization.slug, Organization.deleted_at, OrganizationMember.role)
        .join(mine, mine.c.organization_id == Organization.id)
        .outerjoin(OrganizationMember, membership)
        .order_by(Organization.deleted_at.is_not(None), func.lower(Organization.name), Organization.id)
    )


def _projects_of_guest(user_id: UUID) -> Any:
    rows = ProjectMember.organization_id == Organization.id, ProjectMember.user_id == user_id
    return select(func.count()).where(*rows).correlate(Organization).scalar_subquery()


def _owned() -> Any:
    return OrganizationMember.role >= access.OWN_ORGANIZATION.least


def _recently_deleted() -> Any:
    return Organization.deleted_at > func.now() - RESTORABLE
