"""The schema: up, down and up again; and the models say the same."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade

from app import create_app
from config import Settings
from models import db


@pytest.fixture
def fresh(make_database):
    app = create_app(Settings(database_url=make_database("fresh"), secret_key="x", mail_worker=False))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def catalog(url):
    """Everything of ours that is in a database, by name and definition."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute("""
            SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
            UNION ALL SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid), convalidated
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT tgname, tgrelid::regclass::text, pg_get_triggerdef(oid), true
            FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT policyname, tablename, concat(roles, cmd, qual, with_check), true FROM pg_policies
            UNION ALL SELECT proname, proacl::text, pg_get_functiondef(p.oid), true
            FROM pg_proc p JOIN pg_language l ON l.oid = prolang AND lanname IN ('sql', 'plpgsql')
            WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT table_name, grantee, string_agg(privilege_type, ',' ORDER BY privilege_type), true
            FROM information_schema.table_privileges WHERE table_schema = 'public' GROUP BY 1, 2
            ORDER BY 1, 2, 3
        """).fetchall()


def test_models_and_migrations_agree(fresh):
    upgrade()
    with db.engine.connect() as connection:
        found = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(found, db.metadata) == []


def test_up_down_and_up_again_gives_the_same_schema(fresh):
    url = db.engine.url.render_as_string(hide_password=False)
    upgrade()
    first = catalog(url)
    downgrade(revision="base")
    assert not [row for row in catalog(url) if not row[0].startswith("alembic_version")]
    upgrade()
    assert catalog(url) == first
    assert len(first) > 100


def test_readyz_says_when_the_database_is_not_migrated(fresh):
    upgrade(revision="0002")
    assert fresh.test_client().get("/readyz").status_code == 503
