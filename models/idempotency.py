"""A form that is sent twice is taken once: where it led the first time stands beside the change itself."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Refusal


class Repeated(Refusal):
    """This was done already."""

    constraint = "pk_idempotency_keys"


class IdempotencyKey(Base):
    """A form that was taken, and where it led. Nobody's name is in it, and nobody reads from the key what was sent."""

    __tablename__ = "idempotency_keys"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    leads_to: Mapped[str]
    made: Mapped[UUID | None]  # the id of what it made, where the answer shows that
