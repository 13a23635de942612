"""What tests of the database's own rules start from."""

import psycopg
import pytest
from flask_migrate import upgrade

from app import create_app
from config import Settings
from models import db
from tests.emptying import keep_directory


@pytest.fixture
def two_connections(make_database):
    """Two connections to a database of their own; the first has to give its organization an Owner, and to commit.

    Of their own, because a positive control takes a rule away there, and the directory rests.
    """
    url = make_database("rules")
    app = create_app(Settings(database_url=url, secret_key="x", mail_worker=False))
    with app.app_context():
        upgrade()
        db.session.remove()
        db.engine.dispose()
    with psycopg.connect(url) as a, psycopg.connect(url) as b:
        a.execute("INSERT INTO users (email, email_key, name, password_hash) VALUES ('a','a','A',''), ('b','b','B','')")
        a.execute("INSERT INTO organizations (name, slug) VALUES ('Two', 'two')")
        a.execute(keep_directory("DISABLE"))
        b.execute("SET lock_timeout = '500ms'")
        b.commit()
        yield a, b


@pytest.fixture
def tables(app, query):
    """The names of all tables."""
    return [name for (name,) in query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]


@pytest.fixture
def said(tables, query):
    """said("some words") -> the tables in which a row has them in any column."""
    having = "SELECT FROM {} r WHERE r::text ILIKE %(words)s"
    return lambda words: [table for table in tables if query(having.format(table), words=f"%{words}%")]
