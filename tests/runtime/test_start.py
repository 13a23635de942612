"""A server that should not start says why at once; one whose database is away starts and waits for it."""

import pytest
from flask_migrate import upgrade

from app import create_app
from config import Settings
from models import db
from runtime.postgres import EmbeddedPostgres
from runtime.server_options import THROWAWAY_SETTINGS
from tests.runtime.web_server import WebServer


@pytest.fixture
def start(tmp_path):
    """start(SETTING=value) -> the web server with these."""
    started = []

    def run(**settings):
        started.append(WebServer(tmp_path, **settings))
        return started[-1]

    yield run
    for server in started:
        server.stop()


@pytest.fixture
def postgres(tmp_path_factory):
    """A PostgreSQL that a test starts when it likes."""
    home = tmp_path_factory.mktemp("postgres")
    for place in (home, home.parent):
        place.chmod(0o711)  # root's servers run as another account
    server = EmbeddedPostgres(home, settings=THROWAWAY_SETTINGS)
    yield server
    server.stop()


def test_wrong_settings_are_told_in_a_line_each_and_nothing_more(start):
    server = start(FREEHOLD_ENV="production", SECRET_KEY="", PORT="8000")
    assert server.ends() == 1
    assert [line.partition(": ")[0] for line in server.said.splitlines()] == ["SECRET_KEY", "SMTP_URL"]


def test_a_database_that_is_not_migrated_stops_the_start_with_the_command_to_run(start, make_database):
    server = start(DATABASE_URL=make_database("start"))
    assert server.ends() == 1
    (line,) = server.said.splitlines()
    assert line.startswith("DATABASE_URL: ")
    assert line.endswith("Run: .venv/bin/flask --app app db upgrade")


def test_a_database_that_is_away_is_waited_for(start, postgres):
    url = postgres.start()
    app = create_app(Settings(database_url=url, secret_key="x" * 40, mail_worker=False))
    with app.app_context():
        upgrade()
        db.engine.dispose()
    postgres.stop()
    server = start(DATABASE_URL=url)
    server.until("/healthz", 200)
    assert server.status("/readyz") == 503
    assert server.said.startswith("DATABASE_URL: the database does not answer; until it does, pages say 503. ")
    postgres.start()
    server.until("/readyz", 200)


def test_one_that_turns_out_not_to_be_migrated_stops_the_server(start, postgres):
    server = start(DATABASE_URL=postgres.url())
    server.until("/healthz", 200)
    postgres.start()
    server.ends()
    assert "Run: .venv/bin/flask --app app db upgrade" in server.said
