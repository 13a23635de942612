"""Mail to send: a row in the transaction of the change it reports. runtime.mailer delivers it."""

from datetime import datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Uuid, delete, func, insert, literal, select, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Record, db

LEASE = timedelta(minutes=2)  # how long a worker may take for one mail before another takes it over
QUEUED = "state = 'queued'"  # as text, for a plan that is made for any state would not use the index of this one
GIVE_UP = timedelta(days=3)  # how long we try; longer than a weekend, shorter than an invitation lives


class Queue(NamedTuple):
    """How many mails wait, how many of them have failed before, and for how many seconds the oldest has waited."""

    waiting: int
    failing: int
    oldest: float


class OutgoingMail(Record, Base):
    """One mail: which message, about which row. Never its text or link, which are made when it is sent."""

    __tablename__ = "outgoing_mail"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'sent', 'failed', 'dropped')", name="state"),
        Index("ix_outgoing_mail_due", "due_at", postgresql_where=text(QUEUED)),
        Index("ix_outgoing_mail_subject_id", "subject_id"),
        Index(
            "ix_outgoing_mail_organization_id",
            "organization_id",
            postgresql_where=text("organization_id IS NOT NULL"),
        ),
    )

    message: Mapped[str]
    subject_id: Mapped[UUID]
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(server_default=text("'queued'"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]

    @classmethod
    def queue(cls, message: str, subject_id: UUID, organization_id: UUID | None = None) -> Self:
        """Write a mail in the current transaction; a worker is told when that commits.

        Args:
            message: its name in emails/messages.py.
            subject_id: the key of the row that it is about.
            organization_id: whose thing that is, with which the mail ends.
        """
        mail = cls(message=message, subject_id=subject_id, organization_id=organization_id)
        db.session.add(mail)
        return mail

    @classmethod
    def queue_all(cls, message: str, subject_ids: list[UUID], organization_id: UUID) -> None:
        """Write the same message about many rows of an organization, in one statement."""
        each = literal(message), literal(organization_id), func.unnest(literal(subject_ids, ARRAY(Uuid)))
        columns = ["message", "organization_id", "subject_id"]
        db.session.execute(insert(cls).from_select(columns, select(*each)))

    @classmethod
    def claim(cls) -> Self | None:
        """Take the next mail that is due, under a lease: if this worker dies, another takes it when that ends."""
        mail = db.session.scalar(
            select(cls)
            .where(text(QUEUED), cls.due_at <= func.clock_timestamp())
            .order_by(cls.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if mail:
            mail.attempts += 1
            mail.due_at = func.clock_timestamp() + LEASE
        return mail

    @classmethod
    def seconds_to_next(cls) -> float | None:
        """Return the seconds until a mail is due (negative if one is overdue); None if none waits."""
        return db.session.scalar(
            select(func.extract("epoch", func.min(cls.due_at) - func.clock_timestamp())).where(text(QUEUED))
        )

    @classmethod
    def waiting(cls) -> Queue:
        """Look at the mail that waits to be sent."""
        age = func.extract("epoch", func.clock_timestamp() - func.min(cls.created_at))
        columns = func.count(), func.count(cls.last_error), func.coalesce(age, 0)
        waiting, failing, oldest = db.session.execute(select(*columns).where(text(QUEUED))).one()
        return Queue(waiting, failing, float(oldest))

    def sent(self) -> None:
        """Note that the mail server took it."""
        self.state, self.sent_at, self.last_error = "sent", func.clock_timestamp(), None

    def dropped(self) -> None:
        """Note that it made no sense any more when its turn came: revoked, used, or the person is gone."""
        self.state = "dropped"

    def failed(self, error: str, retry_after: timedelta | None) -> None:
        """Note a failure.

        Args:
            error: the server's words.
            retry_after: when to try again; None gives up.
        """
        self.last_error = error[:500]
        if retry_after is None:
            self.state = "failed"
        else:
            self.due_at = func.clock_timestamp() + retry_after

    @classmethod
    def latest(cls, state: str, most: int) -> list[Self]:
        """Return the mails in a state, the newest first."""
        return list(db.session.scalars(select(cls).where(cls.state == state).order_by(cls.id.desc()).limit(most)))

    def send_again(self) -> bool:
        """Queue a mail once more that came to its end, whichever; False for one that waits, or is on its way."""
        db.session.refresh(self, with_for_update=True)
        if self.state == "queued":
            return False
        self.state, self.attempts, self.due_at = "queued", 0, func.clock_timestamp()
        return True

    @classmethod
    def purge(cls, state: str) -> int:
        """Delete the mails in a state, and with them what is known of their delivery; returns how many."""
        return len(db.session.scalars(delete(cls).where(cls.state == state).returning(cls.id)).all())
