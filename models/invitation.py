"""Invitations: offers of a role, by an email link."""

import secrets
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from config import INVITATION_LIFE, REVOCATION_UNDONE_WITHIN
from models import audit, link, tenant
from models.audit.actions import (
    INVITATION_DECLINED,
    INVITATION_LINK_MADE,
    INVITATION_RESTORED,
    INVITATION_REVOKED,
    INVITATION_SENT,
    INVITATION_SENT_AGAIN,
    Action,
)
from models.base import Base, Record, db
from models.invitation_rows import issue
from models.invitation_state import ENDS, MAY_BECOME, AlreadyInvited, CannotAccept, State
from models.outgoing_mail import OutgoingMail
from models.role import Role
from models.text import Address

MAILED, COPIED = "invitation-mailed", "invitation-copied"  # a mailed link proves its address, a copied one nothing
PENDING = "accepted_at IS NULL AND revoked_at IS NULL AND declined_at IS NULL AND replaced_at IS NULL"


class Invitation(Record, Base):
    """An offer of a role in an organization, or to a guest on one of its projects."""

    __tablename__ = "invitations"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "organization_id"],
            ["projects.id", "projects.organization_id"],
            ondelete="SET NULL (project_id)",  # its links are answered as withdrawn, by a trigger of the migrations
        ),
        Index("ix_invitations_project_id", "project_id", postgresql_where=text("project_id IS NOT NULL")),
        CheckConstraint("num_nonnulls(accepted_at, revoked_at, declined_at, replaced_at) <= 1", name="one_end"),
        CheckConstraint("restorable_until IS NULL OR revoked_at IS NOT NULL", name="restorable_revoked"),
        Index(
            "uq_invitations_pending",
            "organization_id",
            "project_id",
            "email_key",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text(PENDING),
        ),
        Index("ix_invitations_email_key", "email_key"),
        Index("ix_invitations_accepted_by", "accepted_by", postgresql_where=text("accepted_by IS NOT NULL")),
        Index("ix_invitations_invited_by", "organization_id", "invited_by"),
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
    restorable_until: Mapped[datetime | None]
    declined_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]  # when a new one was asked for, by the holder of the expired link

    @classmethod
    def issue(
        cls,
        organization_id: UUID,
        address: Address,
        role: Role,
        invited_by: UUID,
        message: str = "",
        project_id: UUID | None = None,
    ) -> Self:
        """Invite one address; see issue_all()."""
        (id,) = cls.issue_all(organization_id, [address], role, invited_by, message, project_id)
        return db.session.get_one(cls, id)

    @classmethod
    def issue_all(
        cls,
        organization_id: UUID,
        addresses: list[Address],
        role: Role,
        invited_by: UUID,
        message: str = "",
        project_id: UUID | None = None,
    ) -> list[UUID]:
        """Invite addresses into an organization or, as guests, to one of its projects, and queue their mail.

        It takes one statement however many there are. An expired invitation of the same address to the same place makes
        way; that is looked for only where something is in the way.

        Returns:
            The keys of the invitations.

        Raises:
            AlreadyInvited: a live one waits for one of them.
        """
        terms = {"role": role.name, "message": message, "invited_by": invited_by, "life": INVITATION_LIFE}
        place = {"organization_id": organization_id, "project_id": project_id, **terms}
        issued = issue(addresses, place)
        if missing := [address for address in addresses if address.key not in issued]:
            same = cls.organization_id == organization_id, cls.email_key.in_([address.key for address in missing])
            cls.end_all(State.REPLACED, *same, cls.project_id == project_id, cls.expires_at <= func.now())
            issued |= issue(missing, place)
            if len(issued) < len(addresses):
                raise AlreadyInvited
        ids = [issued[address.key] for address in addresses]
        for id in ids:
            after = {"role": role.name}
            audit.note(INVITATION_SENT, organization_id=organization_id, project_id=project_id, subject=id, after=after)
        return ids

    def again(self, by: UUID, *, mailed: bool = True) -> "Invitation":
        """Replace the invitation by a fresh one: new link, new expiry, from whoever sends it again.

        Args:
            by: the user who sends it.
            mailed: False where the link is to be copied by hand.

        Raises:
            CannotAccept: it is not pending any more; told under a lock on its row.
        """
        self._end(State.REPLACED)
        db.session.flush()
        fresh = Invitation(organization_id=self.organization_id, project_id=self.project_id, role=self.role)
        fresh.email, fresh.email_key = self.email, self.email_key
        fresh._send(by, self.message, mailed=mailed)
        fresh.note(INVITATION_SENT_AGAIN if mailed else INVITATION_LINK_MADE, replaces=str(self.id))
        return fresh

    def _send(self, by: UUID, message: str, *, mailed: bool = True) -> Self:
        """Add the row with a link and a life of its own, and queue its mail."""
        self.invited_by, self.message = by, message
        self.nonce, self.expires_at = secrets.token_bytes(32), func.now() + INVITATION_LIFE
        db.session.add(self)
        db.session.flush()
        if mailed:
            OutgoingMail.queue("invitation", self.id, self.organization_id)
        return self

    @staticmethod
    def forget(user_id: UUID, called: str) -> None:
        """Take a person out of every invitation that came to its end, in whatever organization it was.

        Args:
            user_id: whose account ends; their address counts as theirs if they proved it.
            called: what stands in its place.
        """
        db.session.execute(select(func.forget_invitations(user_id, called)))

    def revoke(self) -> None:
        """Withdraw it; for a while, it can be restored. Revoking twice is one revocation."""
        try:
            self._end(State.REVOKED)
        except CannotAccept as over:
            if over.state is not State.REVOKED:
                raise
        else:
            self.restorable_until = func.now() + REVOCATION_UNDONE_WITHIN
            self.note(INVITATION_REVOKED)

    def restore(self) -> None:
        """Take back that it was withdrawn: the link that was mailed works again. Restoring twice is one restoration.

        Raises:
            CannotAccept: it was withdrawn too long ago, or ended otherwise; told under a lock on its row.
            AlreadyInvited: by the surrounding transaction, if another one waits for its address.
        """
        state = self._lock()
        if state in MAY_BECOME:
            return
        if not db.session.scalar(select(literal(self.restorable_until) > func.now())):
            raise CannotAccept(state)
        self.revoked_at = self.restorable_until = None
        self.note(INVITATION_RESTORED)

    def decline(self) -> None:
        """Say no."""
        self._end(State.DECLINED)
        self.note(INVITATION_DECLINED)

    def note(self, action: Action, **more: str) -> None:
        """Note an event about this invitation."""
        audit.note(
            action,
            organization_id=self.organization_id,
            project_id=self.project_id,
            subject=self.id,
            after={"role": self.role.name} | more,
        )

    def hold(self, end: State) -> None:
        """Lock the row until the transaction ends, inside its tenant, and make sure that it may come to an end.

        Raises:
            CannotAccept: from where it stands, nothing leads there.
        """
        state = self._lock()
        if end not in MAY_BECOME.get(state, ()):
            raise CannotAccept(state)

    def _lock(self) -> State:
        tenant.enter(self.organization_id)
        db.session.refresh(self, with_for_update=True)
        return self.state(db.session.scalars(select(func.clock_timestamp())).one())

    def _end(self, end: State) -> None:
        self.hold(end)
        setattr(self, f"{end.value}_at", func.now())

    @classmethod
    def end_all(cls, end: State, *which: ColumnElement[bool]) -> list[UUID]:
        """Bring those of many that may come to an end to it, in one statement.

        Returns:
            The keys of those that it came to.
        """
        late = cls.expires_at <= func.now()
        standing = {State.PENDING: ~late, State.EXPIRED: late}
        may = or_(*(condition for state, condition in standing.items() if end in MAY_BECOME[state]))
        ended = update(cls).where(text(PENDING), may, *which).values({f"{end.value}_at": func.now()})
        return list(db.session.scalars(ended.returning(cls.id)))

    def state(self, now: datetime) -> State:
        """Tell where the row stands by itself; whether inviter and organization still stand is asked apart.

        Args:
            now: the database's time.
        """
        over = next((end for end in ENDS if getattr(self, f"{end.value}_at")), None)
        return over or (State.EXPIRED if self.expires_at <= now else State.PENDING)

    def link_text(self, purpose: str) -> str:
        """The token as a link carries it, mailed or copied."""
        return link.make(purpose, self.id, self.nonce)
