"""What a host looks up, whoever's it is: people, organizations, and where a person belongs."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from models import leaving
from models.base import db
from models.organization import Organization, OrganizationMember
from models.role import Role
from models.session import Session
from models.user import User


def people(words: str, most: int) -> list[User]:
    """Find accounts by a part of the name or address, whatever the case and accents.

    Args:
        words: the part.
        most: of them.
    """
    found = select(User).where(func.strpos(User.search_text, func.fold(words)) > 0)
    return list(db.session.scalars(found.order_by(User.email_key).limit(most)))


def organizations(connection: Connection, words: str, most: int) -> list[Row[Any]]:
    """Find organizations by a part of the name or address, the deleted ones too.

    Args:
        connection: the owner's, which sees every tenant.
        words: the part.
        most: of them.

    Returns:
        Their name, slug and deleted_at.
    """
    called = func.fold(Organization.name + " " + Organization.slug)
    columns = Organization.name, Organization.slug, Organization.deleted_at
    found = select(*columns).where(func.strpos(called, func.fold(words)) > 0)
    return list(connection.execute(found.order_by(func.lower(Organization.name), Organization.id).limit(most)))


def places(user_id: UUID) -> list[Row[Any]]:
    """Return the organizations of a person: name, slug and role, which is None for a guest."""
    mine = (OrganizationMember.organization_id == Organization.id) & (OrganizationMember.user_id == user_id)
    columns = Organization.name, Organization.slug, OrganizationMember.role
    found = select(*columns).outerjoin(OrganizationMember, mine).order_by(Organization.slug)
    with leaving.everywhere(user_id):
        return list(db.session.execute(found.where(Organization.id.in_(leaving.organizations_of(user_id)))))


def members(organization_id: UUID) -> dict[Role, int]:
    """Count the members of an organization that was entered, by role, from the highest down."""
    here = OrganizationMember.organization_id == organization_id
    counts = select(OrganizationMember.role, func.count()).where(here).group_by(OrganizationMember.role)
    found = db.session.execute(counts.order_by(OrganizationMember.role.desc()))
    return {role: number for role, number in found.all()}  # noqa: C416 - rows are no pairs to mypy


def owners(organization_id: UUID) -> list[User]:
    """Return the Owners of an organization that was entered, those whose account is closed too."""
    here = OrganizationMember.organization_id == organization_id, OrganizationMember.role == Role.OWNER
    found = select(User).join(OrganizationMember, OrganizationMember.user_id == User.id).where(*here)
    return list(db.session.scalars(found.order_by(User.email_key)))


def logged_in(connection: Connection) -> Sequence[UUID]:
    """Return who has a living session, on the owner's connection: the web role does not read sessions."""
    return connection.scalars(select(Session.user_id).where(Session.expire > func.now()).distinct()).all()
