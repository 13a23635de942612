"""The list of an organization's people: search, filter, order and page, all in the address."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self
from uuid import UUID

from flask import g
from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    Subquery,
    Text,
    bindparam,
    exists,
    false,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute

import access
from blueprints.gate import can
from blueprints.orgs import listing
from blueprints.orgs.forms import SHOWN, PeopleFilter
from blueprints.paging import Keys, Page, has
from blueprints.templates import url_for
from models import Invitation, Listed, MemberCount, OrganizationMember, ProjectMember, Role, User, db, tenant
from models.invitation import PENDING
from models.text import unfit

ORDERS = ("name", "role", "joined")
FEW = 7  # members that one sees at a glance; a search is shown above that
MOST = 500  # people to act on at a time (UX.md 1.9); each takes a few statements of the one transaction
_SHOWN: dict[str, SQLColumnExpression[bool]] = {  # by what is chosen
    "two-step-off": ~Listed.two_step,
    "two-step-on": Listed.two_step,
    "project-role": exists().where(
        ProjectMember.organization_id == Listed.organization_id, ProjectMember.user_id == Listed.user_id
    ),
}
_HERE = bindparam("here", type_=OrganizationMember.organization_id.type)
# What comes before the name in each order.
_FIRST: dict[str, list[InstrumentedAttribute[Any]]] = {"name": [], "role": [Listed.role], "joined": [Listed.joined_at]}
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

    @property
    def ordered(self) -> tuple[str, bool]:
        """By what, and whether the other way round."""
        return self.sort.removeprefix("-"), self.sort.startswith("-")

    def order(self, columns: Any) -> list[ColumnElement[Any]]:
        """Return by what to order; equal ones by name. There is an index for each (models.directory)."""
        by, descending = self.ordered
        first = [columns[column.key] for column in _FIRST[by]]
        rest = [columns.search_text, columns.user_id]
        if self.sort == "-role":
            return [*(column.desc() for column in first), *rest]
        return [column.desc() if descending else column.asc() for column in [*first, *rest]]


class Person(NamedTuple):
    """One line of the list."""

    id: UUID
    role: Role
    joined_at: datetime
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
    with tenant.planned_anew() if asked.narrows else nullcontext():
        found, counts = statement.read(asked.page, here=g.org.id, q=searches)
    filled = PeopleFilter(data=asked.args)
    return People(asked, found, counts.members, counts.pending, filled)


@lru_cache(maxsize=128)
def _statement(shape: Asked, with_pending: bool) -> listing.Statement:
    """Build what reads the list of one shape: who is searched for, where and on which page is told when it runs."""
    counted = MemberCount.of(_HERE, *_with_role(MemberCount, shape))
    keys = Keys(_keys(shape), shape.order, _lines, None if shape.q or shape.show else counted)
    pending = _pending() if with_pending else literal(0)
    return listing.statement(keys, members=MemberCount.of(_HERE), pending=pending)


def matching(asked: Asked) -> list[UUID]:
    """Return the memberships of those who are asked for, on all pages; one above MOST stands for all that follow."""
    page = _keys(asked).limit(MOST + 1).subquery()
    found = _lines(page).with_only_columns(OrganizationMember.id)
    return list(db.session.scalars(found, {"here": g.org.id, "q": asked.q if searchable(asked.q) else None}))


def _keys(asked: Asked) -> Select[*tuple[Any, ...]]:
    """Those who are asked for, with what orders them."""
    first = _FIRST[asked.ordered[0]]
    where = [Listed.organization_id == _HERE, *_with_role(Listed, asked)]
    if asked.show:
        where.append(_SHOWN[asked.show])
    if asked.q:
        where.append(has(Listed.search_text, bindparam("q", type_=Text)))
    return select(Listed.user_id, Listed.search_text, *first).where(*where)


def _with_role(table: type[Listed | MemberCount], asked: Asked) -> list[SQLColumnExpression[bool]]:
    return [table.role == asked.role] if asked.role else []


def _lines(page: Subquery) -> Select[*tuple[Any, ...]]:
    return (
        select(
            OrganizationMember.id,
            OrganizationMember.role,
            OrganizationMember.created_at.label("joined_at"),
            User.id.label("user_id"),
            User.name,
            User.email,
            User.second_factor_at.is_(None).label("lacks_step"),
            page.c.search_text,
        )
        .join(page, page.c.user_id == OrganizationMember.user_id)
        .join(User, User.id == OrganizationMember.user_id)
        .where(OrganizationMember.organization_id == _HERE)
    )


def searchable(q: str) -> bool:
    """Tell whether anything could contain a text; else NULL takes its place, which nothing contains."""
    return len(q) <= LONGEST and not unfit(q)


def says(q: str, folded: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Tell whether a folded text contains what is searched for."""
    return has(folded, q) if searchable(q) else false()


def _pending() -> Any:
    waiting = select(func.count()).select_from(Invitation)
    return waiting.where(Invitation.organization_id == _HERE, text(PENDING)).scalar_subquery()
