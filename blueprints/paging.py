"""Lists a page at a time: the rows and their number in one statement; and what is searched for in them."""

from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import Integer, Select, func, literal_column, select

from models import db, tenant

SIZE = 50
LONGEST_SEARCH = 100  # characters
# As it is written into statements: a plan that is made for any limit expects thousands of rows.
FEW = literal_column(str(SIZE), Integer)
FURTHEST = 1_000_000  # a page beyond this is the last one, as any that does not exist


@dataclass(frozen=True)
class Page:
    """A part of a list."""

    rows: list[Any]
    number: int
    total: int

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


def paged(query: Select[Any]) -> Page:
    """Read the page that the address asks for with `page`, or the last one if there are fewer.

    Args:
        query: the whole list in a stable order. Its rows get one more column, `total`.
    """
    number = _requested()
    with tenant.planned_anew():
        rows = _read(query, number)
        if not rows and number > 1:
            total = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
            number = max(1, -(-total // SIZE))
            rows = _read(query, number)
    return Page(rows, number, rows[0].total if rows else 0)


def searched() -> str:
    """Return what the address searches for with `q`."""
    return " ".join(request.args.get("q", "").split())[:LONGEST_SEARCH]


def _read(query: Select[Any], number: int) -> list[Any]:
    counted = query.add_columns(func.count().over().label("total"))
    return list(db.session.execute(counted.limit(FEW).offset((number - 1) * SIZE)).all())


def _requested() -> int:
    text = request.args.get("page", "")
    return min(max(1, int(text)), FURTHEST) if text.isascii() and text.isdigit() and len(text) < 10 else 1
