"""Logged-in browsers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Row, func, select, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from models import audit
from models.audit.actions import SESSION_REVOKED, SESSIONS_REVOKED
from models.base import Base, Record, db


class Session(Record, Base):
    """One logged-in browser.

    The key is an HMAC of the cookie's value: reading this table gives nothing that works as a cookie, and neither
    does writing to it. The web role may do neither: the gate sees living sessions through a view, and functions of
    the table's owner begin and end them. runtime.sessions serves it to Flask-Session.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        Index("uq_sessions_id", "id", unique=True),
        Index("ix_sessions_user_id", "user_id"),
        Index("ix_sessions_expire", "expire"),
    )

    # The address of a session in pages and links is `id`; the key is `sid`.
    id: Mapped[UUID] = mapped_column(server_default=func.uuid_v7())
    sid: Mapped[str] = mapped_column(primary_key=True)
    sess: Mapped[dict[str, Any]]
    expire: Mapped[datetime]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    credential_epoch: Mapped[int]
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ip: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]

    @classmethod
    def end_all(cls, user_id: UUID) -> None:
        """End every session of a user."""
        db.session.execute(select(func.end_sessions(user_id)))

    @classmethod
    def of_person(cls, user_id: UUID) -> list[Row[*tuple[Any, ...]]]:
        """Return where a person is logged in, the latest first: id, created_at, last_seen_at, ip and user_agent."""
        return list(db.session.execute(text("SELECT * FROM sessions_of_person(:whose)"), {"whose": user_id}))

    @classmethod
    def end(cls, user_id: UUID, id: UUID) -> str | None:
        """End one session of a person.

        Returns:
            What its browser called itself; None where it had ended already.
        """
        ended = db.session.scalars(select(func.end_session_of_person(user_id, id))).one_or_none()
        if ended is not None:
            audit.note(SESSION_REVOKED, user_id=user_id, subject=id)
        return ended

    @classmethod
    def end_others(cls, user_id: UUID, kept: UUID) -> int:
        """End every session of a person but one; returns how many."""
        ended = len(db.session.scalars(select(func.end_other_sessions(user_id, kept))).all())
        if ended:
            audit.note(SESSIONS_REVOKED, user_id=user_id, subject=user_id, after={"number": ended})
        return ended

    @classmethod
    def delete_expired(cls, most: int) -> int:
        """Remove the rows of expired sessions, at most so many; returns how many."""
        return db.session.scalars(select(func.delete_expired_sessions(most))).one()
