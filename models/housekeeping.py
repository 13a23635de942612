"""Deleting what is of no use any more. Safe at any time, also in several processes at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, text

from models import audit
from models.audit.tables import RefusalCount
from models.base import db, transaction
from models.email_change import EmailChange
from models.farewell import Farewell
from models.idempotency import IdempotencyKey
from models.known_browser import KnownBrowser
from models.outgoing_mail import OutgoingMail
from models.rate_limit import RateLimit
from models.session import Session
from models.signup import Signup
from models.token import OneTimeToken

DEAD_FOR = timedelta(days=1)  # a dead link is remembered for a day, to say why it does not work any more
MAIL_KEPT = timedelta(days=30)
BATCH = 1000  # rows a transaction: short locks, and little to repeat if one is ended


def prune() -> dict[str, int]:
    """Delete what expired, at once or a day later: sessions, links, limits, keys; and mail and counts of 30 days ago.

    Organizations that nobody can restore any more go for good, one a transaction, with everything that is theirs.

    Returns:
        How many rows went, by what they were.
    """
    a_day_ago, waits = func.now() - DEAD_FOR, OutgoingMail.state == "queued"
    return {
        "sessions": delete_expired_sessions(),
        "sign-ups": _delete(Signup, Signup.id, Signup.expires_at < a_day_ago),
        "known browsers": _delete(KnownBrowser, KnownBrowser.id, KnownBrowser.expires_at < func.now()),
        "links": _delete(
            OneTimeToken, OneTimeToken.id, or_(OneTimeToken.used_at < a_day_ago, OneTimeToken.expires_at < a_day_ago)
        ),
        "changes of email": _delete(
            EmailChange,
            EmailChange.id,
            or_(EmailChange.ended_at < a_day_ago, EmailChange.expires_at < a_day_ago),
        ),
        "mails": _delete(
            OutgoingMail,
            OutgoingMail.id,
            ~waits & (OutgoingMail.due_at < func.now() - MAIL_KEPT),
        ),
        "farewells": _delete(Farewell, Farewell.id, ~exists().where(OutgoingMail.subject_id == Farewell.id, waits)),
        "rate limits": _delete(RateLimit, RateLimit.key, RateLimit.tat < a_day_ago),
        "idempotency keys": _delete(IdempotencyKey, IdempotencyKey.key, IdempotencyKey.created_at < a_day_ago),
        "counts of refusals": _delete(RefusalCount, RefusalCount.minute, RefusalCount.minute < func.now() - MAIL_KEPT),
        "organizations": _purge_organizations(),
    }


def delete_expired_sessions() -> int:
    """Delete the sessions that nobody can use any more; returns how many."""
    return _in_batches(lambda: Session.delete_expired(BATCH))


def _purge_organizations() -> int:
    """Delete the organizations that nobody can restore any more, and leave a tombstone for the log of each."""
    total = 0
    for id in db.session.scalars(select(func.purgeable_organizations())).all():
        with transaction():
            db.session.execute(text("SET LOCAL statement_timeout = 0"))  # a large one takes longer than a page may
            gone = db.session.scalar(select(func.purge_organization(id)))
            if gone:
                audit.bury(id)
        total += bool(gone)
    return total


def _delete(model: Any, key: Any, dead: ColumnElement[bool]) -> int:
    """Delete rows; those that somebody else holds are left for the next time."""
    batch = select(key).where(dead).limit(BATCH).with_for_update(skip_locked=True)
    return _in_batches(lambda: len(db.session.scalars(delete(model).where(key.in_(batch)).returning(key)).all()))


def _in_batches(delete_some: Callable[[], int]) -> int:
    """Repeat, each time in a transaction of its own, until less than a whole batch is gone; returns how many are."""
    total = 0
    while True:
        with transaction():
            gone = delete_some()
        total += gone
        if gone < BATCH:
            return total
