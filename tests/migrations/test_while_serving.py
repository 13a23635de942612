"""What a migration does to everybody else: it gives way, and one that fails leaves all as it was."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from flask_migrate import upgrade
from sqlalchemy.exc import DataError

from tests.browser_like import Browser
from tests.factories import populate
from tests.migrations.catalog import catalog
from tests.migrations.kept import SCRIPTS

ADDED = "ALTER TABLE users ADD COLUMN shoe_size int"  # takes the table from everybody, for a moment
ADDS = f'op.execute("{ADDED}")'
ROOT = Path(__file__).parents[2]


@pytest.fixture
def amara(migrated):
    """An Owner's browser, on the schema from before."""
    return Browser(migrated, populate().owner)


@pytest.fixture
def holder(migrated, url):
    """A transaction that wrote a row of an account, and stays open."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE users IN ROW EXCLUSIVE MODE")
        yield connection


def applied(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def test_one_that_gets_no_lock_gives_up_and_says_what_to_do(in_background, amara, holder, with_next, url, caplog):
    before = catalog(url)
    migrating = in_background(directory=with_next(ADDS), x_arg=["patience=0"])
    with pytest.raises(SystemExit) as exit:
        migrating.result(60)
    assert exit.value.code == 1
    for words in (ADDED, "Nothing of it was applied", "pg_stat_activity", "run `flask db upgrade` again"):
        assert words in caplog.text
    assert (catalog(url), applied(url)) == (before, SCRIPTS.get_current_head())
    assert amara.get("/orgs/northfield").status_code == 200


def test_one_that_gets_no_lock_gives_way_and_tries_again(in_background, amara, holder, with_next, url):
    waiting = f"SELECT pid FROM pg_stat_activity WHERE query = '{ADDED}' AND wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as onlooker:
        migrating = in_background(directory=with_next(ADDS))
        while not onlooker.execute(waiting).fetchone():
            assert not migrating.done()
    # It stands behind the migration; had that not given way within three seconds, it would be answered 503.
    assert amara.get("/orgs/northfield/people").status_code == 200
    assert not migrating.done()
    holder.rollback()
    migrating.result(60)
    assert applied(url) == "next"
    assert amara.get("/orgs/northfield/people").status_code == 200


def test_one_that_fails_in_the_middle_leaves_all_as_it_was(amara, with_next, url):
    before = catalog(url)
    with pytest.raises(DataError, match="division by zero"):
        upgrade(directory=with_next(ADDS, 'op.execute("UPDATE users SET shoe_size = 1 / 0")'))
    assert (catalog(url), applied(url)) == (before, SCRIPTS.get_current_head())
    assert amara.get("/orgs/northfield").status_code == 200


def test_one_begins_when_another_has_ended(in_background, url):
    with psycopg.connect(url, autocommit=True) as another:
        another.execute("SELECT pg_advisory_lock(hashtext('freehold migrations'))")
        migrating = in_background()
        asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s AND datname = current_database()"
        while another.execute(asked, ["SELECT pg_try_advisory_lock%"]).fetchone() == (0,):
            assert not migrating.done()
        assert another.execute("SELECT to_regclass('users')").fetchone() == (None,)
    migrating.result(60)
    assert applied(url) == SCRIPTS.get_current_head()


@pytest.mark.long
def test_two_at_once_both_end_well(kept, url):
    environment = {**os.environ, "DATABASE_URL": url, "SECRET_KEY": "a key that is only used by tests, 0123456789"}
    command = [sys.executable, "-m", "flask", "--app", "app", "db", "upgrade"]
    both = [subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [migrating.communicate(timeout=100)[1] for migrating in both]
    assert [migrating.returncode for migrating in both] == [0, 0], said
    assert applied(url) == SCRIPTS.get_current_head()


@pytest.mark.parametrize("path", sorted(Path(SCRIPTS.versions).glob("*.py")), ids=lambda path: path.stem)
def test_each_is_one_transaction(path):
    """Outside of it only what PostgreSQL cannot do inside, and leaves nothing usable behind when it fails."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and "autocommit_block" in ast.unparse(node.items[0]):
            for statement in node.body:
                assert "concurrently" in ast.unparse(statement).lower(), ast.unparse(statement)
    assert not [text for text in texts(tree) if text.strip().upper().startswith(("COMMIT", "BEGIN;", "ROLLBACK"))]


def texts(tree):
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
