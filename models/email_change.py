"""Changing the address of an account: the new one proves itself, and the old one can take it back for a week."""

import secrets
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, delete, func, select, update
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from config import CONFIRMATION_LIFE, EMAIL_UNDONE_WITHIN
from models import audit, link
from models.audit.actions import EMAIL_CHANGE_ASKED, EMAIL_CHANGE_UNDONE, EMAIL_CHANGED, Action
from models.base import Base, Record, db
from models.known_browser import KnownBrowser
from models.outgoing_mail import OutgoingMail
from models.passkey import Passkey
from models.second_factor import SecondFactor
from models.text import Address
from models.token import OneTimeToken
from models.user import User

CONFIRM, UNDO = "email-change", "email-undo"  # what a link is for: the new address's, the old address's
WAITING = "confirmed_at IS NULL AND ended_at IS NULL"


class EmailChange(Record, Base):
    """One change that somebody asked for. It waits, then it was made, and may be taken back; or it ended."""

    __tablename__ = "email_changes"
    __table_args__ = (
        Index("uq_email_changes_waiting", "user_id", unique=True, postgresql_where=sql(WAITING)),
        Index("ix_email_changes_user_id", "user_id"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    email: Mapped[str]
    email_key: Mapped[str]
    former_email: Mapped[str]
    former_email_key: Mapped[str]
    nonce: Mapped[bytes]
    expires_at: Mapped[datetime]  # of the link that there is: to confirm it, and later to take it back
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @classmethod
    def ask(cls, user: User, address: Address) -> None:
        """Mail a link to the new address, and tell the old one. What was asked for before ends.

        The same for an address with an account: its owner is told that somebody tried.
        """
        db.session.refresh(user, with_for_update=True)
        cls.cancel(user.id)
        change = cls(user_id=user.id, email=address.typed, email_key=address.key, nonce=secrets.token_bytes(32))
        change.former_email, change.former_email_key = user.email, user.email_key
        change.expires_at = func.now() + CONFIRMATION_LIFE
        db.session.add(change)
        db.session.flush()
        _note(user, EMAIL_CHANGE_ASKED)
        OutgoingMail.queue("email_change", change.id)
        OutgoingMail.queue("email_change_asked", change.id)

    @classmethod
    def take(cls, user: User, address: Address) -> None:
        """Change it at once, on a host without mail.

        Raises:
            EmailTaken: by the surrounding transaction, if the address has an account.
        """
        db.session.refresh(user, with_for_update=True)
        user.email, user.email_key, user.email_verified_at = address.typed, address.key, None
        OneTimeToken.end_all(user.id)
        _note(user, EMAIL_CHANGED)

    def send_again(self) -> bool:
        """Mail a new link to the new address; the earlier one stops working. False if it waits no more."""
        link = {"nonce": secrets.token_bytes(32), "expires_at": func.now() + CONFIRMATION_LIFE}
        waits = update(EmailChange).where(EmailChange.id == self.id, sql(WAITING))
        if not db.session.scalar(waits.values(link).returning(EmailChange.id)):
            return False
        OutgoingMail.queue("email_change", self.id)
        return True

    @classmethod
    def waiting(cls, user_id: UUID) -> Self | None:
        """Return the change that a person's new address has not confirmed yet, also when that is too late."""
        return db.session.scalar(select(cls).where(cls.user_id == user_id, sql(WAITING)))

    @classmethod
    def cancel(cls, user_id: UUID) -> None:
        """End the one that waits, if one does."""
        waits = update(cls).where(cls.user_id == user_id, sql(WAITING))
        db.session.execute(waits.values(ended_at=func.now()))

    @classmethod
    def find(cls, purpose: str, token: str) -> Self | None:
        """Return the change that a link confirms or, for UNDO, takes back; None if it does no more."""
        claimed = link.read(token)
        if claimed is None:
            return None
        made = cls.confirmed_at.is_not(None) if purpose == UNDO else cls.confirmed_at.is_(None)
        alive = cls.ended_at.is_(None), cls.expires_at > func.clock_timestamp()
        row = db.session.scalar(select(cls).where(cls.id == claimed.id, made, *alive))
        return row if row and link.proves(claimed, purpose, row.nonce) else None

    def confirm(self) -> User | None:
        """Give the account its new address. Links that were mailed to the old one die; sessions stay.

        Returns:
            The account; None where another press was faster, or the account ended.

        Raises:
            EmailTaken: by the surrounding transaction, if the address has an account by now.
        """
        user = self._held(EmailChange.confirmed_at.is_(None))
        if user is None:
            return None
        user.email, user.email_key, user.email_verified_at = self.email, self.email_key, func.now()
        self.confirmed_at, self.expires_at = func.now(), func.now() + EMAIL_UNDONE_WITHIN
        db.session.flush()
        OneTimeToken.end_all(user.id)
        _note(user, EMAIL_CHANGED)
        OutgoingMail.queue("email_changed", self.id)
        return user

    def undo(self) -> User | None:
        """Give the account its former address back, and end all that whoever took it may have left.

        Sessions, known browsers and links end; so do changes that were made since, and a second step and passkeys that
        came after, or shortly before. Whoever holds the former address then chooses a new password.

        Returns:
            The account; None where another press was faster, or the account ended.

        Raises:
            EmailTaken: by the surrounding transaction, if the former address has another account by now.
        """
        user = self._held(EmailChange.confirmed_at.is_not(None))
        if user is None:
            return None
        user.email, user.email_key = self.former_email, self.former_email_key
        db.session.flush()
        later = EmailChange.user_id == user.id, EmailChange.created_at >= self.created_at
        ended = update(EmailChange).where(*later, EmailChange.ended_at.is_(None))
        db.session.execute(ended.values(ended_at=func.now()))
        around = self.created_at - EMAIL_UNDONE_WITHIN
        db.session.execute(delete(Passkey).where(Passkey.user_id == user.id, Passkey.created_at >= around))
        if user.second_factor_at and user.second_factor_at >= around:
            SecondFactor.turn_off(user)
        KnownBrowser.forget_all(user.id)
        user.end_everywhere()
        _note(user, EMAIL_CHANGE_UNDONE)
        return user

    @classmethod
    def forget_all(cls, user_id: UUID) -> None:
        """Keep none of an account that ends."""
        db.session.execute(delete(cls).where(cls.user_id == user_id))

    def text(self, purpose: str) -> str:
        """The token as a link carries it."""
        return link.make(purpose, self.id, self.nonce)

    def _held(self, state: ColumnElement[bool]) -> User | None:
        """Lock account and change, in that order, and look at the change again."""
        user = db.session.get_one(User, self.user_id)
        db.session.refresh(user, with_for_update=True)
        alive = EmailChange.ended_at.is_(None), EmailChange.expires_at > func.clock_timestamp()
        again = select(EmailChange.id).where(EmailChange.id == self.id, *alive, state).with_for_update()
        return user if user.deactivated_at is None and db.session.scalar(again) else None


def _note(user: User, action: Action) -> None:
    audit.proven(user.id)
    audit.note(action, user_id=user.id, subject=user.id)
