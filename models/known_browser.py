"""The browsers in which somebody logged in before: their owner comes in there while others guess at the account."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, RowMapping, cast, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, make_transient_to_detached, mapped_column

from config import BROWSER_LIFE, REMEMBERED_FOR
from models.base import Base, Record, db
from models.text import Address
from models.user import User


class KnownBrowser(Record, Base):
    """One browser that an account knows, under an HMAC of its cookie: nothing in the table works as one.

    It is known while it carries the account's credential epoch: a new password ends it, as it ends sessions. The web
    role may not add one; know_browser() does (migration 0017), beside a session or by a mailed link.
    """

    __tablename__ = "known_browsers"
    __table_args__ = (
        Index("uq_known_browsers_user_id_mac", "user_id", "mac", unique=True),
        Index("ix_known_browsers_expires_at", "expires_at"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    mac: Mapped[bytes]
    credential_epoch: Mapped[int]
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    remembered_until: Mapped[datetime | None]  # until when it stands for the second factor too
    ip: Mapped[str | None] = mapped_column(INET)  # of the first log-in, for the mail about it
    user_agent: Mapped[str | None]

    @classmethod
    def know(cls, user: User, mac: bytes, ip: str | None, user_agent: str, *, tell: bool = False) -> None:
        """Make a browser known by a mailed link; a log-in does it with the statement that begins the session.

        Args:
            user: to whose account.
            mac: what it is known by.
            ip: of the client.
            user_agent: what the browser calls itself.
            tell: True to tell the account's owner by mail, if it is a new one.
        """
        whose = user.id, user.credential_epoch
        known = func.know_browser(*whose, mac, BROWSER_LIFE, cast(ip, INET), user_agent, tell)
        db.session.execute(select(known))

    @classmethod
    def remember(cls, user: User, mac: bytes, ip: str | None, user_agent: str) -> None:
        """Let a browser stand for the second step of logging in for a while; see know()."""
        cls.know(user, mac, ip, user_agent, tell=True)
        here = cls.user_id == user.id, cls.mac == mac
        db.session.execute(update(cls).where(*here).values(remembered_until=func.now() + REMEMBERED_FOR))

    @classmethod
    def remembers(cls, user: User, mac: bytes) -> bool:
        """Tell whether a browser stands for the second step; not after a change of password."""
        here = (cls.user_id == user.id) & (cls.mac == mac) & (cls.credential_epoch == user.credential_epoch)
        lasts = here & (cls.remembered_until > func.clock_timestamp()) & (cls.expires_at > func.clock_timestamp())
        return db.session.scalar(select(cls.id).where(lasts)) is not None

    @classmethod
    def remember_none(cls, user_id: UUID) -> None:
        """Let every browser ask for the second step again."""
        db.session.execute(update(cls).where(cls.user_id == user_id).values(remembered_until=None))

    @classmethod
    def forget_all(cls, user_id: UUID) -> None:
        """Keep none of an account that ends."""
        db.session.execute(delete(cls).where(cls.user_id == user_id))


@dataclass(frozen=True)
class Typed:
    """What is known of an address that somebody typed, read as the same row in any case.

    Not as an account that is there or not: making one of a row takes a tenth of a millisecond, which two thousand
    answers would tell from none.
    """

    columns: RowMapping
    password_hash: str | None  # of the active account that uses the address
    browser_id: UUID | None  # the browser that asks, if that account knows it

    @classmethod
    def read(cls, address: Address, mac: bytes) -> "Typed":
        """Read it in one statement.

        Args:
            address: what was typed.
            mac: of the browser that asks.
        """
        asked = select(literal(address.key).label("key")).subquery()
        active = (User.email_key == asked.c.key) & User.deactivated_at.is_(None)
        same = (KnownBrowser.user_id == User.id) & (KnownBrowser.credential_epoch == User.credential_epoch)
        here = same & (KnownBrowser.mac == mac) & (KnownBrowser.expires_at > func.clock_timestamp())
        joined = asked.outerjoin(User, active).outerjoin(KnownBrowser, here)
        row = db.session.execute(select(*_COLUMNS, KnownBrowser.id.label("browser")).select_from(joined)).one()
        return cls(row._mapping, row.password_hash, row.browser)

    def account(self) -> User:
        """Return the account, once it is proven, without asking the database again."""
        user = User(**{column.name: self.columns[column.name] for column in _COLUMNS})
        make_transient_to_detached(user)
        return db.session.merge(user, load=False)


_COLUMNS = [column for column in User.__table__.columns if column.name != "search_text"]
