"""What the database of a host must be like: each fault in a line that names its cure.

`python -m runtime.checks` is how the web server looks when it starts (gunicorn.conf.py).
"""

import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
from alembic.script import ScriptDirectory
from psycopg import sql

from config import Settings, from_environment
from runtime.binaries import OLDEST_MAJOR
from runtime.database import CONNECT_TIMEOUT, WEB_ROLE, engine_options

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # between two looks for a database that is away
MIGRATIONS = ScriptDirectory(str(Path(__file__).resolve().parent.parent / "migrations"))

# Who logged in, who works, and whether either is beyond row-level security.
ROLES = """
    SELECT session_user, login.rolsuper OR login.rolbypassrls, current_user,
           works.rolsuper OR works.rolbypassrls OR EXISTS (
             SELECT FROM pg_class WHERE relrowsecurity AND pg_has_role(works.oid, relowner, 'USAGE'))
    FROM pg_roles login, pg_roles works WHERE login.rolname = session_user AND works.rolname = current_user
"""


def main(settings: Settings, *, wait: bool) -> int:
    """Look at the database, and say what is wrong with it.

    Args:
        settings: the host's. Without DATABASE_URL there is nothing to look at yet: the workers start their own.
        wait: look when it answers, and then tell the web server, our parent, to stop if it cannot be used.

    Returns:
        The exit code: EX_TEMPFAIL where it does not answer, 1 where it cannot be used.
    """
    while True:
        try:
            found = faults(settings) if settings.database_url else []
            break
        except psycopg.OperationalError as error:
            if not wait:
                why = " ".join(str(error).split())
                log.warning("DATABASE_URL: the database does not answer; until it does, pages say 503. (%s)", why)
                return os.EX_TEMPFAIL
            time.sleep(LOOK_SECONDS)
    if found:
        log.error("\n".join(found))
        if wait:
            os.kill(os.getppid(), signal.SIGTERM)
    return 1 if found else 0


def faults(settings: Settings) -> list[str]:
    """Say what is wrong with the database, a line each; in development only what nothing can work with.

    Raises:
        psycopg.OperationalError: it does not answer, or does not let us in.
    """
    with psycopg.connect(settings.database_url, connect_timeout=CONNECT_TIMEOUT) as connection:
        if found := _too_old(connection) or _empty(connection):
            return found
        login = connection.info.user
    try:
        connection = psycopg.connect(settings.database_url, **engine_options(settings)["connect_args"])
    except psycopg.OperationalError as error:
        cure = f"As a superuser: CREATE ROLE {WEB_ROLE}; GRANT {WEB_ROLE} TO {login};"
        return [f"DATABASE_URL: {login} cannot work as {WEB_ROLE}. {cure} ({' '.join(str(error).split())})"]
    with connection:
        found = _not_migrated(connection)
        return found or (_careless(connection) + _unbound(connection) if settings.production else [])


def answers(url: str) -> bool:
    """Tell whether there is a database at an address that lets us in."""
    try:
        psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT).close()
    except psycopg.OperationalError:
        return False
    return True


def head() -> str | None:
    """Return the revision that this code's migrations lead to."""
    return MIGRATIONS.get_current_head()


def behind(applied: str | None) -> bool:
    """Tell whether a database lacks migrations of this code, from the revision that it is at.

    A later version's tables are good enough: code is taken back without them (docs/hosting.md), and serves on while an
    update migrates.
    """
    known = {script.revision for script in MIGRATIONS.walk_revisions()}
    return applied is None or applied in known - {head()}


def _too_old(connection: psycopg.Connection[Any]) -> list[str]:
    if connection.info.server_version >= OLDEST_MAJOR * 10_000:
        return []
    version = connection.info.parameter_status("server_version")
    return [f"DATABASE_URL: PostgreSQL {version} is too old; use version {OLDEST_MAJOR} or newer."]


def _empty(connection: psycopg.Connection[Any]) -> list[str]:
    found = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    return _migrate("has no tables yet") if found == (None,) else []


def _not_migrated(connection: psycopg.Connection[Any]) -> list[str]:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        row = None  # before the web role had a right to look
    applied = row[0] if row else None
    return _migrate(f"is at {applied or 'its beginning'}, not at {head()}") if behind(applied) else []


def _migrate(what: str) -> list[str]:
    return [f"DATABASE_URL: the database {what}. Run: .venv/bin/flask --app app db upgrade"]


def _careless(connection: psycopg.Connection[Any]) -> list[str]:
    """What a server forgets in a power cut although it said that it was done."""
    names = ("fsync", "full_page_writes", "synchronous_commit")
    off = [
        name
        for name in names
        if connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone() == ("off",)
    ]
    if "synchronous_commit" in off:
        log.warning("synchronous_commit: off in the database: a crash takes back what people just saw done.")
        off.remove("synchronous_commit")
    cure = "As a superuser: ALTER SYSTEM SET {0} = on; SELECT pg_reload_conf();"
    return [f"{name}: off in the database: a power cut may ruin it. {cure.format(name)}" for name in off]


def _unbound(connection: psycopg.Connection[Any]) -> list[str]:
    """A role that row-level security does not hold: the one that works, or a login that may become anybody."""
    login, login_bypasses, works, works_bypasses = connection.execute(ROLES).fetchone() or ("", False, "", False)
    if works_bypasses:
        cure = f"Let {WEB_ROLE} itself log in, and give the owner's address as DATABASE_OWNER_URL (docs/hosting.md)."
        return [f"DATABASE_URL: connections work as {works}, beyond row-level security. {cure}"]
    if login_bypasses:
        cure = f"Use another login, or: ALTER ROLE {login} NOSUPERUSER NOBYPASSRLS;"
        return [f"DATABASE_URL: the login {login} is a superuser or has BYPASSRLS. {cure}"]
    return []


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    sys.exit(main(from_environment(), wait="wait" in sys.argv))
