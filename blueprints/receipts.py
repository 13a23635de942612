"""What is said after a change of access, and to whoever comes second: in numbers, with names and times."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from flask import g

from blueprints.looks import clock
from blueprints.presentation import plural
from models import User, db


class Conflict(NamedTuple):
    """Who changed a thing first, and when."""

    by: str
    at: datetime | None


def receipt(did: str, at: datetime, *ended: tuple[int, str] | tuple[int, str, str]) -> str:
    """Say what was done and what ended with it, with the time to the second.

    Args:
        did: what was done, without a full stop: "Removed Hana Reyes from Northfield".
        at: the database's time of the change.
        ended: numbers and their nouns, as plural() takes them; none of a thing is left out.
    """
    parts = ", ".join(plural(*counted) for counted in ended if counted[0])
    return f"{did} at {clock(at, seconds=True)}." + (f" Ended: {parts}." if parts else "")


def conflict(by: UUID | None, at: datetime | None) -> Conflict:
    """Look up who came first; somebody who is not known any more is "Somebody"."""
    if by == g.identity.viewer.id:
        return Conflict("You", at)
    return Conflict(db.session.scalar(db.select(User.name).where(User.id == by)) or "Somebody", at)
