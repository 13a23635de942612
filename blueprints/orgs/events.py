"""Reading an organization's audit log: by filters and a cursor in the address, the newest first.

No page counts or sorts the log, however long it is: every filter has an index that ends with `seq`, and from each the
first few are taken. A limit is written into the statement, because a plan made for any limit expects thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from flask import g
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
    union,
)
from sqlalchemy.orm import aliased

from blueprints.looks import here
from blueprints.orgs.filters import FURTHEST, Asked, Meant
from blueprints.paging import SIZE
from models import AuditEvent, Invitation, Project, User, db

_Actor, _Subject = aliased(User), aliased(User)
_HERE = bindparam("here", type_=Uuid)


@dataclass(frozen=True)
class Found:
    """A page of events, and the ways on from it."""

    asked: Asked
    rows: Sequence[Any]
    more: bool  # there are more in the direction in which the cursor went
    began: datetime | None

    @property
    def newer(self) -> str | None:
        """The address of the page before this one, if there is one."""
        there = self.more if self.asked.after else self.asked.before
        return self.asked.at(after=self.rows[0].seq) if self.rows and there else None

    @property
    def older(self) -> str | None:
        """The address of the page after this one, if there is one."""
        there = self.asked.after or self.more
        return self.asked.at(before=self.rows[-1].seq) if self.rows and there else None


def read(asked: Asked, meant: Meant, size: int = SIZE) -> Found:
    """Read a page of events with the names in them, in one statement."""
    both = _statement(asked, meant, size) if asked != Asked() or meant != Meant() else _latest(size)
    rows = db.session.execute(both, {"here": g.org.id}).all()
    here = [row for row in rows if row.seq is not None]
    kept = here[-size:] if asked.after else here[:size]
    return Found(asked, kept, len(here) > size, rows[0].began)


@cache
def _latest(size: int) -> Select[*tuple[Any, ...]]:
    """Build what everybody reads first; once, for that takes longer than to run it."""
    return _statement(Asked(), Meant(), size)


def _statement(asked: Asked, meant: Meant, size: int) -> Select[*tuple[Any, ...]]:
    found = _seqs(asked, meant, size + 1).subquery("found")
    began = select(AuditEvent.created_at).where(AuditEvent.organization_id == _HERE, AuditEvent.seq == 1)
    beside = select(began.scalar_subquery().label("began")).subquery("beside")
    events = _events().join(found, AuditEvent.seq == found.c.seq).subquery("events")
    return select(beside, events).select_from(beside.outerjoin(events, true())).order_by(events.c.seq.desc())


def _events() -> Select[*tuple[Any, ...]]:
    """Events with the names of who and what is in them. A subject is an account, or else an invitation."""
    return (
        select(
            AuditEvent,
            _Actor.name.label("actor"),
            func.coalesce(_Subject.name, Invitation.email).label("subject"),
            Project.name.label("project"),
        )
        .outerjoin(_Actor, _Actor.id == AuditEvent.actor_id)
        .outerjoin(_Subject, _Subject.id == AuditEvent.subject_id)
        .outerjoin(Invitation, (Invitation.id == AuditEvent.subject_id) & (Invitation.organization_id == _HERE))
        .outerjoin(Project, (Project.id == AuditEvent.project_id) & (Project.organization_id == _HERE))
        .where(AuditEvent.organization_id == _HERE)
    )


def _seqs(asked: Asked, meant: Meant, size: int) -> Select[int]:
    """Select the places of the first few events that match.

    Of several people or projects, the first few of each are looked up by themselves; an event that two of them share
    comes once.
    """
    limit: Any = literal_column(str(size))
    here = select(AuditEvent.seq).where(AuditEvent.organization_id == _HERE, *_where(asked, meant))

    def first(query: Any, seq: Any) -> Any:
        return query.order_by(seq.asc() if asked.after else seq.desc()).limit(limit)

    def each(column: Any, keys: list[UUID]) -> Any:
        wanted = func.unnest(cast(keys, ARRAY(Uuid))).table_valued("key").render_derived()
        its = first(here.where(column == wanted.c.key), AuditEvent.seq).lateral()
        return select(its.c.seq).select_from(wanted).join(its, true())

    if meant.people is not None:
        found = union(*(each(column, meant.people) for column in (AuditEvent.actor_id, AuditEvent.subject_id)))
    elif meant.projects is not None:
        found = each(AuditEvent.project_id, meant.projects)
    else:
        return first(here, AuditEvent.seq)
    seqs = found.subquery()
    return first(select(seqs.c.seq), seqs.c.seq)


def _where(asked: Asked, meant: Meant) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.action:
        conditions.append(AuditEvent.action == asked.action)
    if meant.people is not None and meant.projects is not None:
        conditions.append(AuditEvent.project_id.in_(meant.projects))
    if asked.before is not None:
        conditions.append(AuditEvent.seq < asked.before)
    elif asked.after is not None:
        conditions.append(AuditEvent.seq > asked.after)
    if asked.since:
        conditions.append(AuditEvent.seq >= _first_since(asked.since))
    if asked.until:
        following = func.coalesce(_first_since(asked.until + timedelta(days=1)), literal(FURTHEST))
        # A query of its own, because behind row-level security no index serves an expression that might leak.
        conditions.append(AuditEvent.seq < select(following).scalar_subquery())
    return conditions


def _first_since(day: date) -> Any:
    """The place of the first event since a reader's day began. Time never goes back in a chain, so places bound it."""
    moment = literal(datetime.combine(day, time(), here()).isoformat()).cast(AuditEvent.created_at.type)
    found = select(AuditEvent.seq).where(AuditEvent.organization_id == _HERE, AuditEvent.created_at >= moment)
    return found.order_by(AuditEvent.created_at, AuditEvent.seq).limit(literal_column("1")).scalar_subquery()
