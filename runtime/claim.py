"""Who may touch a data directory: settled by two locks that the kernel releases when their holders die.

- the *keeper's* lock (`postgres-18.keeper`) is held by the process that started the server and will stop it;
- the *server's* lock (`postgres-18.lock`) is inherited by every process of the server.

So a free keeper's lock with a taken server's lock means: the keeper was killed and its server is about to end.
And holding both proves that no process of that server lives, whatever stale pid files say; PostgreSQL's own check
of those is fooled by a zombie or by another process with the same number.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from runtime.binaries import PostgresError
from runtime.filelock import FileLock

DRAIN_SECONDS = 30.0


class InUse(PostgresError):
    """Another living process keeps this data directory; the message names it."""


class Claim:
    """Our right to run a server on a data directory."""

    def __init__(self, data: Path) -> None:
        """Prepare the locks, which lie beside the data directory `data`."""
        self._data = data
        self._keeper = FileLock(data.with_name(f"{data.name}.keeper"))
        self._server = FileLock(data.with_name(f"{data.name}.lock"))

    @property
    def descriptor(self) -> int:
        """The server's lock, for the server's processes to inherit."""
        return self._server.descriptor

    def take(self, wait: float, end_orphan: Callable[[], None]) -> None:
        """Become the keeper, then wait until the last process of an earlier server is gone.

        Args:
            wait: seconds to wait for another keeper.
            end_orphan: asks a server whose keeper was killed to end.

        Raises:
            InUse: if another process keeps the data directory, or an earlier server does not end.
        """
        if not self._keeper.held and not self._keeper.acquire(wait, f"process {os.getpid()} ({_command_line()})"):
            raise InUse(f"The database in {self._data} is in use by {self._keeper.note() or 'another process'}.")
        if self._server.held or self._server.acquire():
            return
        end_orphan()
        if not self._server.acquire(DRAIN_SECONDS):
            self._keeper.release()
            raise InUse(f"The database in {self._data} is in use: an earlier server does not end.")

    def leave_to_server(self) -> None:
        """Let go of the server's lock, so that its processes hold it, and only they."""
        self._server.release()

    def give_up(self) -> None:
        """Let others have the data directory."""
        self._server.release()
        self._keeper.release()


def _command_line() -> str:
    """Return how we were started, short and on one line, for whoever finds the database in use."""
    words = " ".join([Path(sys.orig_argv[0]).name, *sys.orig_argv[1:]]).split()
    return " ".join(words)[:80]
