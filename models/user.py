"""People: their account and their password."""

from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import Computed, Index, ScalarSelect, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from models import audit
from models.audit.actions import (
    ACCOUNT_ADDRESS_CONFIRMED,
    ACCOUNT_CREATED,
    ACCOUNT_DEACTIVATED,
    ACCOUNT_DELETED,
    ACCOUNT_LOGGED_OUT,
    ACCOUNT_PASSWORD_CHANGED,
    ACCOUNT_PASSWORD_RESET,
    ACCOUNT_REACTIVATED,
    ACCOUNT_RENAMED,
    Action,
)
from models.base import Base, Record, Refusal, db
from models.session import Session
from models.text import Address
from models.token import OneTimeToken

FORMER = "a former member"  # what is left of a name; sentences of ours go on around it


class EmailTaken(Refusal):
    """This address has an account already."""

    field = "email"
    constraint = "uq_users_email_key"


class User(Record, Base):
    """A person with an account."""

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email_key", "email_key", unique=True),
        Index(
            "ix_users_search_text",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ),
    )
    # What a statement computed comes back with it: whoever begins a session after a change of password knows that
    # change's epoch, and not one that came later.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012

    email: Mapped[str]
    email_key: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    credential_epoch: Mapped[int] = mapped_column(server_default=text("1"))
    email_verified_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    deactivated_at: Mapped[datetime | None]
    second_factor_at: Mapped[datetime | None]  # since when logging in takes a second step
    version: Mapped[int] = mapped_column(server_default=text("1"))
    # Name and email without case and accents, for every search of people.
    search_text: Mapped[str] = mapped_column(Computed("fold(name || ' ' || email)"), deferred=True)

    @classmethod
    def by_email(cls, address: Address) -> Self | None:
        """Find the account that uses an address."""
        return db.session.scalar(select(cls).where(cls.email_key == address.key))

    @classmethod
    def id_by_email(cls, address: Address) -> ScalarSelect[UUID]:
        """Return the query for the active account that uses an address, for statements that work without one too."""
        return select(cls.id).where(cls.email_key == address.key, cls.deactivated_at.is_(None)).scalar_subquery()

    @classmethod
    def create(cls, address: Address, name: str, password_hash: str, *, proven: bool) -> Self:
        """Add an account.

        Args:
            address: its email.
            name: the person's name.
            password_hash: made by password.hash_password.
            proven: True if the person showed that they read this address's mail.

        Raises:
            EmailTaken: by the surrounding transaction, if the address has an account.
        """
        user = cls(
            email=address.typed,
            email_key=address.key,
            name=name,
            password_hash=password_hash,
            email_verified_at=func.now() if proven else None,
        )
        db.session.add(user)
        db.session.flush()
        user._note(ACCOUNT_CREATED, after={"address_confirmed": proven})
        return user

    def rename(self, name: str) -> None:
        """Take a new name; an account that ended meanwhile keeps none."""
        db.session.refresh(self, with_for_update=True)
        if self.deactivated_at:
            return
        if name != self.name:
            self._note(ACCOUNT_RENAMED)
        self.name, self.version = name, self.version + 1

    def choose_password(self, password_hash: str, *, by_link: bool = False) -> None:
        """Take a new password; every session made with the old one is dead, and so are links to reset it.

        The credential epoch rises with it, which also ends a log-in that is under way with the old password.

        Args:
            password_hash: made by password.hash_password.
            by_link: True where a mailed link allowed it, rather than the old password.
        """
        self._note(ACCOUNT_PASSWORD_RESET if by_link else ACCOUNT_PASSWORD_CHANGED)
        self.password_hash = password_hash
        self.end_everywhere()

    def upgrade_hash(self, password_hash: str) -> None:
        """Keep the same password under today's parameters, unless it was changed since this row was read."""
        same = (User.id == self.id) & (User.credential_epoch == self.credential_epoch)
        db.session.execute(update(User).where(same).values(password_hash=password_hash))

    def prove_address(self, key: str) -> None:
        """Note that the person showed that they read an address's mail, if it is theirs at this moment.

        Args:
            key: the address's.
        """
        if self.email_verified_at is None:
            unproven = update(User).where(User.id == self.id, User.email_key == key, User.email_verified_at.is_(None))
            if db.session.scalar(unproven.values(email_verified_at=func.now()).returning(User.id)):
                self._note(ACCOUNT_ADDRESS_CONFIRMED)

    def unchanged(self) -> UUID | None:
        """Keep the password from changing until the transaction ends.

        Returns:
            The key; None if it changed since this row was read, or the account was logged out of everywhere.
        """
        same = select(User.id).where(User.id == self.id, User.credential_epoch == self.credential_epoch)
        return db.session.scalar(same.with_for_update(read=True))

    def hold(self) -> bool:
        """Keep the account from ending until the transaction does; False where it ended already."""
        alive = select(User.id).where(User.id == self.id, User.deactivated_at.is_(None))
        return db.session.scalar(alive.with_for_update(read=True)) is not None

    def deactivate(self) -> None:
        """Close the account until it is reactivated; see leaving.deactivate()."""
        self._close()
        audit.note(ACCOUNT_DEACTIVATED, user_id=self.id, subject=self.id)

    def reactivate(self) -> None:
        """Undo deactivate(): the person can log in again."""
        if self.deactivated_at is not None:
            self.deactivated_at = None
            audit.note(ACCOUNT_REACTIVATED, user_id=self.id, subject=self.id)

    def erase(self) -> None:
        """Leave nothing of the person but the row that others refer to; see leaving.delete_account()."""
        self.name, self.email, self.email_key = FORMER, f"deleted-{self.id}", f"deleted-{self.id}"
        self.password_hash, self.email_verified_at, self.second_factor_at = "", None, None
        self._close()
        audit.note(ACCOUNT_DELETED, user_id=self.id, subject=self.id)

    def _close(self) -> None:
        self.deactivated_at = func.now()
        self.end_everywhere()

    def end_everywhere(self) -> None:
        """End every session, every link that was mailed to the account, and what is under way.

        That is log-ins, and an address that waits to be confirmed: whoever asked for it may be who is shut out.
        """
        self.credential_epoch = User.credential_epoch + 1
        db.session.flush()
        Session.end_all(self.id)
        OneTimeToken.end_all(self.id)
        db.session.execute(_END_EMAIL_CHANGE, {"user": self.id})

    def log_out_everywhere(self) -> None:
        """End them for the host, who has a reason to, and write it down."""
        self.end_everywhere()
        audit.note(ACCOUNT_LOGGED_OUT, user_id=self.id, subject=self.id)

    def _note(self, action: Action, after: audit.Facts | None = None) -> None:
        audit.proven(self.id)
        audit.note(action, user_id=self.id, subject=self.id, after=after)


# As text, for the table's own module stands on this one.
_END_EMAIL_CHANGE = text(
    "UPDATE email_changes SET ended_at = now() WHERE user_id = :user AND confirmed_at IS NULL AND ended_at IS NULL"
)
