"""What every test stands on: a real PostgreSQL, the whole application, and a client like a browser."""

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade
from psycopg import sql
from werkzeug.routing import Rule

import emails
from app import create_app
from config import Settings
from models import Invitation, OutgoingMail, Role, User, db, transaction
from models.text import address
from runtime.postgres import throwaway
from tests.between import Between
from tests.browser_like import Browser
from tests.emptying import empty
from tests.factories import Northfield, populate
from tests.statements import Statements

SERVER = "FREEHOLD_TEST_SERVER"  # the superuser's address, told by the first pytest process to its workers
_running = ExitStack()


class Row(tuple[Any, ...]):
    """A row of a query; a column by its name is the first of that name."""

    names: list[str]

    def __getattr__(self, name: str) -> Any:
        return self[self.names.index(name)]


def by_name(cursor: psycopg.Cursor[Any]) -> Callable[[Any], Row]:
    """psycopg's way to make rows."""
    names = [column.name for column in cursor.description or ()]
    return type("Row", (Row,), {"names": names})


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL for the whole run; workers are told where it is."""
    if not hasattr(config, "workerinput"):
        server = _running.enter_context(throwaway())
        os.environ[SERVER] = server.url("postgres", "{database}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop it."""
    if not hasattr(config, "workerinput"):
        _running.close()
        os.environ.pop(SERVER, None)


@pytest.fixture(scope="session")
def make_database(worker_id: str) -> Callable[[str], str]:
    """make_database(name) -> URL of a new, empty database that belongs to an ordinary role, as a host's does."""
    server = os.environ[SERVER]

    def make(name: str) -> str:
        database = sql.Identifier(f"{name}_{worker_id}")
        with psycopg.connect(server.format(database="postgres"), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER freehold").format(database))
        return server.format(database=f"{name}_{worker_id}").replace("postgres@", "freehold@", 1)

    return make


@pytest.fixture(scope="session")
def settings(make_database: Callable[[str], str]) -> Settings:
    """A host's settings, with hashes that cost next to nothing."""
    return Settings(
        database_url=make_database("freehold"),
        secret_key="a key that is only used by tests, 0123456789",
        base_url="http://localhost",
        mail_from="Freehold <freehold@example.org>",
        mail_worker=False,
        argon2_memory_kib=8,
        argon2_passes=1,
        hashing_threads=8,
        testing=True,
    )


@pytest.fixture
def line(settings: Settings) -> Iterator[Between]:
    """Lie between an application that is given `line.url` and the database."""
    with Between(settings.database_url) as between:
        yield between


@pytest.fixture(scope="session")
def _application(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    with app.app_context():
        upgrade()
    yield app
    app.extensions["live"].stop()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(_application: Flask, owner: psycopg.Connection[Any]) -> Iterator[Flask]:
    """The application, on an empty database. No context is pushed: each request of a client makes its own."""
    yield _application
    owner.execute(empty())


@pytest.fixture(scope="session")
def owner(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the tables' owner, in autocommit: it sees every tenant, as the host's own tools do."""
    with psycopg.connect(settings.database_url, autocommit=True, row_factory=by_name) as connection:
        yield connection


@pytest.fixture
def context(app: Flask, request: pytest.FixtureRequest) -> Iterator[None]:
    """An application context, for tests that call models, inside Northfield where there is one.

    Not together with a client: they would share a session.
    """
    here = request.getfixturevalue("northfield") if "northfield" in request.fixturenames else None
    with here.inside(app) if here else app.app_context():
        yield


@pytest.fixture
def app_with(app: Flask, settings: Settings) -> Iterator[Callable[..., Flask]]:
    """app_with(email_verification="off") -> the application with other settings, on the same database."""
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        made.append(create_app(replace(settings, **changes)))
        return made[-1]

    yield make
    for other in made:
        other.extensions["live"].stop()
        with other.app_context():
            db.engine.dispose()


@pytest.fixture
def browser(app: Flask) -> Callable[..., Browser]:
    """browser(user) -> a client where that user is logged in; browser() -> a visitor's. app= takes another one."""

    def open_for(user: User | None = None, *, app: Flask = app) -> Browser:
        return Browser(app, user)

    return open_for


@pytest.fixture
def northfield(app: Flask) -> Northfield:
    """The organization of all examples with its cast: owner, admin, operator, viewer, guest; and a stranger."""
    with app.app_context():
        return populate()


@pytest.fixture
def as_(browser: Callable[..., Browser], northfield: Northfield) -> Callable[[str], Browser]:
    """as_("admin") -> the browser of one of the cast."""
    return lambda name: browser(northfield.person(name))


@pytest.fixture
def second_owner(northfield: Northfield, query: Callable[..., Any]) -> None:
    """Sven Weber, the admin, is an Owner too."""
    query("UPDATE organization_members SET role = 'OWNER' WHERE id = %(id)s", id=northfield.member("admin").id)


@pytest.fixture
def url_of(app: Flask, northfield: Northfield) -> Callable[[Rule], str]:
    """url_of(rule) -> the address of a route, with Northfield's own things in it."""
    with northfield.inside(app), transaction():
        invitation = Invitation.issue(
            northfield.organization.id, address("ana@example.org"), Role.VIEWER, northfield.owner.id
        )
    things: dict[str, Any] = {
        "slug": "northfield",
        "project_id": northfield.project.id,
        "member_id": northfield.member("viewer").id,
        "user_id": northfield.viewer.id,
        "invitation_id": invitation.id,
        "organization_id": northfield.organization.id,
        "mail_id": northfield.organization.id,
        "passkey_id": northfield.organization.id,
        "session_id": northfield.organization.id,
        "token": "A" * 64,
    }

    def build(rule: Rule) -> str:
        with app.test_request_context():
            return app.url_for(rule.endpoint, **{name: things[name] for name in rule.arguments})

    return build


@pytest.fixture
def query(owner: psycopg.Connection[Any]) -> Callable[..., Any]:
    """query("SELECT …", name=value) -> rows, or how many were changed; as the owner, so of every tenant."""

    def run(statement: str, **values: Any) -> Any:
        # Values are always passed: so that "%%" stands for "%" in every statement.
        result = owner.execute(statement, values)
        has_rows = result.pgresult is not None and result.pgresult.status == psycopg.pq.ExecStatus.TUPLES_OK
        return result.fetchall() if has_rows else result.rowcount

    return run


@pytest.fixture
def somebody_waits(query: Callable[..., Any]) -> Callable[[], Any]:
    """somebody_waits() -> whether a connection waits for a lock."""
    return lambda: query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """meanwhile(owner, "name", do) -> do() happens in another thread when owner.name is first called: before it does
    anything or, after=True, when it has done it.
    """

    def arrange(owner: Any, name: str, do: Callable[[], object], *, after: bool = False) -> None:
        really = getattr(owner, name)

        def aside() -> None:
            monkeypatch.setattr(owner, name, really)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(do).result(20)

        def called(*args: Any, **more: Any) -> Any:
            if not after:
                aside()
            done = really(*args, **more)
            if after:
                aside()
            return done

        monkeypatch.setattr(owner, name, called)

    return arrange


@pytest.fixture
def statements() -> Callable[[], AbstractContextManager[Statements]]:
    """`with statements() as sent:` records what the application sends; len(sent) leaves BEGIN and COMMIT out."""
    return Statements


@pytest.fixture
def mails(app: Flask) -> Callable[[], list[Any]]:
    """mails() -> the mails that are queued, oldest first, as they would be sent now."""

    def written() -> list[Any]:
        with app.app_context():
            rows = db.session.scalars(db.select(OutgoingMail).order_by(OutgoingMail.id)).all()
            return [mail for row in rows if (mail := emails.render(row))]

    return written


@pytest.fixture
def link(mails: Callable[[], list[Any]]) -> Callable[[], str]:
    """link() -> the path of the link in the latest mail."""

    def latest() -> str:
        body = mails()[-1].get_body(("plain",)).get_content()
        return re.findall(r"http://localhost(/\S+)", body)[0]

    return latest
