"""Ownership of an organization: an Owner offers it to a member, who has to accept."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Row, Select, func, select, text, update
from sqlalchemy.orm import Mapped, aliased, mapped_column

from models import audit, membership
from models.audit.actions import (
    OWNERSHIP_ACCEPTED,
    OWNERSHIP_CANCELLED,
    OWNERSHIP_DECLINED,
    OWNERSHIP_OFFERED,
    Action,
)
from models.base import Base, Record, Refusal, db
from models.organization import Organization, OrganizationMember
from models.outgoing_mail import OutgoingMail
from models.role import Role
from models.user import User

OPEN = "accepted_at IS NULL AND declined_at IS NULL AND cancelled_at IS NULL"
ENDS = ("accepted", "declined", "cancelled")  # each has a column: <end>_at


class AlreadyOffered(Refusal):
    """Ownership is offered to somebody already. Cancel that first."""

    constraint = "uq_ownership_offers_open"


class NoNominee(Refusal):
    """Choose a member whose account is active and who is no Owner yet."""

    field = "member"


class OfferOver(Refusal):
    """This offer of ownership came to its end."""


class OwnershipOffer(Record, Base):
    """An offer of ownership. Whoever leaves takes it along, by its foreign keys.

    A change of role that it cannot stand on cancels it, by a trigger of the migrations.
    """

    __tablename__ = "ownership_offers"
    __table_args__ = (
        *(
            ForeignKeyConstraint(
                ["organization_id", person],
                ["organization_members.organization_id", "organization_members.user_id"],
                ondelete="CASCADE",
            )
            for person in ("nominee_id", "offered_by")
        ),
        CheckConstraint("num_nonnulls(accepted_at, declined_at, cancelled_at) <= 1", name="end"),
        CheckConstraint("nominee_id <> offered_by", name="people"),
        Index("uq_ownership_offers_open", "organization_id", unique=True, postgresql_where=text(OPEN)),
        Index("ix_ownership_offers_organization_id", "organization_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    nominee_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    offered_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    former_role: Mapped[Role]  # what the one who offers will be
    accepted_at: Mapped[datetime | None]
    declined_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]

    @classmethod
    def offer(cls, organization_id: UUID, member_id: UUID, former_role: Role, by: UUID) -> Self:
        """Offer ownership to a member, and tell both by mail.

        Args:
            organization_id: of what.
            member_id: the nominee's membership.
            former_role: the role that who offers takes when it is accepted; OWNER stays one too.
            by: the Owner who offers.

        Raises:
            NoNominee: they are no member any more, an Owner already, or deactivated.
            AlreadyOffered: by the surrounding transaction.
        """
        Organization.lock(organization_id)
        found = db.session.execute(nominees(organization_id).where(OrganizationMember.id == member_id)).one_or_none()
        if found is None:
            raise NoNominee
        offer = cls(organization_id=organization_id, nominee_id=found.User.id, offered_by=by, former_role=former_role)
        db.session.add(offer)
        db.session.flush()
        offer._note(OWNERSHIP_OFFERED, {"role": former_role.name})
        offer._tell("ownership_offered", "ownership_offer_made")
        return offer

    def accept(self) -> None:
        """Make the nominee an Owner and give who offered it their new role, both or neither; tell both by mail.

        Raises:
            OfferOver: it came to its end, or one of the two is no longer who they were when it was made.
        """
        self._hold()
        nominee, sender = (self._active_member(id) for id in (self.nominee_id, self.offered_by))
        if nominee is None or sender is None or not sender.role.may_give(Role.OWNER):
            raise OfferOver
        self._end("accepted", OWNERSHIP_ACCEPTED)
        membership.change_role(nominee, Role.OWNER, self.offered_by)
        if sender.role is not self.former_role:
            membership.change_role(sender, self.former_role, self.offered_by)
        self._tell("ownership_taken", "ownership_given")

    def decline(self) -> None:
        """Say no, and tell who offered it.

        Raises:
            OfferOver: it came to its end before.
        """
        self._hold()
        self._end("declined", OWNERSHIP_DECLINED)
        self._tell("ownership_declined")

    def cancel(self) -> None:
        """Take it back, and tell the nominee.

        Raises:
            OfferOver: it came to its end before.
        """
        self._hold()
        self._end("cancelled", OWNERSHIP_CANCELLED)
        self._tell("ownership_cancelled")

    @property
    def end(self) -> str | None:
        """What it came to; None while it is open."""
        return next((end for end in ENDS if getattr(self, f"{end}_at")), None)

    @classmethod
    def latest(cls, organization_id: UUID) -> Self | None:
        """Return the open offer of an organization, or else the one before."""
        return db.session.scalar(
            select(cls).where(cls.organization_id == organization_id).order_by(cls.id.desc()).limit(1)
        )

    @classmethod
    def waiting(cls) -> Select[*tuple[Any, ...]]:
        """Select the open offers with the names of the two, as a banner tells them."""
        nominee, sender = aliased(User), aliased(User)
        return (
            select(cls.id, cls.organization_id, cls.nominee_id, cls.offered_by, cls.former_role)
            .add_columns(nominee.name.label("nominee"), sender.name.label("sender"))
            .join(nominee, nominee.id == cls.nominee_id)
            .join(sender, sender.id == cls.offered_by)
            .where(text(OPEN))
        )

    @classmethod
    def waiting_in(cls, organization_id: UUID) -> Row[Any] | None:
        """Return the open offer of an organization as waiting() selects it; None where there is none."""
        return db.session.execute(cls.waiting().where(cls.organization_id == organization_id)).one_or_none()

    @classmethod
    def cancel_of(cls, user_id: UUID) -> None:
        """Cancel what a person whose account ends offered, and what was offered to them."""
        theirs = (cls.offered_by == user_id) | (cls.nominee_id == user_id)
        ending = update(cls).where(theirs, text(OPEN)).values(cancelled_at=func.now())
        for offer in db.session.execute(ending.returning(cls.organization_id, cls.nominee_id)).all():
            audit.note(OWNERSHIP_CANCELLED, organization_id=offer.organization_id, subject=offer.nominee_id)

    def _hold(self) -> None:
        """Lock the organization, and make sure that the offer is still open in it."""
        Organization.lock(self.organization_id)
        organization = db.session.get_one(Organization, self.organization_id, populate_existing=True)
        db.session.refresh(self)
        if self.end or organization.deleted_at:
            raise OfferOver

    def _active_member(self, user_id: UUID) -> OrganizationMember | None:
        """Find one of the two, with the account locked before the directory's row, as a rename locks them."""
        found = _active_members(self.organization_id).where(User.id == user_id).with_for_update(read=True, of=User)
        return db.session.scalar(found.execution_options(populate_existing=True))

    def _end(self, end: str, action: Action) -> None:
        """Write the end at once: of an open offer, the change of roles that follows would make a cancelled one."""
        setattr(self, f"{end}_at", func.now())
        db.session.flush()
        self._note(action)

    def _note(self, action: Action, after: audit.Facts | None = None) -> None:
        audit.note(action, organization_id=self.organization_id, subject=self.nominee_id, after=after)

    def _tell(self, *messages: str) -> None:
        for message in messages:
            OutgoingMail.queue(message, self.id, self.organization_id)


def nominees(organization_id: UUID) -> Select[OrganizationMember, User]:
    """Select the members to whom ownership can be offered, each with the account."""
    return _active_members(organization_id).where(OrganizationMember.role < Role.OWNER)


def _active_members(organization_id: UUID) -> Select[OrganizationMember, User]:
    return (
        select(OrganizationMember, User)
        .join(User, User.id == OrganizationMember.user_id)
        .where(OrganizationMember.organization_id == organization_id, User.deactivated_at.is_(None))
    )
