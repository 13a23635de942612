"""Reading an organization's audit log: by filters and a cursor in the address, the newest first.

No page counts or sorts the log, however long it is: every filter has an index that ends with `seq`, and from each the
first few are taken. A limit is written into the statement, because a plan made for any limit expects thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from flask import g
from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
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
_PEOPLE, _PROJECTS = (bindparam(name, type_=ARRAY(Uuid)) for name in ("people", "projects"))


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
    values = _values(asked, meant)
    rows = db.session.execute(_statement(frozenset(values), size), {"here": g.org.id} | values).all()
    found = [row for row in rows if row.seq is not None]
    kept = found[-size:] if asked.after else found[:size]
    return Found(asked, kept, len(found) > size, rows[0].began)


def _values(asked: Asked, meant: Meant) -> dict[str, Any]:
    """What narrows the log, by the names of the statement's parameters."""
    values = {
        "action": asked.action or None,
        "people": meant.people,
        "projects": meant.projects,
        "before": asked.before,
        "after": asked.after,
        "since": asked.since and _moment(asked.since),
        "until": asked.until and _moment(asked.until + timedelta(days=1)),
    }
    return {name: value for name, value in values.items() if value is not None}


def _moment(day: date) -> str:
    """When a reader's day begins; as text, for what Python's years leave out may be a moment of UTC."""
    return datetime.combine(day, time(), here()).isoformat()


@cache
def _statement(given: frozenset[str], size: int) -> Select[*tuple[Any, ...]]:
    """Build what is asked with these parameters; once for each set of them, for that takes longer than to run it."""
    found = _seqs(given, size + 1).subquery("found")
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


def _seqs(given: frozenset[str], size: int) -> Select[int]:
    """Select the places of the first few events that match.

    Of several people or projects, the first few of each are looked up by themselves; an event that two of them share
    comes once.
    """
    limit: Any = literal_column(str(size))
    here = select(AuditEvent.seq).where(AuditEvent.organization_id == _HERE, *_where(given))

    def first(query: Any, seq: Any) -> Any:
        return query.order_by(seq.asc() if "after" in given else seq.desc()).limit(limit)

    def each(column: Any, keys: BindParameter[Any]) -> Any:
        wanted = func.unnest(keys).table_valued("key").render_derived()
        its = first(here.where(column == wanted.c.key), AuditEvent.seq).lateral()
        return select(its.c.seq).select_from(wanted).join(its, true())

    if "people" in given:
        found = union(*(each(column, _PEOPLE) for column in (AuditEvent.actor_id, AuditEvent.subject_id)))
    elif "projects" in given:
        found = each(AuditEvent.project_id, _PROJECTS)
    else:
        return first(here, AuditEvent.seq)
    seqs = found.subquery()
    return first(select(seqs.c.seq), seqs.c.seq)


def _where(given: frozenset[str]) -> list[ColumnElement[bool]]:
    conditions: dict[str, ColumnElement[bool]] = {
        "action": AuditEvent.action == bindparam("action"),
        "before": AuditEvent.seq < bindparam("before"),
        "after": AuditEvent.seq > bindparam("after"),
        "since": AuditEvent.seq >= _first_since("since"),
        # A query of its own, because behind row-level security no index serves an expression that might leak.
        "until": AuditEvent.seq
        < select(func.coalesce(_first_since("until"), literal_column(str(FURTHEST)))).scalar_subquery(),
    }
    if "people" in given:
        conditions["projects"] = AuditEvent.project_id == any_(_PROJECTS)
    return [condition for name, condition in conditions.items() if name in given]


def _first_since(moment: str) -> Any:
    """The place of the first event since a moment. Time never goes back in a chain, so places bound it."""
    at = bindparam(moment, type_=Text).cast(AuditEvent.created_at.type)
    found = select(AuditEvent.seq).where(AuditEvent.organization_id == _HERE, AuditEvent.created_at >= at)
    return found.order_by(AuditEvent.created_at, AuditEvent.seq).limit(literal_column("1")).scalar_subquery()
