"""docs/backup.md, on a PostgreSQL of one's own: its commands are run as they stand there."""

import os
import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from runtime.postgres import throwaway
from tests.browser_like import Browser
from tests.factories import PASSWORD, populate
from tests.keeping.place import KEY

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "backup.md").read_text(), flags=re.S)
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"


@pytest.fixture(scope="module")
def other_server():
    """A server on which nothing of Freehold is: no role, no database."""
    with throwaway() as server:
        with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
            admin.execute("DROP DATABASE freehold")
            admin.execute("DROP ROLE freehold")
        yield server


def everything(url):
    """Every row of every table, as text; by its superuser, past row-level security."""
    with psycopg.connect(url) as connection:
        tables = [name for (name,) in connection.execute(TABLES)]
        return {name: sorted(connection.execute(f"SELECT t::text FROM {name} t").fetchall()) for name in tables}


def test_the_commands_of_the_page_back_up_and_restore(app, app_with, settings, other_server, tmp_path):
    with app.app_context():
        cast = populate()
    hana = Browser(app, cast.viewer)
    assert hana.get("/orgs/northfield").status_code == 200
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    programs = Path(other_server.program("pg_dump")).parent
    there = other_server.url("postgres", "postgres"), other_server.url()

    def sh(block, database_url, admin_url):
        given = {"DATABASE_URL": database_url, "ADMIN_URL": admin_url, "SECRET_KEY": KEY, "PYTHONPATH": str(ROOT)}
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path), **given}
        script = ["bash", "-euo", "pipefail", "-c", block]
        done = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    dump, roles, restore = BLOCKS
    sh(dump, settings.database_url, "")
    sh(roles, there[1], there[0])
    before = everything(settings.database_url.replace("freehold@", "postgres@", 1))
    *filling, settling = restore.strip().splitlines()
    sh("\n".join(filling), there[1], there[0])
    assert everything(other_server.url("postgres")) == before
    assert "Logged out: 1 people." in sh(settling, there[1], there[0])

    restored = app_with(database_url=there[1])
    with restored.app_context():
        assert restored.test_cli_runner().invoke(args=["audit", "verify"]).exit_code == 0
    assert hana.get("/orgs/northfield").status_code == 200  # where the backup was made, nothing ended
    again = Browser(restored)
    assert again.post("/login", email=cast.viewer.email, password=PASSWORD).status_code == 303
    assert again.get("/orgs/northfield").status_code == 200
    assert again.get("/orgs/northfield/people/invite").status_code == 403
    assert again.get("/orgs/harbour-labs").status_code == 404
    with psycopg.connect(there[1], autocommit=True) as connection:
        connection.execute("SET ROLE freehold_web")
        assert connection.execute("SELECT count(*) FROM projects").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM sessions")
        connection.execute("SELECT set_config('freehold.organization_ids', %s, false)", [f"{{{cast.harbour.id}}}"])
        assert connection.execute("SELECT name FROM projects").fetchall() == [("Lighthouse",)]
