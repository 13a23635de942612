"""What a request's line in the log and its metrics cost: `python -m bench.watching`.

The same application twice in this process, of which one is not watched; both answer in turns, under gevent, with JSON
lines into a pipe and metrics in shared memory, as in production. CPU is that of this process alone.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

counted = tempfile.TemporaryDirectory(dir="/dev/shm")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = counted.name  # before prometheus_client is imported

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import QueuePool
from werkzeug.test import EnvironBuilder

from app import create_app
from blueprints import watching
from config import Settings
from models.tenant import TenantCursor
from runtime import database
from runtime.postgres import throwaway
from tests.browser_like import Browser
from tests.factories import populate

REQUESTS = 500
PAGES = {"leading on": "/", "people": "/orgs/northfield/people"}  # of two statements each


@dataclass
class Side:
    """One of the two, and what its requests took, in microseconds each."""

    app: Flask
    watched: bool
    cookie: str = ""
    taken: list[float] = field(default_factory=list)

    def measure(self, path: str) -> None:
        """Ask for a page."""
        cookie = [("Cookie", self.cookie)]
        asked = EnvironBuilder(path, headers=cookie, environ_base={"REMOTE_ADDR": "127.0.0.1"}).get_environ()
        with self._seen():
            began = time.process_time_ns()
            b"".join(self.app.wsgi_app(asked, _started))
            self.taken.append((time.process_time_ns() - began) / 1000)

    def _seen(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.watched else patch.object(TenantCursor, "execute", TenantCursor._execute)


def _started(_status: str, _headers: list[tuple[str, str]], _error: Any = None) -> Any:
    return None


def side(url: str, *, watched: bool) -> Side:
    """Make an application on a database; not watched, with SQLAlchemy's own pool and without what sees each request."""
    settings = Settings(freehold_env="production", database_url=url, secret_key="only for measuring", mail_worker=False)
    with ExitStack() as off:
        if not watched:
            off.enter_context(patch.object(database, "WatchedPool", QueuePool))
            off.enter_context(patch.object(watching, "init_app"))
        return Side(create_app(settings), watched)


def main() -> None:
    """Measure and print."""
    reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert reader.stdin
    os.dup2(reader.stdin.fileno(), sys.stderr.fileno())
    with throwaway() as server:
        sides = [side(server.url(), watched=False), side(server.url(), watched=True)]
        with sides[0].app.app_context():
            upgrade()
            cast = populate()
        for one in sides:
            one.cookie = f"session={Browser(one.app, cast.owner).cookie('session')}"
        for page, path in PAGES.items():
            for one in sides:
                for _ in range(50):
                    one.measure(path)  # compiles templates and plans
                one.taken.clear()
            for n in range(REQUESTS):
                for one in sides[:: 1 if n % 2 else -1]:
                    one.measure(path)
            (low, middle), (more_low, more_middle) = (statistics.quantiles(one.taken, n=10)[0:5:4] for one in sides)
            print(
                f"{page:15} not watched {middle:6.0f}   watched {more_middle:6.0f} µs   "
                f"of medians {more_middle - middle:5.1f} µs more, of quickest tenths {more_low - low:5.1f} µs",
                flush=True,
            )


if __name__ == "__main__":
    main()
