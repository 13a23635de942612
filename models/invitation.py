"""Invitations: offers of a role, by an email link."""

import secrets
from datetime import datetime
from enum import Enum
from typing import Self
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, func, insert, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from config import INVITATION_LIFE
from models import link
from models.base import Base, Record, Refusal, db
from models.outgoing_mail import OutgoingMail
from models.role import Role
from models.text import Address

MAILED, COPIED = "invitation-mailed", "invitation-copied"  # a mailed link proves its address, a copied one nothing
PENDING = "accepted_at IS NULL AND revoked_at IS NULL AND declined_at IS NULL AND replaced_at IS NULL"


class State(Enum):
    """Where an invitation stands. Only a pending one can be accepted."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    REPLACED = "replaced"
    EXPIRED = "expired"
    GONE = "gone"  # the organization, or the inviter's right to give this role, is no more


class AlreadyInvited(Refusal):
    """This address has an invitation already."""

    constraint = "uq_invitations_pending"


class CannotAccept(Refusal):
    """This invitation cannot be accepted any more."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state


class Invitation(Record, Base):
    """An offer of a role in an organization, or to a guest on one of its projects."""

    __tablename__ = "invitations"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "organization_id"], ["projects.id", "projects.organization_id"], ondelete="CASCADE"
        ),
        CheckConstraint("num_nonnulls(accepted_at, revoked_at, declined_at, replaced_at) <= 1", name="one_end"),
        Index(
            "uq_invitations_pending",
            "organization_id",
            "project_id",
            "email_key",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text(PENDING),
        ),
        Index("ix_invitations_email_key", "email_key", postgresql_where=text(PENDING)),
        Index("ix_invitations_invited_by", "organization_id", "invited_by", postgresql_where=text(PENDING)),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    project_id: Mapped[UUID | None]
    email: Mapped[str]
    email_key: Mapped[str]
    role: Mapped[Role]
    message: Mapped[str] = mapped_column(server_default=text("''"))
    nonce: Mapped[bytes]
    invited_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    revoked_at: Mapped[datetime | None]
    declined_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]

    @classmethod
    def issue(cls, organization_id: UUID, address: Address, role: Role, invited_by: UUID, message: str = "") -> Self:
        """Invite one address; see issue_all()."""
        (id,) = cls.issue_all(organization_id, [address], role, invited_by, message)
        return db.session.get_one(cls, id)

    @classmethod
    def issue_all(
        cls, organization_id: UUID, addresses: list[Address], role: Role, invited_by: UUID, message: str = ""
    ) -> list[UUID]:
        """Invite addresses and queue their mail, in three statements however many there are.

        An expired invitation of the same address makes way.

        Returns:
            The keys of the invitations.

        Raises:
            AlreadyInvited: by the surrounding transaction, if a live one waits for one of them.
        """
        same = cls.organization_id == organization_id, cls.email_key.in_([address.key for address in addresses])
        expired = cls.project_id.is_(None), cls.expires_at <= func.now(), text(PENDING)
        db.session.execute(update(cls).where(*same, *expired).values(replaced_at=func.now()))
        shared = {"organization_id": organization_id, "role": role, "message": message, "invited_by": invited_by}
        issued = insert(cls).values(expires_at=func.now() + INVITATION_LIFE, **shared).returning(cls.id)
        rows = [{"email": a.typed, "email_key": a.key, "nonce": secrets.token_bytes(32)} for a in addresses]
        ids = list(db.session.scalars(issued, rows))
        OutgoingMail.queue_all("invitation", ids)
        return ids

    def again(self, by: UUID, *, mailed: bool = True) -> "Invitation":
        """Replace the invitation by a fresh one: new link, new expiry, from whoever sends it again.

        Args:
            by: the user who sends it.
            mailed: False where the link is to be copied by hand.

        Raises:
            CannotAccept: it is not pending any more; told under a lock on its row.
        """
        self.hold(State.EXPIRED)
        self.replaced_at = func.now()
        db.session.flush()
        fresh = Invitation(organization_id=self.organization_id, project_id=self.project_id, role=self.role)
        fresh.email, fresh.email_key = self.email, self.email_key
        return fresh._send(by, self.message, mailed=mailed)

    def _send(self, by: UUID, message: str, *, mailed: bool = True) -> Self:
        """Add the row with a link and a life of its own, and queue its mail."""
        self.invited_by, self.message = by, message
        self.nonce, self.expires_at = secrets.token_bytes(32), func.now() + INVITATION_LIFE
        db.session.add(self)
        db.session.flush()
        if mailed:
            OutgoingMail.queue("invitation", self.id)
        return self

    def revoke(self) -> None:
        """Withdraw it. Revoking twice is one revocation."""
        if self.hold(State.EXPIRED, State.REVOKED) is not State.REVOKED:
            self.revoked_at = func.now()

    def decline(self) -> None:
        """Say no."""
        self.hold()
        self.declined_at = func.now()

    def hold(self, *also: State) -> State:
        """Lock the row until the transaction ends and look at it again.

        Returns:
            Its state: pending, or one of `also`.

        Raises:
            CannotAccept: it is in another state.
        """
        db.session.refresh(self, with_for_update=True)
        state = self.state(db.session.scalars(select(func.clock_timestamp())).one())
        if state is not State.PENDING and state not in also:
            raise CannotAccept(state)
        return state

    def state(self, now: datetime) -> State:
        """Tell where the row stands by itself; whether inviter and organization still stand is asked apart.

        Args:
            now: the database's time.
        """
        ends = {
            State.ACCEPTED: self.accepted_at,
            State.DECLINED: self.declined_at,
            State.REVOKED: self.revoked_at,
            State.REPLACED: self.replaced_at,
        }
        over = next((state for state, moment in ends.items() if moment), None)
        return over or (State.EXPIRED if self.expires_at <= now else State.PENDING)

    def link_text(self, purpose: str) -> str:
        """The token as a link carries it, mailed or copied."""
        return link.make(purpose, self.id, self.nonce)
