"""What one request asks of the database: counted where it is sent, by whoever wants to see it."""

from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID


@dataclass(slots=True)
class Work:
    """A request while it runs: whose it is, and what the database has done for it.

    Statements are counted as the client sends them: without what begins and ends a transaction or tells the tenant,
    whose time counts all the same.
    """

    user_id: UUID | None = None
    organization_id: UUID | None = None
    statements: int = 0
    seconds: float = 0.0


CURRENT: ContextVar[Work | None] = ContextVar("work", default=None)


def current() -> Work:
    """Return the present request's; outside of one, work that nobody looks at."""
    return CURRENT.get() or Work()


class Sending:
    """What is sent inside `with`, and the time until it is answered, count for the present request."""

    __slots__ = ("_began", "_statements", "_work")

    def __init__(self, statements: int = 0) -> None:
        """Count so many statements."""
        self._statements, self._work = statements, CURRENT.get()

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(self, *_: object) -> None:
        if self._work:
            self._work.seconds += perf_counter() - self._began
            self._work.statements += self._statements
