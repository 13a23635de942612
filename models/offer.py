"""Offers: an invitation together with the organization and the person behind it, which it is only worth with."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, func, or_, select, text

from models import audit, link, membership, tenant
from models.audit.actions import GUEST_JOINED, INVITATION_ASKED_AGAIN
from models.base import db
from models.invitation import COPIED, MAILED, PENDING, Invitation
from models.invitation_state import MAY_BECOME, CannotAccept, State
from models.organization import Organization, OrganizationMember
from models.outgoing_mail import OutgoingMail
from models.project import Project, ProjectMember
from models.role import Role
from models.user import User

ASK_AGAIN_AFTER = timedelta(days=1)  # whoever holds an expired link may ask its sender this often


class Offer(NamedTuple):
    """An invitation with all that decides what it is worth."""

    invitation: Invitation
    organization: Organization
    project: Project | None
    inviter: User
    inviter_role: Role | None
    state: State
    mailed: bool  # the link was mailed, so whoever holds it reads that address's mail
    asked: bool  # its sender was asked for a new one within the last day

    @property
    def place(self) -> str:
        """Where it leads, in words: "Northfield", or "Billing pipeline in Northfield"."""
        return f"{self.project.name} in {self.organization.name}" if self.project else self.organization.name

    @property
    def welcome(self) -> str:
        """What to tell who accepted it. On a project their role may be higher than the one that was offered."""
        return (
            f"You joined {self.place}." if self.project else f"You joined {self.place} as {self.invitation.role.label}."
        )

    @property
    def already(self) -> str:
        """Say kindly that there is nothing to join."""
        return f"You joined {self.place} already." if self.project else f"You are a member of {self.place} already."

    def accept(self, user: User) -> OrganizationMember | None:
        """Join. The organization is locked, then the invitation, and both are looked at again: of many, one joins.

        One to a project gives the role there, and no membership. It raises what the person has there, or leaves it.

        Returns:
            The membership; None for an invitation to a project.

        Raises:
            CannotAccept: with the state that it is in.
            AlreadyMember: by the surrounding transaction; the membership and the invitation stay as they are.
        """
        Organization.lock(self.organization.id)
        self.invitation.hold(State.ACCEPTED)
        present = Offer.of(self.invitation.id)
        if present is None or present.state is not State.PENDING:
            raise CannotAccept(present.state if present else State.GONE)
        if not user.hold():
            raise CannotAccept(State.GONE)
        audit.proven(user.id)
        row = self.invitation
        row.accepted_at, row.accepted_by = func.now(), user.id
        if present.project:
            membership.raise_on_project(present.project, user.id, row.role, row.invited_by)
            self._note_guest(user)
            return None
        return self.organization.admit(user.id, row.role, row.invited_by, row.id)

    def _note_guest(self, user: User) -> None:
        row = self.invitation
        audit.note(
            GUEST_JOINED,
            organization_id=row.organization_id,
            subject=user.id,
            project_id=row.project_id,
            after={"role": row.role.name, "invitation": str(row.id)},
        )

    def ask_again(self) -> None:
        """Ask its sender for a new one, by mail: once a day, however often it is asked.

        Raises:
            CannotAccept: it has not expired, or its sender could not send another.
        """
        self.invitation.hold(State.REPLACED)
        present = Offer.of(self.invitation.id)
        if present is None or present.state is not State.EXPIRED:
            raise CannotAccept(present.state if present else State.GONE)
        if not present.asked:
            self.invitation.asked_at = func.now()
            self.invitation.note(INVITATION_ASKED_AGAIN)
            OutgoingMail.queue("invitation_asked", self.invitation.id, self.invitation.organization_id)

    @classmethod
    def of(cls, invitation_id: UUID) -> "Offer | None":
        """Enter an invitation's tenant, and look at it as it is now."""
        organization_id = db.session.scalar(select(func.organization_of_invitation(invitation_id)))
        if organization_id is None:
            return None
        tenant.enter(organization_id)
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
        waiting = Invitation.email_key == email_key, text(PENDING)
        inviting = db.session.scalars(select(Invitation.organization_id).where(*waiting).distinct()).all()
        if not inviting:
            return []
        with tenant.inside(*inviting):
            return cls._waiting_in(user_id, email_key)

    @classmethod
    def _waiting_in(cls, user_id: UUID, email_key: str) -> "list[Offer]":
        """The same, once the organizations that invite were entered."""
        mine = select(OrganizationMember.organization_id).where(OrganizationMember.user_id == user_id)
        new = or_(Invitation.organization_id.not_in(mine), Invitation.project_id.is_not(None))
        waiting = _offers.where(Invitation.email_key == email_key, text(PENDING), new)
        rows = db.session.execute(waiting.order_by(Invitation.id))
        offers = [cls._made(row, mailed=True) for row in rows]
        return [offer for offer in offers if offer.state is State.PENDING]

    @classmethod
    def _made(cls, row: Row[Any], *, mailed: bool) -> "Offer":
        state = row.Invitation.state(row.now)
        if row.Organization.deleted_at or (state in MAY_BECOME and not _stands(row)):
            state = State.GONE
        asked = row.Invitation.asked_at is not None and row.Invitation.asked_at > row.now - ASK_AGAIN_AFTER
        return cls(row.Invitation, row.Organization, row.Project, row.User, row.inviter_role, state, mailed, asked)


def _stands(row: Row[Any]) -> bool:
    """Tell whether its sender could still send it."""
    invites = row.inviter_role is not None and row.inviter_role.may_give(Role.VIEWER)
    able = invites and row.User.deactivated_at is None and row.inviter_effective >= row.Invitation.role
    return able and (row.Project is None or row.Project.archived_at is None)


# Always as the database has it now: an offer is looked at again under a lock.
_offers = (
    select(
        Invitation,
        Organization,
        Project,
        User,
        OrganizationMember.role.label("inviter_role"),
        # Whoever may invite is at least an Admin, whose organization role counts on every project.
        func.greatest(OrganizationMember.role, ProjectMember.role, type_=OrganizationMember.role.type).label(
            "inviter_effective"
        ),
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
    .outerjoin(
        ProjectMember,
        (ProjectMember.project_id == Invitation.project_id) & (ProjectMember.user_id == Invitation.invited_by),
    )
    .execution_options(populate_existing=True)
)
