"""What narrows an organization's audit log: all in the address, and what the words in it mean."""

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, Self
from uuid import UUID

from flask import g, url_for
from sqlalchemy import Select, and_, func, literal, select, union_all

from blueprints.orgs.directory import LONGEST, says, searchable
from models import KnownPerson, Project, User, db, tenant
from models.audit.actions import ACTIONS
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
    """Those who belong to the organization or did, whom a text means.

    A key or an address means one account; whatever else is searched for in names.
    """
    found = select(literal("person").label("kind"), User.id, User.email.label("name"))
    known = found.join(KnownPerson, and_(KnownPerson.organization_id == g.org.id, KnownPerson.user_id == User.id))
    if key := _key(text):
        return known.where(User.id == key)
    try:
        return known.where(User.email_key == address(text).key)
    except BadText:
        named = func.known_by_name(g.org.id, text if searchable(text) else None, MOST + 1)
        return found.where(User.id.in_(select(named)))


def _projects(text: str) -> Select[*tuple[Any, ...]]:
    key = _key(text)
    found = select(literal("project").label("kind"), Project.id, Project.name)
    which = Project.id == key if key else says(text, Project.folded)
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
