"""The schema: up, down and up again; and the models say the same."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade

from app import create_app
from config import Settings
from models import db
from tests.migrations.catalog import catalog


@pytest.fixture
def fresh(make_database):
    app = create_app(Settings(database_url=make_database("fresh"), secret_key="x", mail_worker=False))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


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
