"""Databases to migrate, and migrations that there are not yet."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask_migrate import upgrade

from app import create_app
from models import db
from tests.migrations.kept import SCRIPTS

NEXT = """
from alembic import op

revision = "next"
down_revision = "{head}"


def upgrade():
{body}
"""


@pytest.fixture
def kept(app, make_database, settings):
    """The application on an empty database of its own, on a server where another was migrated already."""
    apart = create_app(replace(settings, database_url=make_database("kept")))
    with apart.app_context():
        yield apart
        db.session.remove()
        db.engine.dispose()
    apart.extensions["live"].stop()


@pytest.fixture
def url(kept):
    """Where that is, for psycopg."""
    return kept.config["SQLALCHEMY_DATABASE_URI"].replace("+psycopg", "")


@pytest.fixture
def migrated(kept):
    """The same, migrated to what the code expects."""
    upgrade()
    return kept


@pytest.fixture
def with_next(tmp_path):
    """with_next("op.execute(…)", …) -> a directory of our migrations, and one more that does this."""

    def make(*lines):
        copy = tmp_path / "migrations"
        shutil.copytree(SCRIPTS.dir, copy, ignore=shutil.ignore_patterns("__pycache__"))
        body = "\n".join(f"    {line}" for line in lines)
        (copy / "versions" / "next.py").write_text(NEXT.format(head=SCRIPTS.get_current_head(), body=body))
        return str(copy)

    return make


@pytest.fixture
def in_background(kept):
    """in_background(revision="0024") -> migrates as another process does, and can be waited for."""

    def migrate(**how):
        with kept.app_context():
            upgrade(**how)

    with ThreadPoolExecutor(1) as pool:
        yield lambda **how: pool.submit(migrate, **how)
