"""The embedded server: a PostgreSQL of our own behind the default DATABASE_URL.

`EmbeddedPostgres` is one server; `attach_or_start` is for commands, which share the one that runs; `throwaway` is
for tests and measurements.
"""

import atexit
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from runtime.binaries import PostgresError
from runtime.claim import InUse
from runtime.embedded import POLL_SECONDS, START_SECONDS, EmbeddedPostgres
from runtime.server_options import THROWAWAY_SETTINGS

__all__ = ["EmbeddedPostgres", "InUse", "PostgresError", "attach_or_start", "throwaway"]


def attach_or_start(base: Path) -> EmbeddedPostgres:
    """Return the embedded server in `base`: another process's, else our own (`running`) until we exit.

    Raises:
        PostgresError: if it cannot be had.
    """
    postgres = EmbeddedPostgres(base)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            postgres.start()
        except InUse:
            if postgres.ready():
                return postgres
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
        else:
            atexit.register(postgres.stop)
            return postgres


@contextmanager
def throwaway(settings: Mapping[str, str] | None = None) -> Iterator[EmbeddedPostgres]:
    """Run a server on an empty cluster that is removed afterwards: quick, and careless about power cuts."""
    home = Path(tempfile.mkdtemp(prefix="freehold-"))
    home.chmod(0o711)  # ours, and just open enough for the account that root's servers run as
    try:
        with EmbeddedPostgres(home, settings={**THROWAWAY_SETTINGS, **(settings or {})}) as postgres:
            yield postgres
    finally:
        shutil.rmtree(home, ignore_errors=True)
