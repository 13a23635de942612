"""Deleting what is of no use any more. Safe at any time, also in several processes at once."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, or_, select

from config import RESTORABLE
from models.base import db, transaction
from models.farewell import Farewell
from models.organization import Organization
from models.outgoing_mail import OutgoingMail
from models.rate_limit import RateLimit
from models.session import Session
from models.signup import Signup
from models.token import OneTimeToken

DEAD_FOR = timedelta(days=1)  # a dead link is remembered for a day, to say why it does not work any more
MAIL_KEPT = timedelta(days=30)
BATCH = 1000  # rows a transaction: short locks, and little to repeat if one is ended


def prune() -> dict[str, int]:
    """Delete expired sessions, sign-ups, links and limits that ended a day ago, and mail done with 30 days ago.

    Organizations that nobody can restore any more go for good, one a transaction, with everything that is theirs.

    Returns:
        How many rows went, by what they were.
    """
    a_day_ago, waits = func.now() - DEAD_FOR, OutgoingMail.state == "queued"
    return {
        "sessions": _delete(Session, Session.sid, Session.expire <= func.now()),
        "sign-ups": _delete(Signup, Signup.id, Signup.expires_at < a_day_ago),
        "links": _delete(
            OneTimeToken, OneTimeToken.id, or_(OneTimeToken.used_at < a_day_ago, OneTimeToken.expires_at < a_day_ago)
        ),
        "mails": _delete(
            OutgoingMail,
            OutgoingMail.id,
            ~waits & (OutgoingMail.due_at < func.now() - MAIL_KEPT),
        ),
        "farewells": _delete(Farewell, Farewell.id, ~exists().where(OutgoingMail.subject_id == Farewell.id, waits)),
        "rate limits": _delete(RateLimit, RateLimit.key, RateLimit.tat < a_day_ago),
        "organizations": _delete(Organization, Organization.id, Organization.deleted_at <= func.now() - RESTORABLE, 1),
    }


def _delete(model: Any, key: Any, dead: ColumnElement[bool], at_once: int = 0) -> int:
    """Delete in batches; rows that somebody else holds are left for the next time."""
    total, most = 0, at_once or BATCH
    while True:
        batch = select(key).where(dead).limit(most).with_for_update(skip_locked=True)
        with transaction():
            gone = len(db.session.scalars(delete(model).where(key.in_(batch)).returning(key)).all())
        total += gone
        if gone < most:
            return total
