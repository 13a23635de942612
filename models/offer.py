"""Offers: an invitation together with the organization and the person behind it, which it is only worth with."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, func, select, text

from models import link
from models.base import db
from models.invitation import COPIED, MAILED, PENDING, CannotAccept, Invitation, State
from models.organization import Organization, OrganizationMember
from models.project import Project
from models.role import Role
from models.user import User


class Offer(NamedTuple):
    """An invitation with all that decides what it is worth."""

    invitation: Invitation
    organization: Organization
    project: Project | None
    inviter: User
    inviter_role: Role | None
    state: State
    mailed: bool  # the link was mailed, so whoever holds it reads that address's mail

    def accept(self, user: User) -> OrganizationMember:
        """Join. The organization is locked, then the invitation, and both are looked at again: of many, one joins.

        Raises:
            CannotAccept: with the state that it is in.
            AlreadyMember: by the surrounding transaction; the membership and the invitation stay as they are.
        """
        self.organization.lock()
        self.invitation.hold()
        present = Offer.of(self.invitation.id)
        if present is None or present.state is not State.PENDING:
            raise CannotAccept(present.state if present else State.GONE)
        self.invitation.accepted_at, self.invitation.accepted_by = func.now(), user.id
        return self.organization.admit(user.id, self.invitation.role)

    @classmethod
    def of(cls, invitation_id: UUID) -> "Offer | None":
        """Look at an invitation as it is now."""
        row = db.session.execute(_offers.where(Invitation.id == invitation_id)).one_or_none()
        return cls._made(row, mailed=True) if row else None

    @classmethod
    def find(cls, token_text: str) -> "Offer | None":
        """Return the offer that a link carries; None if we never made that link."""
        token = link.read(token_text)
        offer = token and cls.of(token.id)
        if not token or not offer:
            return None
        purpose = next((p for p in (MAILED, COPIED) if link.proves(token, p, offer.invitation.nonce)), None)
        return offer._replace(mailed=purpose == MAILED) if purpose else None

    @classmethod
    def waiting_for(cls, user_id: UUID, email_key: str) -> "list[Offer]":
        """Return what can be accepted by the account with this (proven) address."""
        mine = select(OrganizationMember.organization_id).where(OrganizationMember.user_id == user_id)
        rows = db.session.execute(
            _offers.where(
                Invitation.email_key == email_key, text(PENDING), Invitation.organization_id.not_in(mine)
            ).order_by(Invitation.id)
        )
        offers = [cls._made(row, mailed=True) for row in rows]
        return [offer for offer in offers if offer.state is State.PENDING]

    @classmethod
    def _made(cls, row: Row[Any], *, mailed: bool) -> "Offer":
        state = row.Invitation.state(row.now)
        if row.Organization.deleted_at or (state is State.PENDING and not _stands(row)):
            state = State.GONE
        return cls(row.Invitation, row.Organization, row.Project, row.User, row.inviter_role, state, mailed)


def _stands(row: Row[Any]) -> bool:
    """Tell whether its sender could still send it. One to a project must never become a membership."""
    able = row.inviter_role is not None and row.inviter_role.may_give(row.Invitation.role)
    return able and row.User.deactivated_at is None and row.Invitation.project_id is None


# Always as the database has it now: an offer is looked at again under a lock.
_offers = (
    select(
        Invitation,
        Organization,
        Project,
        User,
        OrganizationMember.role.label("inviter_role"),
        func.clock_timestamp().label("now"),
    )
    .join(Organization, Organization.id == Invitation.organization_id)
    .outerjoin(Project, Project.id == Invitation.project_id)
    .join(User, User.id == Invitation.invited_by)
    .outerjoin(
        OrganizationMember,
        (OrganizationMember.organization_id == Invitation.organization_id)
        & (OrganizationMember.user_id == Invitation.invited_by),
    )
    .execution_options(populate_existing=True)
)
