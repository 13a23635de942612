"""The audit log: every change of access, identity and settings notes one event, in the change's own transaction.

Verbs call note(); what was noted is written by one statement, the last before the commit: a chain's head is always the
last lock that a transaction takes. No event without its change, and no change without its event.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from models import tenant
from models.audit.actions import Action
from models.audit.seal import ORGANIZATION, TOMBSTONE, sign
from models.audit.tables import AuditHead
from models.base import WRITING, apart, db

STRANGER, LOG_IN = "stranger", "log-in"  # who is turned away without an event: the kinds of RefusalCount
RECORD = "SELECT record_audit(CAST(%(events)s AS jsonb))"

Facts = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class Asking:
    """Whose request a change is part of. Commands are nobody's: what they do, the host does."""

    user_id: UUID | None
    ip: str | None
    request_id: str


def begin(asking: Asking) -> None:
    """Say who asks, for all that this request will note."""
    db.session.info["asking"] = asking


def proven(user_id: UUID) -> None:
    """Say who asks where a password or a mailed link proved that, rather than a session."""
    if known := asking():
        begin(replace(known, user_id=user_id))


def asking() -> Asking | None:
    """Return who asks; None in a command."""
    return db.session.info.get("asking")


def note(
    action: Action,
    *,
    organization_id: UUID | None = None,
    user_id: UUID | None = None,
    subject: UUID | None = None,
    project_id: UUID | None = None,
    before: Facts | None = None,
    after: Facts | None = None,
) -> None:
    """Note an event of the current transaction. It has neither secrets nor personal data: ids, roles, names of things.

    Args:
        action: what happened.
        organization_id: whose log it belongs to; or
        user_id: the account's, where it concerns no organization.
        subject: the account or the invitation that it happened to.
        project_id: the project that it happened on.
        before: what was, as plain facts by name.
        after: what is.

    Raises:
        RuntimeError: outside of a transaction, or of the organization.
    """
    if WRITING not in db.session.info:
        raise RuntimeError("Note events inside `with transaction():`, with the change that they report.")
    if organization_id and not tenant.entered(organization_id):
        raise RuntimeError("Enter the organization before you write into its log.")
    known = asking()
    facts = {
        "action": action.name,
        "organization_id": organization_id,
        "user_id": user_id,
        "actor_id": known and known.user_id,
        "subject_id": subject,
        "project_id": project_id,
        "before": before,
        "after": after,
        "ip": known and known.ip,
        "request_id": known and known.request_id,
    }
    db.session.info[WRITING].events.append({name: fact for name, fact in facts.items() if fact is not None})


@event.listens_for(Session, "before_commit")
def _record(session: Session) -> None:
    """Write what was noted, after everything else that the transaction writes."""
    change = session.info.get(WRITING)
    if change is None:
        return
    session.flush()
    if change.events:
        change.at = _recorded(session, change.events)
        change.events = []


def _recorded(session: Session, events: list[dict[str, Any]]) -> datetime:
    return session.connection().exec_driver_sql(RECORD, {"events": json.dumps(events, default=str)}).scalar_one()


def count_refusal(kind: str) -> None:
    """Count somebody who was turned away, for this minute.

    Args:
        kind: STRANGER or LOG_IN.
    """
    with apart() as connection:
        connection.execute(_COUNT, {"kind": kind})


_COUNT = text("""
    INSERT INTO refusal_counts AS r (minute, kind, count) VALUES (date_trunc('minute', now()), :kind, 1)
    ON CONFLICT (minute, kind) DO UPDATE SET count = r.count + 1
""")


def bury(organization_id: UUID) -> int:
    """Purge the log of an organization that is gone, or was deleted more than 30 days ago; inside a transaction.

    What is left is a tombstone, signed with a key that is not in the database: verifying tells a purge from a loss.

    Returns:
        How many events went.
    """
    tenant.enter(organization_id)
    head = db.session.execute(
        select(AuditHead.seq, AuditHead.hash).where(AuditHead.chain == organization_id)
    ).one_or_none()
    if head is None:
        return 0
    sig = sign(TOMBSTONE, organization_id, ORGANIZATION, head.seq, head.hash)
    return db.session.scalars(select(func.purge_audit(organization_id, sig))).one()
