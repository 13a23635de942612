"""What is wrong with a host's database, said in lines that name the setting and the cure."""

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from flask_migrate import upgrade

from app import create_app
from models import db
from runtime import checks
from runtime.checks import faults
from runtime.postgres import throwaway
from runtime.server_options import CAREFUL_SETTINGS

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL as a host has it, of this module's own: what is done to its roles holds for all of its databases."""
    with throwaway(CAREFUL_SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def admin(server):
    with psycopg.connect(server.url("postgres", "freehold"), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def host(server, settings):
    """A host's settings, with its database migrated by the tables' owner."""
    host = replace(settings, freehold_env="production", database_url=server.url("freehold", "freehold"))
    app = create_app(host)
    with app.app_context():
        upgrade()
        db.engine.dispose()
    return host


@pytest.fixture
def undone(admin):
    """undone("…", "…") does something to the server, and the second to undo it when the test is over."""
    later = []

    def do(statement, undo):
        admin.execute(statement)
        later.append(undo)

    yield do
    for statement in reversed(later):
        admin.execute(statement)


def by(server, login):
    return server.url(login, "freehold")


def test_a_fit_database_has_no_faults(host):
    assert faults(host) == []


def test_the_web_roles_own_login_has_none_either(host, server, undone):
    undone("ALTER ROLE freehold_web LOGIN", "ALTER ROLE freehold_web NOLOGIN")
    assert faults(replace(host, database_url=by(server, "freehold_web"))) == []


def test_a_login_that_is_a_superuser_is_one(host, server):
    (fault,) = faults(replace(host, database_url=by(server, "postgres")))
    assert fault.startswith("DATABASE_URL: the login postgres is a superuser or has BYPASSRLS. ")


def test_a_login_that_bypasses_row_level_security_is_one(host, server, undone):
    undone("CREATE ROLE careless LOGIN BYPASSRLS IN ROLE freehold_web", "DROP ROLE careless")
    (fault,) = faults(replace(host, database_url=by(server, "careless")))
    assert "ALTER ROLE careless NOSUPERUSER NOBYPASSRLS" in fault


@pytest.mark.parametrize(
    ("done", "undo"),
    [
        ("ALTER ROLE freehold_web SUPERUSER", "ALTER ROLE freehold_web NOSUPERUSER"),
        ("ALTER ROLE freehold_web BYPASSRLS", "ALTER ROLE freehold_web NOBYPASSRLS"),
        ("ALTER TABLE projects OWNER TO freehold_web", "ALTER TABLE projects OWNER TO freehold"),
        (
            "CREATE ROLE proprietor; ALTER TABLE projects OWNER TO proprietor; GRANT proprietor TO freehold_web",
            "ALTER TABLE projects OWNER TO freehold; DROP ROLE proprietor",
        ),
    ],
)
def test_a_web_role_that_row_level_security_does_not_hold_is_one(host, server, undone, done, undo):
    undone("ALTER ROLE freehold_web LOGIN", "ALTER ROLE freehold_web NOLOGIN")
    undone(done, undo)
    (fault,) = faults(replace(host, database_url=by(server, "freehold_web")))
    assert fault.startswith("DATABASE_URL: connections work as freehold_web, beyond row-level security. ")
    assert "DATABASE_OWNER_URL" in fault


def test_a_login_that_may_not_work_as_the_web_role_is_one(host, server, undone):
    undone("CREATE ROLE outsider LOGIN", "DROP ROLE outsider")
    (fault,) = faults(replace(host, database_url=by(server, "outsider")))
    assert fault.startswith("DATABASE_URL: outsider cannot work as freehold_web. ")
    assert "GRANT freehold_web TO outsider;" in fault


def test_a_database_without_tables_is_one(host, settings, make_database):
    (fault,) = faults(replace(settings, database_url=make_database("checks")))
    assert fault.startswith("DATABASE_URL: the database has no tables yet. Run: .venv/bin/flask --app app db upgrade")


def test_a_database_that_is_not_migrated_is_one(host, undone):
    head = checks.head()
    undone("UPDATE alembic_version SET version_num = '0022'", f"UPDATE alembic_version SET version_num = '{head}'")
    (fault,) = faults(replace(host, freehold_env="development"))
    assert fault.startswith(f"DATABASE_URL: the database is at 0022, not at {head}. Run: ")


def test_a_database_of_a_later_version_is_none(host, undone):
    head = checks.head()
    undone("UPDATE alembic_version SET version_num = '9999'", f"UPDATE alembic_version SET version_num = '{head}'")
    assert faults(host) == []


def test_a_server_that_is_too_old_is_one(host, monkeypatch):
    """Shown by asking for a newer one than there is; the oldest is the one that the documentation names."""
    assert f"version {checks.OLDEST_MAJOR} or newer" in (DOCS.parent / "README.md").read_text()
    monkeypatch.setattr(checks, "OLDEST_MAJOR", 99)
    (fault,) = faults(replace(host, freehold_env="development"))
    assert fault.startswith("DATABASE_URL: PostgreSQL ")
    assert fault.endswith(" is too old; use version 99 or newer.")


@pytest.mark.usefixtures("app")
def test_a_server_that_a_power_cut_ruins_is_one_in_production(settings, caplog):
    """The tests' own server is: it forgets everything anyway."""
    assert faults(settings) == []
    fsync, pages = faults(replace(settings, freehold_env="production"))
    assert fsync.startswith("fsync: off in the database")
    assert "ALTER SYSTEM SET fsync = on;" in fsync
    assert pages.startswith("full_page_writes: off in the database")
    assert "synchronous_commit: off" in caplog.text


def test_a_database_that_is_away_is_no_fault(host, tmp_path):
    away = replace(host, database_url=f"postgresql://freehold@/freehold?host={tmp_path}")
    with pytest.raises(psycopg.OperationalError):
        faults(away)
    assert not checks.answers(away.database_url)
    assert checks.answers(host.database_url)
