"""What narrows an organization's audit log: all in the address, and what the words in it mean."""

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, Self
from uuid import UUID

from flask import g, url_for
from sqlalchemy import ColumnElement, CompoundSelect, Select, exists, func, literal, or_, select, union, union_all

from blueprints.orgs.directory import LONGEST, says
from models import AuditEvent, Listed, Project, ProjectMember, User, db, tenant
from models.audit.actions import ACTIONS, GUEST_JOINED, MEMBER_LEFT, MEMBER_REMOVED
from models.text import BadText, address

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
    """Those who belong to the organization or did, whom a text means."""
    lines = select(literal("person").label("kind"), User.id, User.email.label("name"))
    which = _one(text)
    if which is None:
        found = _searched(text).subquery()
        lines = lines.join(found, found.c.id == User.id)
    else:
        lines = lines.where(which, or_(*(exists(each.where(column == User.id)) for each, column in _concerned())))
    return lines.order_by(User.id).limit(MOST + 1)


def _one(text: str) -> ColumnElement[bool] | None:
    """A key or an address means one account; None for what is searched for in names."""
    if key := _key(text):
        return User.id == key
    try:
        return User.email_key == address(text).key
    except BadText:
        return None


def _concerned() -> list[tuple[Select[Any], Any]]:
    """Select the members, those with a role on a project, and those who were either: with the columns of their keys."""
    were_here = AuditEvent.action.in_([GUEST_JOINED.name, MEMBER_LEFT.name, MEMBER_REMOVED.name])
    return [
        (select(Listed.user_id).where(Listed.organization_id == g.org.id), Listed.user_id),
        (select(ProjectMember.user_id).where(ProjectMember.organization_id == g.org.id), ProjectMember.user_id),
        (select(AuditEvent.subject_id).where(AuditEvent.organization_id == g.org.id, were_here), AuditEvent.subject_id),
    ]


def _searched(text: str) -> CompoundSelect[UUID]:
    """Find a text in the names of all of them: in the directory or, for who is no member, in the accounts."""
    (members, member), *rest = _concerned()
    others = union(*(each.where(~exists(members.where(member == column))) for each, column in rest)).subquery()
    of_members = members.where(says(text, Listed.search_text))
    of_others = select(User.id).where(User.id.in_(select(others)), says(text, User.search_text))
    return union(of_members.with_only_columns(Listed.user_id.label("id")).limit(MOST + 1), of_others.limit(MOST + 1))


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
