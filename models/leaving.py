"""Leaving, for a while or for good: what deactivating and deleting an account means for the person's organizations.

These verbs span accounts, organizations and invitations, so they stand apart from each.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import CompoundSelect, exists, func, select, union
from sqlalchemy.orm import aliased

from models import membership, tenant
from models.base import Refusal, db
from models.email_change import EmailChange
from models.farewell import Farewell
from models.invitation import Invitation
from models.known_browser import KnownBrowser
from models.organization import Organization, OrganizationMember
from models.ownership import OwnershipOffer
from models.passkey import Passkey
from models.project import Project, ProjectMember
from models.role import Role
from models.second_factor import SecondFactor
from models.user import FORMER, User


class NoSuccessor(Refusal):
    """The new Owner must be another person, whose account is active."""


def deactivate(user: User, new_owner: User | None = None) -> list[Organization]:
    """Close an account until it is reactivated; it keeps its memberships. Every session and link of it ends at once.

    Args:
        user: whose.
        new_owner: who becomes an Owner, as well, of each organization that would have none left.

    Returns:
        The organizations that the new Owner was given.

    Raises:
        NoSuccessor: the new Owner is the same person, or deactivated.
        LastOwner: by the surrounding transaction; last_owned() names the organizations.
    """
    _enter_organizations(user.id)
    _lock_organizations(user.id)
    given = last_owned(user.id) if new_owner else []
    if new_owner:
        db.session.refresh(new_owner)
        if new_owner.id == user.id or new_owner.deactivated_at:
            raise NoSuccessor
        for organization in given:
            _make_owner(organization, new_owner)
    OwnershipOffer.cancel_of(user.id)
    user.deactivate()
    return given


def give_ownership(organization: Organization, user: User) -> None:
    """Make a person an Owner for the host, a member already or not; the other Owners stay what they are. Twice is once.

    Raises:
        NoSuccessor: the account is deactivated.
    """
    Organization.lock(organization.id)
    db.session.refresh(user, with_for_update={"read": True})
    if user.deactivated_at:
        raise NoSuccessor
    _make_owner(organization, user)


def delete_account(user: User) -> None:
    """End an account for good: all that the person had ends, and what others keep of them names nobody.

    The row stays, because rows of others refer to it; its address is free at once, and is told about it by a last mail.
    Doing it twice is doing it once.

    Raises:
        LastOwner: by the surrounding transaction; last_owned() names the organizations.
    """
    _enter_organizations(user.id)
    _lock_organizations(user.id)
    db.session.refresh(user, with_for_update=True)  # who gives the account a role in this moment waits, or was first
    if user.deactivated_at:
        return
    _enter_organizations(user.id)  # with what whoever was first gave
    for member in db.session.scalars(select(OrganizationMember).where(OrganizationMember.user_id == user.id)).all():
        membership.remove(member)
    as_guest = select(Project).join(ProjectMember, ProjectMember.project_id == Project.id)
    for project in db.session.scalars(as_guest.where(ProjectMember.user_id == user.id)).all():
        project.remove(user.id)
    Invitation.forget(user.id, FORMER)
    Farewell.say(user.email)
    KnownBrowser.forget_all(user.id)
    SecondFactor.forget(user.id)
    Passkey.forget_all(user.id)
    EmailChange.forget_all(user.id)
    user.erase()


@contextmanager
def everywhere(user_id: UUID) -> Iterator[None]:
    """See all of a person's organizations for a while, whoever asks."""
    with tenant.kept():
        _enter_organizations(user_id)
        yield


def last_owned(user_id: UUID) -> list[Organization]:
    """Return the organizations whose only active Owner a person is; inside everywhere()."""
    other = aliased(OrganizationMember)
    another = (
        select(other.id)
        .join(User, User.id == other.user_id)
        .where(other.organization_id == Organization.id, other.role == Role.OWNER, other.user_id != user_id)
        .where(User.deactivated_at.is_(None))
    )
    owned = (
        select(Organization)
        .join(OrganizationMember, OrganizationMember.organization_id == Organization.id)
        .where(OrganizationMember.user_id == user_id, OrganizationMember.role == Role.OWNER)
        .where(Organization.deleted_at.is_(None), ~exists(another))
        .order_by(func.lower(Organization.name), Organization.id)
    )
    return list(db.session.scalars(owned))


def organizations_of(user_id: UUID) -> CompoundSelect[UUID]:
    """Select the keys of the organizations to which a person belongs, or in which they are a guest."""
    return union(
        select(OrganizationMember.organization_id).where(OrganizationMember.user_id == user_id),
        select(ProjectMember.organization_id).where(ProjectMember.user_id == user_id),
    )


def _make_owner(organization: Organization, user: User) -> None:
    here = OrganizationMember.organization_id == organization.id, OrganizationMember.user_id == user.id
    member = db.session.scalar(select(OrganizationMember).where(*here))
    if member and member.role is Role.OWNER:
        return
    if member:
        membership.change_role(member, Role.OWNER, None)
    else:
        organization.admit(user.id, Role.OWNER)


def _enter_organizations(user_id: UUID) -> None:
    tenant.own(user_id, None)
    tenant.enter(*db.session.scalars(organizations_of(user_id)))


def _lock_organizations(user_id: UUID) -> None:
    """Lock all of a person's organizations, in the one order in which whoever locks several must."""
    theirs = select(Organization.id).where(Organization.id.in_(organizations_of(user_id)))
    db.session.execute(theirs.order_by(Organization.id).with_for_update(key_share=True))
