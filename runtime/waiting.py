"""A connection that takes little of a request: it waits by the loop's own watcher, and ends only what was begun.

psycopg waits by gevent's `select.poll()`, which makes a poll, a result and an event each time, and asks for a watcher
by way of them: 50 µs a statement, and three times that in a pipeline.
"""

from typing import Any

from gevent import monkey
from gevent.hub import Waiter, get_hub
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from psycopg.waiting import Ready

from models.tenant import TenantConnection


class WaitingConnection(TenantConnection):
    """A connection for which only the request waits that asked, where the server runs on gevent."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Let a conversation with the server come to its end.

        Args:
            gen: yields what it waits for: psycopg's WAIT_R and WAIT_W, the same numbers as the loop's READ and WRITE.
            interval: seconds after which it is told that nothing came.
            timeout: seconds to wait at most.

        Returns:
            What the conversation came to.
        """
        if timeout is not None or not monkey.is_module_patched("select"):
            return super().wait(gen, interval, timeout)
        loop, socket = get_hub().loop, self.pgconn.socket
        try:
            wanted: Any = next(gen)
            while True:
                waiter: Waiter[int] = Waiter()
                ready, overdue = loop.io(socket, wanted), loop.timer(interval)
                try:
                    ready.start(waiter.switch, wanted)
                    overdue.start(waiter.switch, Ready.NONE)
                    came = waiter.get()
                finally:
                    ready.close()
                    overdue.close()
                wanted = gen.send(came)
        except StopIteration as end:
            return end.value

    def commit(self) -> None:
        """Commit, if a transaction was begun: reading has none, and SQLAlchemy asks at the end of it too."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            super().commit()

    def rollback(self) -> None:
        """Roll back, if a transaction was begun."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            super().rollback()
