"""One-time tokens: what a mailed link of an account refers to."""

import secrets
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from sqlalchemy import ForeignKey, Index, ScalarSelect, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from models import link
from models.base import Base, Record, db

RESET = "password-reset"
SECOND_STEP = "second-step"
UNLOCK = "unlock"


class OneTimeToken(Record, Base):
    """Permission to do one thing to one account, once, until a moment.

    Where somebody gave an address that no account uses, the token is nobody's: it costs the same and opens nothing.
    """

    __tablename__ = "one_time_tokens"
    __table_args__ = (Index("ix_one_time_tokens_user_id", "user_id"),)

    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    nonce: Mapped[bytes]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    @classmethod
    def issue(
        cls, purpose: str, user_id: "UUID | ScalarSelect[UUID] | None", life: timedelta, *, alone: bool = True
    ) -> Self:
        """Make a token; the ones issued before for the same purpose stop working.

        Args:
            purpose: what it permits.
            user_id: whose account, if anybody's; a query for it keeps who asks from learning whether there is one.
            life: how long it works.
            alone: False to let the ones issued before go on.
        """
        if alone and user_id is not None:
            cls.end_all(user_id, purpose)
        token = cls(purpose=purpose, user_id=user_id, nonce=secrets.token_bytes(32), expires_at=func.now() + life)
        db.session.add(token)
        db.session.flush()
        return token

    @classmethod
    def find(cls, purpose: str, text: str) -> Self | None:
        """Return the live token that a link carries; None if it was used, is too old, or was never made by us."""
        claimed = link.read(text)
        row = cls.living(claimed.id) if claimed else None
        proven = claimed and row and row.purpose == purpose and link.proves(claimed, purpose, row.nonce)
        return row if proven else None

    @classmethod
    def living(cls, id: UUID) -> Self | None:
        """Return the token with a key, if it is somebody's and still works."""
        alive = cls.used_at.is_(None), cls.expires_at > func.clock_timestamp()
        return db.session.scalar(select(cls).where(cls.id == id, cls.user_id.is_not(None), *alive))

    def use(self) -> bool:
        """Spend the token. True for exactly one caller, however many try at once."""
        alive = (OneTimeToken.used_at.is_(None)) & (OneTimeToken.expires_at > func.clock_timestamp())
        spent = (
            update(OneTimeToken)
            .where(OneTimeToken.id == self.id, alive)
            .values(used_at=func.clock_timestamp())
            .returning(OneTimeToken.id)
        )
        return db.session.scalar(spent) is not None

    @classmethod
    def end_all(cls, user_id: "UUID | ScalarSelect[UUID]", purpose: str | None = None) -> None:
        """Make an account's tokens worthless: those of one purpose, or all."""
        ended = update(cls).where(cls.user_id == user_id, cls.used_at.is_(None))
        if purpose:
            ended = ended.where(cls.purpose == purpose)
        db.session.execute(ended.values(used_at=func.clock_timestamp()))

    @property
    def text(self) -> str:
        """The token as a link carries it."""
        return link.make(self.purpose, self.id, self.nonce)
