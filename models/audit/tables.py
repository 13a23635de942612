"""The tables of the audit log. Only the database's own function record_audit() writes events (migration 0008)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Record


class AuditEvent(Record, Base):
    """One event, a link in the chain of its organization or, where it concerns nobody's organization, of an account.

    It refers to nothing by a foreign key: it outlives what it speaks of. Of people it has no more than ids and the
    network address; names are joined when it is shown.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        UniqueConstraint("chain", "seq"),
        Index(None, "organization_id", "seq"),
        Index(None, "organization_id", "actor_id", "seq"),
        Index(None, "organization_id", "subject_id", "seq"),
        Index(None, "organization_id", "action", "seq"),
        Index(None, "organization_id", "project_id", "seq"),
        Index(None, "organization_id", "created_at", "seq"),
    )

    chain: Mapped[UUID]
    seq: Mapped[int] = mapped_column(BigInteger)
    organization_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    actor_id: Mapped[UUID | None]
    action: Mapped[str]
    subject_id: Mapped[UUID | None]
    project_id: Mapped[UUID | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    ip: Mapped[str | None] = mapped_column(INET)
    request_id: Mapped[str | None]
    prev: Mapped[bytes]
    hash: Mapped[bytes]


class AuditHead(Base):
    """The last link of a chain."""

    __tablename__ = "audit_heads"

    chain: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]


class AuditTombstone(Base):
    """What is left of the log of a purged organization: its last link, and our signature that we purged it."""

    __tablename__ = "audit_tombstones"

    chain: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
    purged_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sig: Mapped[bytes]


class RefusalCount(Base):
    """How many were turned away in a minute: strangers at an organization's door, and failed log-ins.

    They are not chained. Whoever floods a door would make every other event wait for the same head.
    """

    __tablename__ = "refusal_counts"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
