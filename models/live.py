"""What open pages are told of a change: a notification of PostgreSQL, sent with the commit of the change itself.

The tables' triggers tell it (migration 0013), so that every door does. A host product tells what its own tables hold.
"""

import json
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from sqlalchemy import func, select

from models.base import WRITING, db

CHANNEL = "live"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification: what a change was about. Keys alone; nothing of what was changed."""

    topic: str
    organization_id: UUID | None  # None for what concerns people alone
    project_id: UUID | None
    people: frozenset[UUID]  # whom it concerns themselves
    rights: bool  # theirs may be others now
    open: bool  # of a project: every member may have seen it, before or after
    tab: str | None  # the open page that asked for it, which knows already

    @classmethod
    def read(cls, payload: str) -> Self | None:
        """Take a notification apart; None if it is not ours: whoever is in the database may send what they like."""
        try:
            told = json.loads(payload)
            organization, project = (UUID(told[name]) if name in told else None for name in ("organization", "project"))
            people = frozenset(map(UUID, told["people"]))
            return cls(str(told["topic"]), organization, project, people, told["rights"], told["open"], told.get("tab"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def tell(topic: str, organization_id: UUID, project_id: UUID | None = None) -> None:
    """Tell the open pages of an organization that something changed, when this transaction commits.

    Args:
        topic: as access.declare_topic() named it.
        organization_id: whose thing changed.
        project_id: on which project, where the topic is about one.

    Raises:
        RuntimeError: outside of a transaction.
    """
    if WRITING not in db.session.info:
        raise RuntimeError("Tell of a change inside `with transaction():`, so that nobody hears of one that failed.")
    db.session.execute(select(func.tell_live(topic, organization_id, project_id)))
