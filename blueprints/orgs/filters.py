"""What narrows an organization's audit log: all in the address, and what the words in it mean."""

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, Self
from uuid import UUID

from flask import g, url_for
from sqlalchemy import ColumnElement, Select, exists, func, literal, select, union, union_all

from blueprints.orgs.directory import LONGEST, says
from models import AuditEvent, Listed, Project, ProjectMember, User, db, tenant
from models.audit.actions import ACTIONS, GUEST_JOINED, MEMBER_LEFT, MEMBER_REMOVED

MOST = 20  # people or projects that a text may mean; of more, the first
FURTHEST = 2**63 - 1  # the greatest place there can be
_NAMES = {"since": "from", "until": "to"}  # as the address says it, where Python could not


@dataclass(frozen=True)
class Asked:
    """Which events are asked for."""

    person: str = ""  # what their name or email contains, or a key
    action: str = ""
    project: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None
    after: int | None = None

    @classmethod
    def of(cls, args: dict[str, str]) -> Self:
        """Read an address's query; what it does not know, it leaves out."""
        action, before = args.get("action", ""), _number(args.get("before", ""))
        return cls(
            person=_line(args.get("person", "")),
            action=action if action in ACTIONS else "",
            project=_line(args.get("project", "")),
            since=_date(args.get("from", "")),
            until=_date(args.get("to", "")),
            before=before,
            after=None if before else _number(args.get("after", "")),
        )

    @property
    def args(self) -> dict[str, Any]:
        """The query without its cursor and what goes without saying."""
        given = {name: getattr(self, name) for name in ("person", "action", "project", "since", "until")}
        return {_NAMES.get(name, name): str(value) for name, value in given.items() if value}

    def at(self, **cursor: Any) -> str:
        """Return the address of another page."""
        return url_for("orgs.audit.index", **self.args, **cursor)


class Meant(NamedTuple):
    """Whom and which projects the filters mean; None where they do not narrow."""

    people: list[UUID] | None = None
    projects: list[UUID] | None = None
    names: dict[str, str] = {}  # noqa: RUF012 - of a key in the address: what stands in the form for it
    vague: bool = False  # a text means more than MOST


def meant(asked: Asked) -> Meant:
    """Find the people and projects that the filters mean, in one statement; in none where they are not asked for."""
    wanted = [_people(asked.person)] * bool(asked.person) + [_projects(asked.project)] * bool(asked.project)
    if not wanted:
        return Meant()
    found = union_all(*(query.subquery().select() for query in wanted)).order_by("id")
    with tenant.planned_anew():
        rows = db.session.execute(found).all()
    ids = {kind: [row.id for row in rows if row.kind == kind] for kind, _ in texts(asked)}
    keys = {kind: _keys(text, ids[kind][:MOST]) for kind, text in texts(asked)}
    names = {str(row.id): row.name for row in rows}
    return Meant(keys.get("person"), keys.get("project"), names, any(len(found) > MOST for found in ids.values()))


def _people(text: str) -> Select[*tuple[Any, ...]]:
    """Those who belong to the organization or did, whom a text means: it reads an event for each who was here."""
    were_here = AuditEvent.action.in_([GUEST_JOINED.name, MEMBER_LEFT.name, MEMBER_REMOVED.name])
    member = exists().where(Listed.organization_id == g.org.id, Listed.user_id == ProjectMember.user_id)
    members = select(Listed.user_id.label("id")).where(Listed.organization_id == g.org.id, _named(text, Listed))
    others = union(
        select(ProjectMember.user_id.label("id")).where(ProjectMember.organization_id == g.org.id, ~member),
        select(AuditEvent.subject_id).where(AuditEvent.organization_id == g.org.id, were_here),
    ).subquery()
    found = union(
        members.limit(MOST + 1),
        select(User.id).join(others, others.c.id == User.id).where(_named(text, User)).limit(MOST + 1),
    ).subquery()
    lines = select(literal("person").label("kind"), User.id, User.email.label("name"))
    return lines.join(found, found.c.id == User.id).order_by(User.id).limit(MOST + 1)


def _named(text: str, table: type[Listed | User]) -> ColumnElement[bool]:
    key = _key(text)
    if key is None:
        return says(text, table.search_text)
    return User.id == key if table is User else Listed.user_id == key


def _projects(text: str) -> Select[*tuple[Any, ...]]:
    key = _key(text)
    found = select(literal("project").label("kind"), Project.id, Project.name)
    which = Project.id == key if key else says(text, func.fold(Project.name))
    return found.where(Project.organization_id == g.org.id, which).order_by(Project.id).limit(MOST + 1)


def texts(asked: Asked) -> list[tuple[str, str]]:
    """Return the filters that are words or keys, as far as they are given."""
    return [(kind, text) for kind, text in (("person", asked.person), ("project", asked.project)) if text]


def _keys(text: str, found: list[UUID]) -> list[UUID]:
    """A key means itself, also when there is nobody any more who has it."""
    key = _key(text)
    return [key] if key else found


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _line(text: str) -> str:
    return " ".join(text.split())[: LONGEST + 1]


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day < date.max else None  # there is none after it


def _number(text: str) -> int | None:
    return (min(int(text), FURTHEST) or None) if text.isascii() and text.isdigit() and len(text) < 20 else None
