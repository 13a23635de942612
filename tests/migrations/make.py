"""Make the database of a released schema, for the tests to upgrade: `python -m tests.migrations.make 0024`.

It begins empty, is migrated release by release, and gets in each the rows that rows/<revision>.sql has for it. A
revision that brings a table or a column is given such a file first. Fixtures are made once: a release does not change.
"""

import re
import subprocess
import sys
from typing import Any

import psycopg
from flask_migrate import upgrade

from app import create_app
from config import Settings
from models import db
from models.audit.seal import ORGANIZATION, TOMBSTONE, sign
from runtime.binaries import find_binaries
from runtime.postgres import throwaway
from tests.browser.server import SECRET_KEY
from tests.migrations.kept import HERE, ROWS, untried

# Of what pg_dump writes: its own remarks, what only psql understands, and what PostgreSQL 15 does not know yet.
NOISE = ("--", "\\", "SET transaction_timeout")


def main(revision: str) -> None:
    with throwaway() as postgres:
        with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as admin:
            admin.execute("CREATE DATABASE kept OWNER freehold")
        url = postgres.url("freehold", "kept")
        app = create_app(Settings(database_url=url, secret_key=SECRET_KEY, mail_worker=False))
        with app.app_context(), psycopg.connect(url, autocommit=True) as owner:
            for rows in ROWS:
                if rows.stem <= revision:
                    upgrade(revision=rows.stem)
                    owner.execute(rows.read_text())
                    bury(owner)
            upgrade(revision=revision)
            if wrong := untried(owner):
                sys.exit("\n".join(["No row of tests/migrations/rows tries these:", *wrong]))
            db.engine.dispose()
        (HERE / "fixtures" / f"{revision}.sql").write_text(dump(postgres.url("postgres", "kept")))


def bury(owner: psycopg.Connection[Any]) -> None:
    """Purge the logs of organizations that are gone: their tombstones are signed with a key that no SQL has."""
    if owner.execute("SELECT to_regclass('audit_heads')").fetchone() == (None,):
        return
    gone = owner.execute(
        "SELECT h.chain, h.seq, h.hash FROM audit_heads h JOIN audit_events e USING (chain, seq)"
        " WHERE e.organization_id NOT IN (SELECT id FROM organizations)"
    ).fetchall()
    for chain, seq, digest in gone:
        owner.execute("SELECT purge_audit(%s, %s)", [chain, sign(TOMBSTONE, chain, ORGANIZATION, seq, digest)])


def dump(url: str) -> str:
    """Return a database as SQL that any connection takes, without what only psql understands."""
    command = [find_binaries().program("pg_dump"), "--inserts", "--no-owner", "--no-comments", url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kept = "\n".join(line for line in said.splitlines() if not line.startswith(NOISE))
    return re.sub("\n{3,}", "\n\n", kept).strip() + "\n"


if __name__ == "__main__":
    main(sys.argv[1])
