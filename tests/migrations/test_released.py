"""Databases of released schemas, with rows that people left there, become ones of today and lose nothing."""

import re

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import upgrade
from sqlalchemy import text

from models import db
from models.audit.proof import verify
from runtime.database import as_owner
from tests.browser_like import Browser, words
from tests.factories import PASSWORD
from tests.migrations.catalog import catalog
from tests.migrations.kept import FIXTURES, SCRIPTS, contents, lost, restore, untried


@pytest.fixture
def today(app, settings):
    """The schema of a database that was empty before it was migrated."""
    return catalog(settings.database_url)


@pytest.fixture(params=FIXTURES, ids=[fixture.stem for fixture in FIXTURES])
def released(request, kept, url):
    """The application on a database that was restored, and a connection of its owner."""
    with psycopg.connect(url, autocommit=True) as owner:
        restore(owner, request.param)
        assert owner.execute("SELECT version_num FROM alembic_version").fetchone() == (request.param.stem,)
        yield kept, owner


def test_a_released_database_is_upgraded_and_served(released, today, url):
    served, owner = released
    assert untried(owner) == []
    before = contents(owner)
    upgrade()
    after = contents(owner)
    assert before.keys() <= after.keys()
    assert lost(before, after) == []
    assert bare(catalog(url)) == bare(today)
    assert_the_models_agree()
    assert_it_is_served(served)
    with as_owner() as connection:
        events = connection.scalar(text("SELECT count(*) FROM audit_events"))
        assert verify(connection).events == events >= len(before.get("audit_events", [])) + 1


def bare(schema):
    """Definitions without parentheses: of what it printed itself, PostgreSQL prints fewer."""
    return [[re.sub(r"[()\s]+", " ", str(value)) for value in row] for row in schema]


def assert_the_models_agree():
    with db.engine.connect() as connection:
        found = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(found, db.metadata) == []


def assert_it_is_served(app):
    browser = Browser(app)
    assert browser.get("/readyz").status_code == 200
    assert browser.post("/login", email="amara.okafor@example.org", password=PASSWORD).status_code == 303
    assert "Northfield" in words(browser.get("/orgs/northfield").text)
    people = words(browser.get("/orgs/northfield/people").text)
    for name in ("Amara Okafor", "Sven Weber", "Kofi Mensah", "Hána Reyés", "Inês Costa"):
        assert name in people
    assert "Billing pipeline" in words(browser.get("/orgs/northfield/projects").text)
    assert browser.get("/orgs/northfield/audit").status_code == 200


def test_the_schema_before_the_newest_migration_is_kept():
    before = SCRIPTS.get_revision("head").down_revision
    assert before in {fixture.stem for fixture in FIXTURES}, f"run: python -m tests.migrations.make {before}"


@pytest.mark.parametrize(
    "spoiled", ["DELETE FROM farewells", "UPDATE projects SET name = 'Other' WHERE name = 'Payroll'"]
)
def test_what_is_lost_is_seen(kept, url, spoiled):
    with psycopg.connect(url, autocommit=True) as owner:
        restore(owner, FIXTURES[-1])
        before = contents(owner)
        owner.execute(spoiled)
        assert lost(before, contents(owner))
