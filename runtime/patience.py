"""How long a request waits for a database that says nothing.

A server that is gone hangs up, and one that is busy ends a statement itself (runtime.database.STATEMENT_TIMEOUT). One
that stands still, with its machine or its disk, does neither: its connections look as if it was busy. So a statement
that hears nothing for a while asks for a connection. If that cannot be had either, nobody waits any longer, and for a
moment nobody who comes is let wait.
"""

import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Self, TypeVar

import psycopg
from psycopg.waiting import Ready

from models.tenant import TenantCursor
from runtime.waiting import WaitingConnection

INTERVAL = 0.1  # seconds after which psycopg says that nothing came
# Together they leave time to answer within two seconds (DESIGN.md section 10).
SILENCE = 0.5  # seconds until a statement asks whether anybody is there
CONNECT = 0.7  # seconds that a connection may take
BELIEVED = 1.0  # seconds for which an answer is believed
# A pooler gives a connection also where the server behind it stands still. By then STATEMENT_TIMEOUT is over.
LONGEST = 6.0  # seconds

Made = TypeVar("Made")


class StandsStill(psycopg.OperationalError):
    """The database says nothing at all."""


class Watch:
    """Opens connections, and knows whether the database stood still when one was last asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ask: Callable[[], PatientConnection] | None = None
        self._asked, self._still = 0.0, False

    @property
    def stands_still(self) -> bool:
        """True if it did a moment ago."""
        return self._still and not self._old

    def connect(self, *arguments: Any, **options: Any) -> "PatientConnection":
        """Open a connection.

        Args:
            arguments: psycopg's.
            options: psycopg's.

        Raises:
            psycopg.OperationalError: it could not be had; at once if it could not a moment ago.
        """
        if self.stands_still:
            raise StandsStill
        self._ask = partial(PatientConnection.connect, *arguments, **options, cursor_factory=TenantCursor)
        made = self._asking(self._ask)
        made.watch = self
        return made

    def look(self) -> bool:
        """Ask for a connection, unless somebody just did; tell whether the database stands still."""
        with self._lock:
            if self._old and self._ask:
                try:
                    self._asking(self._ask).close()
                except psycopg.OperationalError:
                    return self._still  # a refusal is an answer too
            return self._still

    def _asking(self, ask: Callable[[], "PatientConnection"]) -> "PatientConnection":
        still = False
        try:
            return ask()
        except psycopg.errors.ConnectionTimeout:
            still = True
            raise
        finally:
            self._asked, self._still = time.monotonic(), still

    @property
    def _old(self) -> bool:
        return time.monotonic() > self._asked + BELIEVED


class PatientConnection(WaitingConnection):
    """A connection that waits for an answer as long as there is hope for one."""

    watch: Watch | None = None

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> Generator[Any, Any, Self]:
        """Connect in time. psycopg's own limit is in whole seconds, and no less than two."""

        def overdue(seconds: float) -> None:
            if seconds >= CONNECT:
                raise psycopg.errors.ConnectionTimeout("The database gave no connection in time.")

        return (yield from _heeding(super()._connect_gen(conninfo), overdue))

    def wait(self, gen: Any, interval: float = INTERVAL, timeout: float | None = None) -> Any:
        """Wait for what psycopg asked the server."""
        return super().wait(_heeding(gen, self._overdue), interval, timeout)

    def _overdue(self, seconds: float) -> None:
        watch = self.watch
        if seconds >= LONGEST or (watch and (watch.stands_still or (seconds >= SILENCE and watch.look()))):
            self.close()
            raise StandsStill


def _heeding(work: Generator[Any, Any, Made], overdue: Callable[[float], None]) -> Generator[Any, Any, Made]:
    """Do psycopg's work and, whenever nothing came for an interval, tell how many seconds of silence that makes.

    What is counted are the intervals, not the clock: where this process is kept from the processor, the clock goes on
    while the database was not even listened to.
    """
    silent = 0
    try:
        wanted = next(work)
        while True:
            ready = yield wanted
            if ready == Ready.NONE:
                silent += 1
                overdue(silent * INTERVAL)
            wanted = work.send(ready)
    except StopIteration as end:
        made: Made = end.value
        return made
