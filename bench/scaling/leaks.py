"""That one tenant's context never reaches another: both on one pooled connection, in turn and at once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any
from uuid import UUID

import psycopg
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DataError, ProgrammingError

from bench.scaling.places import Place, application, pooler
from models import Project, db, tenant, transaction
from runtime.database import CONNECTION_SETTINGS
from tests.factories import Northfield

AT_ONCE, LOOKS = 4, 2000
ENTERED = "SELECT current_setting('freehold.organization_ids', true)"


def found(place: Place, cast: Northfield) -> list[tuple[str, str]]:
    """Try to carry a tenant over, in every way that a request may end."""
    northfield, harbour = cast.organization.id, cast.harbour.id
    with ExitStack() as running:
        _, url = running.enter_context(pooler(place.postgres, default_pool_size="1", query_wait_timeout="20"))
        first, second = (running.enter_context(application(url)) for _ in range(2))
        assert _backend(first) == _backend(second)  # the control: they share what could leak
        _control(url, northfield)
        for way in (_reads, _writes, _rolls_back, _fails, _fails_to_read, _hangs_up):
            with first.app_context():
                tenant.enter(northfield)
                way()
            assert _seen(second) == _seen(first) == set(), way.__name__
            assert _seen(second, harbour) == {"Lighthouse"}, way.__name__
        assert _backend(first) == _backend(second)
        _holds_settings(url)
        wrong = _at_once([first, second], {northfield: {"Billing pipeline", "Payroll"}, harbour: {"Lighthouse"}})
    assert wrong == 0
    return [
        ("the control: a tenant set for a session, as it never is, is seen by the next client", "yes"),
        ("a tenant entered to read, write, roll back, fail, or hang up inside: is seen by the next", "no, six ways"),
        (f"{LOOKS:,} reads and writes of two tenants, {AT_ONCE} at once: wrong rows", str(wrong)),
        ("time limits and plans as without PgBouncer; a lock of a transaction ends with it", "yes"),
    ]


def _control(url: str, northfield: UUID) -> None:
    """What leaks if it is done wrongly, so that these looks are known to find it."""
    with psycopg.connect(url, autocommit=True) as careless, psycopg.connect(url, autocommit=True) as other:
        told = [f"{{{northfield}}}"]
        careless.execute("SELECT set_config('freehold.organization_ids', %s, false)", told, prepare=False)
        assert other.execute(ENTERED, prepare=False).fetchone() == tuple(told)
        assert other.execute("SELECT count(*) FROM projects", prepare=False).fetchone() == (2,)
        careless.execute("SELECT set_config('freehold.organization_ids', '', false)", prepare=False)


def _reads() -> None:
    assert len(_names()) == 2


def _writes() -> None:
    with transaction():
        db.session.execute(text("UPDATE projects SET description = 'looked at'"))


def _rolls_back() -> None:
    with suppress(ZeroDivisionError), transaction():
        assert len(_names()) == 2
        raise ZeroDivisionError


def _fails() -> None:
    with suppress(ProgrammingError), transaction():
        db.session.execute(text("SELECT * FROM sessions"))


def _fails_to_read() -> None:
    with suppress(DataError):
        db.session.execute(text("SELECT 1 / count(*) FROM projects WHERE name = 'none'"))
    db.session.rollback()


def _hangs_up() -> None:
    """In the middle of a transaction, as a killed process does."""
    with suppress(Exception), transaction():
        assert len(_names()) == 2
        driver: Any = db.session.connection().connection.driver_connection
        driver.close()
        _names()


def _names() -> set[str]:
    """The projects that a query shows that names no tenant."""
    return set(db.session.scalars(select(Project.name)))


def _seen(app: Flask, *organizations: UUID) -> set[str]:
    with app.app_context():
        tenant.enter(*organizations)
        return _names()


def _backend(app: Flask) -> int:
    with app.app_context():
        return int(db.session.scalar(text("SELECT pg_backend_pid()")) or 0)


def _holds_settings(url: str) -> None:
    with psycopg.connect(url) as connection:
        settings = connection.execute("SELECT name, setting FROM pg_settings", prepare=False).fetchall()
        expected = {(name, str(value)) for name, value in CONNECTION_SETTINGS.items() if name != "role"}
        assert expected <= set(settings)
        connection.execute("SELECT pg_advisory_xact_lock(1)", prepare=False)
        connection.commit()
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert connection.execute(held, prepare=False).fetchone() == (0,)


def _at_once(apps: list[Flask], names: dict[UUID, set[str]]) -> int:
    """Look and write as both tenants, over and over; return how often something else was seen than is there."""

    def look(n: int) -> bool:
        app, organization = apps[n // 2 % 2], list(names)[n % 2]
        with app.app_context():
            tenant.enter(organization)
            seen = [_names()]
            if n % 5 == 0:
                with transaction():
                    seen.append(_names())
                seen.append(_names())
            return any(each != names[organization] for each in seen)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(look, range(LOOKS)))
