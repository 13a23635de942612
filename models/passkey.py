"""Passkeys: what a person's device proves by a private key that never leaves it, after it knew its owner.

We keep the public half alone: a dump of the database logs nobody in.
"""

from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from models import audit
from models.audit.actions import PASSKEY_ADDED, PASSKEY_REMOVED, Action
from models.base import Base, Record, Refusal, db
from models.outgoing_mail import OutgoingMail
from models.user import User

MOST = 20  # of one person; somebody with more has lost count of them


class PasskeyTaken(Refusal):
    """This passkey is here already."""

    constraint = "uq_passkeys_credential_id"


class Passkey(Record, Base):
    """One public key of a person, by the name that they gave it."""

    __tablename__ = "passkeys"
    __table_args__ = (
        UniqueConstraint("credential_id", name="uq_passkeys_credential_id"),
        Index("ix_passkeys_user_id", "user_id"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    credential_id: Mapped[bytes]
    public_key: Mapped[bytes]  # COSE
    sign_count: Mapped[int] = mapped_column(BigInteger)  # of a device that counts; 0 of one that does not
    name: Mapped[str]
    last_used_at: Mapped[datetime | None]

    @classmethod
    def of_person(cls, user_id: UUID) -> list[Self]:
        """Return a person's, the first one first."""
        return list(db.session.scalars(select(cls).where(cls.user_id == user_id).order_by(cls.id)))

    @classmethod
    def find(cls, credential_id: bytes) -> tuple[Self, User] | None:
        """Return the passkey that a device calls so, and whose active account it opens."""
        active = (User.id == cls.user_id) & User.deactivated_at.is_(None)
        row = db.session.execute(select(cls, User).join(User, active).where(cls.credential_id == credential_id)).first()
        return (row[0], row[1]) if row else None

    @classmethod
    def add(cls, user: User, credential_id: bytes, public_key: bytes, sign_count: int, name: str) -> None:
        """Let a device log a person in. Who has too many already, gets no more.

        Raises:
            PasskeyTaken: by the surrounding transaction; a device's key opens one account.
        """
        db.session.refresh(user, with_for_update=True)
        if len(cls.of_person(user.id)) >= MOST:
            raise PasskeyTaken(f"You have {MOST} passkeys. Remove one first.")
        key = cls(user_id=user.id, credential_id=credential_id, public_key=public_key, sign_count=sign_count, name=name)
        db.session.add(key)
        _note(user, PASSKEY_ADDED, "passkey_added")

    def use(self, sign_count: int) -> bool:
        """Note that it was used. False where its count did not grow: a copy of it is about, or it was sent twice.

        Args:
            sign_count: as the device says now; 0 of one that does not count.
        """
        grows = (Passkey.sign_count < sign_count) | ((Passkey.sign_count == 0) & (sign_count == 0))
        values = {"sign_count": sign_count, "last_used_at": func.now()}
        used = update(Passkey).where(Passkey.id == self.id, grows).values(values).returning(Passkey.id)
        return db.session.scalar(used) is not None

    def remove(self) -> None:
        """Let the device log nobody in any more. Removing twice is one removal."""
        removed = db.session.scalar(delete(Passkey).where(Passkey.id == self.id).returning(Passkey.id))
        if removed:
            _note(db.session.get_one(User, self.user_id), PASSKEY_REMOVED, "passkey_removed")

    @classmethod
    def forget_all(cls, user_id: UUID) -> None:
        """Keep none of an account that ends."""
        db.session.execute(delete(cls).where(cls.user_id == user_id))


def _note(user: User, action: Action, mail: str) -> None:
    audit.proven(user.id)
    audit.note(action, user_id=user.id, subject=user.id)
    OutgoingMail.queue(mail, user.id)
