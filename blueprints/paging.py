"""Lists a page at a time: the rows and their number in one statement; and what is searched for in them.

A long list is read by its keys, which an index has in order; what else its lines show is read for the page alone. Where
it is narrowed, so that nobody keeps count of it, it ends after MOST rows: whoever looks for something narrows further.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from flask import request
from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    Subquery,
    bindparam,
    func,
    literal_column,
    select,
)

from models import db, tenant

SIZE = 50
LONGEST_SEARCH = 100  # characters
# As it is written into statements: a plan that is made for any limit expects thousands of rows.
FEW = literal_column(str(SIZE), Integer)
MOST = 1_000  # rows of a list that nobody keeps count of
BEFORE = bindparam("before", type_=Integer)  # rows on the pages before
FURTHEST = 1_000_000  # a page beyond this is the last one, as any that does not exist


Order = Callable[[Any], Sequence[ColumnElement[Any]]]


@dataclass(frozen=True)
class Page:
    """A part of a list."""

    rows: list[Any]
    number: int
    total: int
    more: bool = False  # the list ends here, but there are more than its total

    @classmethod
    def counted(cls, rows: list[Any], number: int, total: int, *, kept: bool) -> Self:
        """Make a page of a list whose rows were counted, unless a count is `kept`, to one above MOST."""
        return cls(rows, number, total if kept else min(total, MOST), more=not kept and total > MOST)

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.total // SIZE))

    @property
    def first(self) -> int:
        """The place of the first row in the whole list, from 1."""
        return (self.number - 1) * SIZE + 1

    @property
    def last(self) -> int:
        """The place of the last row in the whole list."""
        return self.first + len(self.rows) - 1


class Keys(NamedTuple):
    """A long list, by its keys.

    `rows` has a row's key and what orders it; `order` says, given columns, by what; `total`, if anybody keeps count,
    how many there are; `widen` adds to a page of them, as a subquery, what their lines show.
    """

    rows: Select[*tuple[Any, ...]]
    order: Order
    widen: Callable[[Subquery], Select[*tuple[Any, ...]]]
    total: ScalarSelect[int] | None = None

    def page(self) -> tuple[Subquery, ScalarSelect[int]]:
        """Return the keys of one page, whose place is the parameter BEFORE, and the number of all."""
        rows, total = self.rows, self.total
        if total is None:
            found = rows.order_by(*self.order(rows.selected_columns)).limit(literal_column(str(MOST + 1))).cte("found")
            rows, total = select(found), select(func.count()).select_from(found).scalar_subquery()
        return rows.order_by(*self.order(rows.selected_columns)).limit(FEW).offset(BEFORE).subquery("page"), total


class Lines(NamedTuple):
    """What reads a list a page at a time; built once, it can be read again and again."""

    rows: Select[*tuple[Any, ...]]
    total: ScalarSelect[int]
    kept: bool  # all are counted; else no more than one above MOST

    @classmethod
    def by(cls, keys: Keys, *counts: ColumnElement[Any]) -> Self:
        """Make those of a long list; `counts` are further columns of each row."""
        page, total = keys.page()
        rows = keys.widen(page).add_columns(total.label("total"), *counts).order_by(*keys.order(page.c))
        return cls(rows, total, keys.total is not None)

    def read(self, **given: Any) -> Page:
        """Read the page that the address asks for with `page`, or the last one if there are fewer.

        Args:
            given: the values of the list's own parameters.
        """
        with tenant.planned_anew():
            found = self._page(_requested(), given)
            return found if found.number <= found.pages else self._page(found.pages, given)

    def _page(self, number: int, given: dict[str, Any]) -> Page:
        rows = list(db.session.execute(self.rows, {**given, "before": (number - 1) * SIZE}).all())
        if rows or number == 1:
            return Page.counted(rows, number, rows[0].total if rows else 0, kept=self.kept)
        return Page.counted(rows, number, db.session.scalars(select(self.total), given).one(), kept=self.kept)


def paged(query: Select[Any]) -> Page:
    """Read the page that the address asks for with `page`, or the last one if there are fewer.

    Args:
        query: the whole list in a stable order. Its rows get one more column, `total`.
    """
    total = select(func.count()).select_from(query.order_by(None).subquery()).scalar_subquery()
    counted = query.add_columns(func.count().over().label("total"))
    return Lines(counted.limit(FEW).offset(BEFORE), total, kept=True).read()


def paged_by(keys: Keys, *counts: ColumnElement[Any]) -> Page:
    """Do the same with a long list; `counts` are further columns of each row."""
    return Lines.by(keys, *counts).read()


def searched() -> str:
    """Return what the address searches for with `q`."""
    return " ".join(request.args.get("q", "").split())[:LONGEST_SEARCH]


def has(folded: Any, q: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Tell whether a folded text has what is searched for, which is folded once and not for each row.

    Not by LIKE: that takes twice as long, and signs that folding turns into % and _ would have to be escaped.
    """
    return func.strpos(folded, select(func.fold(q)).scalar_subquery()) > 0


def _requested() -> int:
    text = request.args.get("page", "")
    return min(max(1, int(text)), FURTHEST) if text.isascii() and text.isdigit() and len(text) < 10 else 1
