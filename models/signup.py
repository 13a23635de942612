"""Sign-ups that wait for their address to be confirmed. No user exists before."""

import secrets
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import Index, SmallInteger, delete, func, literal, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from config import CONFIRMATION_LIFE
from models import link
from models.base import Base, Record, db
from models.outgoing_mail import OutgoingMail
from models.text import Address
from models.user import User

PURPOSE = "signup"
MOST_TRIES = 5  # of a code: who guesses is right once in 200,000 mails, of which there are five in five hours


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
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))  # of the code in the newest mail
    confirmed_at: Mapped[datetime | None]  # what is left of it then tells the page that waits

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

    @classmethod
    def send_again(cls, id: UUID) -> None:
        """Make a new link and code, which replace the earlier ones, and queue their mail; nothing where none waits."""
        link = {"nonce": secrets.token_bytes(32), "tries": 0, "expires_at": func.now() + CONFIRMATION_LIFE}
        waits = update(cls).where(cls.id == id, cls.confirmed_at.is_(None))
        if db.session.scalar(waits.values(link).returning(cls.id)):
            OutgoingMail.queue("signup", id)

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
            select(cls).where(
                cls.id == claimed.id,
                cls.confirmed_at.is_(None),
                literal(late) | (cls.expires_at > func.clock_timestamp()),
            )
        )
        return row if row and link.proves(claimed, PURPOSE, row.nonce) else None

    @classmethod
    def try_code(cls, id: UUID, code: str) -> Self | None:
        """Take one of five tries of the code in the newest mail; counted exactly, however many come at once.

        Returns:
            The attempt, if the code is right.
        """
        waits = cls.confirmed_at.is_(None), cls.expires_at > func.clock_timestamp(), cls.tries < MOST_TRIES
        tried = update(cls).where(cls.id == id, *waits).values(tries=cls.tries + 1).returning(cls)
        signup = db.session.scalar(tried.execution_options(populate_existing=True))
        return signup if signup and link.matches(code, PURPOSE, signup.id, signup.nonce) else None

    @classmethod
    def was_confirmed(cls, id: UUID) -> bool:
        """Tell whether this very attempt made an account: what others did with the address is none of its business."""
        return db.session.scalar(select(cls.confirmed_at).where(cls.id == id)) is not None

    def confirm(self) -> User:
        """Make the account. Every other attempt for the address ends, and nothing that it needed stays of this one.

        Raises:
            EmailTaken: by the surrounding transaction, if the address got an account meanwhile.
        """
        user = User.create(Address(self.email, self.email_key), self.name, self.password_hash, proven=True)
        db.session.execute(delete(Signup).where(Signup.email_key == self.email_key, Signup.id != self.id))
        self.confirmed_at, self.name, self.password_hash, self.nonce = func.now(), "", "", secrets.token_bytes(32)
        return user

    @property
    def code(self) -> str:
        """The six digits that the mail carries beside the link."""
        return link.code(PURPOSE, self.id, self.nonce)

    @property
    def text(self) -> str:
        """The token as the mailed link carries it."""
        return link.make(PURPOSE, self.id, self.nonce)
