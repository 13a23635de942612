"""Where to tell that an account was deleted: all that is left of the address, until the mail is sent."""

from typing import Self

from sqlalchemy.orm import Mapped

from models.base import Base, Record, db
from models.outgoing_mail import OutgoingMail


class Farewell(Record, Base):
    """An address that had an account. It names nobody else, and goes when its mail is done with."""

    __tablename__ = "farewells"

    email: Mapped[str]

    @classmethod
    def say(cls, email: str) -> Self:
        """Keep an address for its one mail, and queue that."""
        farewell = cls(email=email)
        db.session.add(farewell)
        db.session.flush()
        OutgoingMail.queue("account_deleted", farewell.id)
        return farewell
