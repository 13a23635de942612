"""The list of an organization's people: search, filter, order and page, all in the address."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self
from uuid import UUID

from flask import g
from sqlalchemy import ColumnElement, Select, Text, bindparam, exists, false, func, literal, select, text
from sqlalchemy.orm import InstrumentedAttribute

import access
from blueprints.gate import can
from blueprints.orgs import listing
from blueprints.orgs.forms import SHOWN, PeopleFilter
from blueprints.paging import Page
from blueprints.templates import url_for
from models import Invitation, OrganizationMember, ProjectMember, Role, User, db
from models.invitation import PENDING
from models.text import unfit

ORDERS = ("name", "role", "joined")
FEW = 7  # members that one sees at a glance; a search is shown above that
MOST = 500  # people to act on at a time (UX.md 1.9); each takes a few statements of the one transaction
_SHOWN = {  # by what is chosen
    "two-step-off": User.second_factor_at.is_(None),
    "two-step-on": User.second_factor_at.is_not(None),
    "project-role": exists().where(
        ProjectMember.organization_id == OrganizationMember.organization_id,
        ProjectMember.user_id == OrganizationMember.user_id,
    ),
}
_HERE = bindparam("here", type_=OrganizationMember.organization_id.type)
_EVERYONE = OrganizationMember.organization_id == _HERE
LONGEST = 254  # characters of a search: those of an email address


@dataclass(frozen=True)
class Asked:
    """Which people are asked for."""

    q: str = ""
    role: Role | None = None
    show: str = ""  # one of SHOWN, for those who manage people
    sort: str = "name"
    page: int = 1
    select: bool = False  # with boxes, to act on several

    @classmethod
    def of(cls, args: dict[str, str]) -> Self:
        """Read an address's query; what it does not know, it leaves out."""
        sort = args.get("sort", "")
        return cls(
            q=" ".join(args.get("q", "").split()),
            role=Role.__members__.get(args.get("role", "")),
            show=args.get("show", "") if args.get("show") in SHOWN and can(access.MANAGE_PEOPLE) else "",
            sort=sort if sort.removeprefix("-") in ORDERS else "name",
            page=listing.page_number(args.get("page", "")),
            select=args.get("select") == "1" and can(access.MANAGE_PEOPLE),
        )

    @property
    def narrows(self) -> bool:
        """True where not everyone is asked for."""
        return bool(self.q or self.role or self.show)

    @property
    def args(self) -> dict[str, Any]:
        """The query, without its page and what goes without saying."""
        role = self.role.name if self.role else ""
        select = "1" if self.select else ""
        given = {"q": self.q, "role": role, "show": self.show, "sort": self.sort, "select": select}
        return {name: value for name, value in given.items() if value and (name, value) != ("sort", "name")}

    @property
    def shows(self) -> str:
        """What is chosen to be shown, in words."""
        return SHOWN.get(self.show, "")

    def sorted(self, sort: str) -> str:
        """Return the address of the same people in another order."""
        return url_for("orgs.people.index", **replace(self, sort=sort).args)

    def at(self, page: int) -> str:
        """Return the address of another page."""
        return url_for("orgs.people.index", **self.args, page=page if page > 1 else None)

    def order(self, columns: Any) -> list[ColumnElement[Any]]:
        """Return by what to order; equal ones by name, then by who came first."""
        by = {"name": columns.search_text, "role": columns.role, "joined": columns.joined}
        first = by[self.sort.removeprefix("-")]
        return [first.desc() if self.sort.startswith("-") else first.asc(), columns.search_text, columns.id]


class Person(NamedTuple):
    """One line of the list."""

    id: UUID
    role: Role
    joined: datetime
    user_id: UUID
    name: str
    email: str
    lacks_step: bool  # they have not turned two-step verification on

    @classmethod
    def of(cls, member: OrganizationMember, user: User) -> Self:
        """Draw the line of somebody who was just changed."""
        lacks = user.second_factor_at is None
        return cls(member.id, member.role, member.created_at, user.id, user.name, user.email, lacks)


def selectable(person: Person) -> bool:
    """Tell whether the actor may act on somebody together with others: not on themselves."""
    return person.user_id != g.actor.user_id and access.reaches(g.actor, person.role)


@dataclass(frozen=True)
class People:
    """A page of people, and how many there are in all."""

    most: ClassVar[int] = MOST

    asked: Asked
    found: Page
    members: int
    pending: int
    filter: PeopleFilter

    @property
    def searchable(self) -> bool:
        """True where there are enough people to search."""
        return self.members > FEW or self.asked.narrows


def people(asked: Asked) -> People:
    """Read the people that are asked for, and the counts beside them, in one statement."""
    shape = replace(asked, q="?" if asked.q else "", page=1, select=False)
    searches = asked.q if searchable(asked.q) else None
    statement = _statement(shape, can(access.MANAGE_PEOPLE))
    found, counts = statement.read(asked.page, here=g.org.id, q=searches)
    filled = PeopleFilter(data=asked.args)
    return People(asked, found, counts.members, counts.pending, filled)


@lru_cache(maxsize=128)
def _statement(shape: Asked, with_pending: bool) -> listing.Statement:
    """Build what reads the list of one shape: who is searched for, where and on which page is told when it runs."""
    where = _where(shape)
    return listing.statement(
        _lines().where(_EVERYONE, *where),
        shape.order,
        total=_count(shape).where(_EVERYONE, *where).scalar_subquery(),
        members=_count(Asked()).where(_EVERYONE).scalar_subquery(),
        pending=_pending() if with_pending else literal(0),
    )


def matching(asked: Asked) -> list[UUID]:
    """Return the memberships of those who are asked for, on all pages; one above MOST stands for all that follow."""
    found = select(OrganizationMember.id).join(User, User.id == OrganizationMember.user_id)
    found = found.where(_EVERYONE, *_where(asked)).limit(MOST + 1)
    return list(db.session.scalars(found, {"here": g.org.id, "q": asked.q if searchable(asked.q) else None}))


def _lines() -> Select[*tuple[Any, ...]]:
    return select(
        OrganizationMember.id,
        OrganizationMember.role,
        OrganizationMember.created_at.label("joined"),
        User.id.label("user_id"),
        User.name,
        User.email,
        User.second_factor_at.is_(None).label("lacks_step"),
        User.search_text,
    ).join(User, User.id == OrganizationMember.user_id)


def _count(asked: Asked) -> Select[int]:
    """Count without looking at the accounts where nothing is searched in them."""
    counted = select(func.count()).select_from(OrganizationMember)
    return counted.join(User, User.id == OrganizationMember.user_id) if asked.q or asked.show else counted


def _where(asked: Asked) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.role:
        conditions.append(OrganizationMember.role == asked.role)
    if asked.show:
        conditions.append(_SHOWN[asked.show])
    if asked.q:
        conditions.append(contains(bindparam("q", type_=Text), User.search_text))
    return conditions


def searchable(q: str) -> bool:
    """Tell whether anything could contain a text; else NULL takes its place, which nothing contains."""
    return len(q) <= LONGEST and not unfit(q)


def says(q: str, folded: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Tell whether a folded text contains what is searched for."""
    return contains(literal(q), folded) if searchable(q) else false()


def contains(q: ColumnElement[str], folded: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Tell whether a folded text contains another; never where that is NULL.

    That is escaped after folding, which turns other signs into % and _ too. The pattern is a subquery of its own, so
    that PostgreSQL makes it once, not for each row.
    """
    literally = func.regexp_replace(func.fold(q), r"([\\%_])", r"\\\1", "g")
    return folded.like(select("%" + literally + "%").scalar_subquery())


def _pending() -> Any:
    waiting = select(func.count()).select_from(Invitation)
    return waiting.where(Invitation.organization_id == _HERE, text(PENDING)).scalar_subquery()
