"""Lists of an organization: a page of rows with every count that stands beside them, in one statement."""

from typing import Any, NamedTuple
from urllib.parse import parse_qs
from uuid import UUID

from flask import redirect, request, url_for
from sqlalchemy import Select, select, true
from werkzeug.wrappers import Response

from blueprints.fragments import current_page
from blueprints.paging import FURTHEST, SIZE, Keys, Page
from models import db


def shown() -> dict[str, str]:
    """Return what narrows the list that the browser shows.

    That is the address asked for or, after a change that was made on the list, the address it is on.
    """
    if request.method != "POST":
        return {name: request.args.get(name, "") for name in request.args}
    query = parse_qs(current_page().partition("?")[2], errors="replace")
    return {name: values[0] for name, values in query.items()}


def page_number(text: str) -> int:
    """Read a page's number; whatever cannot be one is the first."""
    return min(max(1, int(text)), FURTHEST) if text.isascii() and text.isdigit() and len(text) < 10 else 1


class Statement(NamedTuple):
    """A list that can be read again and again."""

    both: Select[*tuple[Any, ...]]
    counts: int
    kept: bool

    def read(self, number: int, **given: Any) -> tuple[Page, Any]:
        """Read a page and the counts, which are there also where no row is.

        Args:
            number: which page.
            given: the values of the list's own parameters.

        Returns:
            The page, and a row that has the counts.
        """
        found = list(db.session.execute(self.both, {**given, "before": (number - 1) * SIZE}).all())
        here = [row for row in found if row[self.counts] is not None]
        return Page.counted(here, number, found[0].total, kept=self.kept), found[0]


def statement(keys: Keys, **counts: Any) -> Statement:
    """Build the statement that reads a page of a list with its counts.

    To build it takes longer than to run it: what every day's pages read is built once for each of its shapes.

    Args:
        keys: the list; its lines begin with a column that is never NULL, and have what orders them.
        counts: scalar subqueries.
    """
    page, total = keys.page()
    counts = {"total": total, **counts}
    beside = select(*(count.label(name) for name, count in counts.items())).subquery("beside")
    lines = keys.widen(page).subquery("lines")
    both = select(beside, lines).select_from(beside.outerjoin(lines, true())).order_by(*keys.order(lines.c))
    return Statement(both, len(counts), keys.total is not None)


def beyond(page: Page, endpoint: str, **args: Any) -> Response | None:
    """Lead from a page that does not exist to the last one."""
    if page.number <= page.pages:
        return None
    return redirect(url_for(endpoint, **args, page=page.pages), 303)


def next_to(gone: UUID, before: Page, after: Page) -> UUID | None:
    """Return the row that takes the place of one that left the list, where the reader's focus goes."""
    place = next((i for i, row in enumerate(before.rows) if row.id == gone), None)
    if place is None or not after.rows:
        return None
    return after.rows[min(place, len(after.rows) - 1)].id
