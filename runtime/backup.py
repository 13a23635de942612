"""Backups of the embedded server: one file that pg_dump makes, and its way back.

A backup is proven before it gets its name: it is restored into a throwaway server, and every table there has the rows
that it had in the snapshot that was dumped. Then its digest is written after it, where pg_restore does not look: of
what describes tables and functions, no other check would see that a bit of the file turned. A restore fills a database
beside the one in use, which takes its place when everything about it is right: whatever happens on the way, the former
is what it was.
"""

import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import NullPool, create_engine

from models.audit.checkpoints import Broken
from models.audit.proof import verify
from runtime.child import CommandFailed, flask
from runtime.cluster import DATABASE, ROLE, SUPERUSER
from runtime.database import WEB_ROLE, engine_url
from runtime.embedded import EmbeddedPostgres
from runtime.postgres import throwaway
from runtime.server_options import clean_environment

SEAL = b"\nfreehold backup, sha256 "  # with the digest in hexadecimal, the end of the file
SOMEBODY = "Another command works in the database. End it, and restore again."
FILLED, FORMER = f"{DATABASE}_restored", f"{DATABASE}_former"  # databases, while one takes the other's place

Contents = dict[str, tuple[int, int]]  # of each table: how many rows, and the sum of their hashes

# Their names come quoted. The system's own tables are none of ours.
_TABLES = """
    SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY 1
"""
_OTHERS = """
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_ROLES = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'"
_READ = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} t"


class BackupError(Exception):
    """There is no backup, or no restore, and nothing was changed; the message says why, for people to read."""


def back_up(server: EmbeddedPostgres, target: Path) -> tuple[Contents, Broken | None]:
    """Write everything that is in the database at this moment, and prove it; nobody has to wait for that.

    Args:
        server: whose superuser reads every row, past row-level security.
        target: the file, which must not exist. Only its owner may read it.

    Returns:
        What is in it; and what is wrong with its audit log, where that is so in the database.

    Raises:
        BackupError: with nothing left behind.
    """
    with _new_file(target) as draft:
        with _superuser(server) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot = connection.execute("SELECT pg_export_snapshot()").fetchall()[0][0]
            options = "--format=custom", f"--snapshot={snapshot}", f"--file={draft}"
            _run(server, "pg_dump", *options, server.url(SUPERUSER))
            there = _contents(connection)
            roles = [name for (name,) in connection.execute(_ROLES).fetchall()]
        with throwaway() as other:
            _fill(other, draft, roles)
            with _superuser(other, FILLED) as connection:
                if _contents(connection) != there:
                    raise BackupError("What the backup restores is not what was backed up. Try again, and report it.")
            fault = _fault(other)
        _seal(draft)
    return there, fault


def restore(server: EmbeddedPostgres, source: Path, former: Path | None, *settling: str) -> str:
    """Put a backup in the place of the embedded database: up to date, proven and settled (models.restored).

    Args:
        server: started by this process, so that nobody else serves it.
        source: the backup.
        former: where to back up what is there now, if it may be replaced.
        settling: options of `flask after-restore`.

    Returns:
        What `flask after-restore` said.

    Raises:
        BackupError: with everything as it was.
    """
    _check_seal(source)
    if not server.running:
        raise BackupError("The server runs. Stop bin/serve and every other command of Freehold, and restore again.")
    with _superuser(server) as connection:
        if connection.execute(_OTHERS).fetchall():
            raise BackupError(SOMEBODY)
        has_data = any(rows for table, (rows, _) in _contents(connection).items() if table != "alembic_version")
    if has_data and former is None:
        raise BackupError("There is data already. With --replace it is backed up first, and then replaced.")
    if has_data and former:
        back_up(server, former)
    try:
        _fill(server, source)
        return _settled(server, *settling)
    except BackupError:
        if former:
            former.unlink(missing_ok=True)  # what it keeps is still in its place
        raise
    finally:
        with _superuser(server, SUPERUSER) as admin:
            _drop(admin, FILLED)


def _settled(server: EmbeddedPostgres, *settling: str) -> str:
    here = {"DATABASE_URL": server.url(database=FILLED), "DATABASE_OWNER_URL": "", "DATABASE_LISTEN_URL": ""}
    try:
        said = flask("after-restore", "--yes", *settling, **here)
    except CommandFailed as failure:
        raise BackupError(str(failure).removeprefix("Error: ")) from None
    with _superuser(server, SUPERUSER) as admin:
        _drop(admin, FORMER)
        try:
            with admin.transaction():
                _rename(admin, DATABASE, FORMER)
                _rename(admin, FILLED, DATABASE)
        except psycopg.errors.ObjectInUse:
            raise BackupError(SOMEBODY) from None
        _drop(admin, FORMER)
    return said


@contextmanager
def _new_file(target: Path) -> Iterator[Path]:
    """Let a file be written that gets its name when it is whole, and is nowhere when it does not become so."""
    draft = target.with_name(f"{target.name}.part")
    if target.exists():
        raise BackupError(f"{target} exists already, and is not overwritten.")
    try:
        draft.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise BackupError(f"{draft} exists: this backup is being made, or was interrupted. Remove it then.") from None
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error.strerror}.") from None
    try:
        yield draft
        _flush(draft)
        draft.rename(target)
        _flush(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def _seal(path: Path) -> None:
    with path.open("r+b") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.write(SEAL + digest.encode())


def _check_seal(path: Path) -> None:
    """Compare a backup with the digest at its end. A file that pg_dump made for somebody else has none."""
    length = len(SEAL) + hashlib.sha256().digest_size * 2
    with path.open("rb") as file:
        left = max(file.seek(0, os.SEEK_END) - length, 0)
        file.seek(left)
        end, digest = file.read(), hashlib.sha256()
        file.seek(0)
        while chunk := file.read(min(left, 1024 * 1024)):
            digest.update(chunk)
            left -= len(chunk)
    if end.startswith(SEAL) and end != SEAL + digest.hexdigest().encode():
        raise BackupError(f"{path} is damaged: it is not what was backed up, by the digest at its end.")


def _flush(path: Path) -> None:
    """Make a file, or the names in a directory, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(server: EmbeddedPostgres, source: Path, roles: Iterable[str] = (WEB_ROLE,)) -> None:
    """Restore a backup into the database FILLED. The roles that own or may do something in it must be there."""
    with _superuser(server, SUPERUSER) as admin:
        there = {name for (name,) in admin.execute(_ROLES).fetchall()}
        for role in set(roles) - there:
            admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(WEB_ROLE), sql.Identifier(ROLE)))
        _drop(admin, FILLED)
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(FILLED), sql.Identifier(ROLE)))
    whole = "--exit-on-error", "--single-transaction"
    _run(server, "pg_restore", *whole, f"--dbname={server.url(SUPERUSER, FILLED)}", str(source))
    with _superuser(server, FILLED) as connection:
        connection.execute("ANALYZE")


def _fault(server: EmbeddedPostgres) -> Broken | None:
    """Say what is wrong with a restored audit log."""
    engine = create_engine(engine_url(server.url(SUPERUSER, FILLED)), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            verify(connection)
    except Broken as broken:
        return broken
    return None


def _contents(connection: psycopg.Connection[Any]) -> Contents:
    """Read every row of every table."""
    tables = connection.execute(_TABLES).fetchall()
    return {table: connection.execute(_READ.format(table)).fetchall()[0] for (table,) in tables}


def _run(server: EmbeddedPostgres, name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs."""
    command = [server.program(name), *arguments]
    try:
        done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BackupError(
            f"{command[0]} is missing: install PostgreSQL's client programs of the same version."
        ) from None
    if done.returncode:
        raise BackupError(done.stderr.strip())


@contextmanager
def _superuser(server: EmbeddedPostgres, database: str = DATABASE) -> Iterator[psycopg.Connection[Any]]:
    """Connect as who reads and may do everything."""
    with psycopg.connect(server.url(SUPERUSER, database), autocommit=True) as connection:
        yield connection


def _drop(admin: psycopg.Connection[Any], database: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def _rename(admin: psycopg.Connection[Any], database: str, new: str) -> None:
    admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(database), sql.Identifier(new)))
