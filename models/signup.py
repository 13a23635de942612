"""Sign-ups that wait for their address to be confirmed. No user exists before."""

import secrets
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import Index, delete, func, literal, select
from sqlalchemy.orm import Mapped

from config import CONFIRMATION_LIFE
from models import link
from models.base import Base, Record, db
from models.outgoing_mail import OutgoingMail
from models.text import Address
from models.user import User

PURPOSE = "signup"


class Signup(Record, Base):
    """One attempt to sign up, with its own name and password: what another attempt typed never counts here."""

    __tablename__ = "signups"
    __table_args__ = (Index("ix_signups_email_key", "email_key"),)

    email: Mapped[str]
    email_key: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    nonce: Mapped[bytes]
    expires_at: Mapped[datetime]

    @classmethod
    def start(cls, address: Address, name: str, password_hash: str) -> Self:
        """Keep an attempt and queue its mail. The same for an address with an account: its owner gets the mail."""
        signup = cls(
            email=address.typed,
            email_key=address.key,
            name=name,
            password_hash=password_hash,
            nonce=secrets.token_bytes(32),
            expires_at=func.now() + CONFIRMATION_LIFE,
        )
        db.session.add(signup)
        db.session.flush()
        OutgoingMail.queue("signup", signup.id)
        return signup

    def send_again(self) -> None:
        """Make a new link, which replaces the earlier one, and queue its mail."""
        self.nonce = secrets.token_bytes(32)
        self.expires_at = func.now() + CONFIRMATION_LIFE
        OutgoingMail.queue("signup", self.id)

    @classmethod
    def send_again_to(cls, id: UUID) -> None:
        """The same for an attempt that still waits; nothing for one that does not."""
        signup = db.session.get(cls, id)
        if signup:
            signup.send_again()

    @classmethod
    def find(cls, text: str, *, late: bool = False) -> Self | None:
        """Return the attempt that a link confirms; None if it is too old, done, or was never made by us.

        Args:
            text: the link's token.
            late: find it also when it is too old, as long as no newer link replaced it.
        """
        claimed = link.read(text)
        if claimed is None:
            return None
        row = db.session.scalar(
            select(cls).where(cls.id == claimed.id, literal(late) | (cls.expires_at > func.clock_timestamp()))
        )
        return row if row and link.proves(claimed, PURPOSE, row.nonce) else None

    def confirm(self) -> User:
        """Make the account. Every other attempt for the address ends.

        Raises:
            EmailTaken: by the surrounding transaction, if the address got an account meanwhile.
        """
        user = User.create(Address(self.email, self.email_key), self.name, self.password_hash, proven=True)
        db.session.execute(delete(Signup).where(Signup.email_key == self.email_key))
        return user

    @property
    def text(self) -> str:
        """The token as the mailed link carries it."""
        return link.make(PURPOSE, self.id, self.nonce)
