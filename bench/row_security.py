"""What row-level security costs a page: `python -m bench.row_security`.

The same application on two databases, of which one has no policies and is never told a tenant. Both answer in this
process, in turns; CPU is that of Python and of both servers' backends, from /proc. Ratios within a run are what counts.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
from flask import Flask
from flask_migrate import upgrade

from app import create_app
from config import Settings
from models import tenant
from runtime.postgres import throwaway
from tests.browser_like import Browser
from tests.factories import populate

ROUNDS, REQUESTS, MEMBERS = 15, 60, 60
PAGES = {"people": "/orgs/northfield/people", "projects": "/orgs/northfield/projects", "home": "/orgs/northfield"}
PROTECTED = "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"


@dataclass
class Side:
    """One of the two, and what its requests took, in microseconds each."""

    name: str
    app: Flask
    url: str
    protected: bool
    client: Any = None
    python: list[float] = field(default_factory=list)
    postgres: list[float] = field(default_factory=list)

    def measure(self, path: str) -> None:
        """Ask for a page many times."""
        with self._told():
            before, begun = self._backends(), time.process_time()
            for _ in range(REQUESTS):
                assert self.client.get(path).status_code == 200
            self.python.append((time.process_time() - begun) / REQUESTS * 1e6)
            self.postgres.append((self._backends() - before) / REQUESTS)

    @contextmanager
    def _told(self) -> Iterator[None]:
        with nullcontext() if self.protected else patch.object(tenant, "_apply", lambda *_: None):
            yield

    def _backends(self) -> float:
        with psycopg.connect(self.url) as connection:
            mine = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            pids = [row[0] for row in connection.execute(mine)]
        return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1000


def side(name: str, url: str, *, protected: bool) -> Side:
    """Make a database with the cast and sixty more members, and an application on it."""
    app = create_app(Settings(database_url=url, secret_key="only for measuring", mail_worker=False))
    with app.app_context():
        upgrade()
        cast = populate()
    with psycopg.connect(url) as owner:
        owner.execute(
            """WITH people AS (
                 INSERT INTO users (email, email_key, name, password_hash)
                 SELECT k, k, 'Person ' || n, '' FROM generate_series(1, %s) n, concat('p', n, '@example.org') k
                 RETURNING id)
               INSERT INTO organization_members (organization_id, user_id, role) SELECT %s, id, 'VIEWER' FROM people""",
            [MEMBERS, cast.organization.id],
        )
        if not protected:
            for (table,) in owner.execute(PROTECTED).fetchall():
                owner.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    return Side(name, app, url, protected, Browser(app, cast.owner).client)


def main() -> None:
    """Measure and print."""
    with throwaway() as first, throwaway() as second:
        sides = [side("without", first.url(), protected=False), side("with", second.url(), protected=True)]
        for page, path in PAGES.items():
            for one in sides:
                one.measure(path)  # compiles templates and plans
                one.python.clear()
                one.postgres.clear()
            for _ in range(ROUNDS):
                for one in sides:
                    one.measure(path)
            plain, walled = ([statistics.median(s.python), statistics.median(s.postgres)] for s in sides)
            ratio = statistics.median(
                (sides[1].python[n] + sides[1].postgres[n]) / (sides[0].python[n] + sides[0].postgres[n])
                for n in range(ROUNDS)
            )
            print(
                f"{page:9} without {plain[0]:6.0f} + {plain[1]:4.0f}   with {walled[0]:6.0f} + {walled[1]:4.0f} µs"
                f"   paired ratio {ratio:.3f}"
            )


if __name__ == "__main__":
    main()
