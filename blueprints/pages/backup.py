"""`flask backup`, `flask restore`, `flask after-restore`: keeping a copy of everything, and coming back from it."""

from datetime import UTC, datetime
from pathlib import Path

import click
import psycopg
from flask import Blueprint, current_app
from flask_migrate import upgrade
from sqlalchemy import Connection

from models.audit.checkpoints import Broken
from models.restored import OtherKey, prove, settle
from runtime import backup as backups
from runtime.binaries import PostgresError
from runtime.database import as_owner
from runtime.embedded import EmbeddedPostgres

bp = Blueprint("backup", __name__, cli_group=None)
FILE = click.Path(dir_okay=False, path_type=Path)
TROUBLE = (backups.BackupError, PostgresError, psycopg.Error, OSError)
UNPROVEN = "Go on although the audit log does not verify, or SECRET_KEY is another one."


@bp.cli.command("backup")
@click.argument("file", type=FILE)
def backup(file: Path) -> None:
    """Write everything that is in the embedded database to FILE, while it is in use or not.

    It is the state of one moment. Before the file gets its name, it is restored into a server of its own and compared
    row by row. A file that exists is not overwritten; nobody but its owner may read it. SECRET_KEY is not in it, and no
    other setting: keep those apart from it.

    \b
        flask backup /mnt/elsewhere/freehold-$(date +%F).dump
    """
    try:
        contents, broken = backups.back_up(_embedded(), file)
    except TROUBLE as error:
        raise click.ClickException(str(error)) from None
    rows = sum(count for count, _ in contents.values())
    click.echo(f"{file} has {rows:,} rows of {len(contents)} tables, and was restored once to prove it.")
    click.echo("SECRET_KEY is not in it. Keep it elsewhere: without it, authenticator apps' keys cannot be read.")
    if broken:
        raise click.ClickException(f"The audit log does not verify, in the database as in the backup: {broken}")


@bp.cli.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Where there is data: back it up beside the database, and replace it.")
@click.option("--unproven", is_flag=True, help=UNPROVEN)
def restore(file: Path, *, replace: bool, unproven: bool) -> None:
    """Put what `flask backup` wrote to FILE in the place of the embedded database.

    The server must be stopped, and SECRET_KEY be that of the data. It is filled into a database beside the present one,
    brought up to date, proven by its audit log, and settled (`flask after-restore --help`); only then does it take the
    place. If anything fails, all is as it was.

    \b
        flask restore /mnt/elsewhere/freehold-2026-11-28.dump
    """
    server = _embedded()
    former = server.home / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump"
    options = ["--unproven"] if unproven else []
    try:
        said = backups.restore(server, file, former if replace else None, *options)
    except TROUBLE as error:
        raise click.ClickException(f"Nothing was restored. {error}") from None
    click.echo(f"{file} is restored.\n{said.strip()}")
    if former.exists():
        click.echo(f"What was there before is in {former}. Remove it when you are sure.")


@bp.cli.command("after-restore")
@click.option("--unproven", is_flag=True, help=UNPROVEN)
@click.confirmation_option("--yes", prompt="End every session, every mailed link and all queued mail?")
def after_restore(*, unproven: bool) -> None:
    """Make a database that was restored ready to serve. `flask restore` does it by itself.

    On a PostgreSQL of your own, run it before the first start, so that no mail is sent twice. It updates the tables.
    Then everybody is logged out, mailed links stop working, pending invitations expire and can be sent again,
    queued mail is dropped; every audit log says that it was restored. Unless the log verifies, nothing of that is done.

    \b
        flask after-restore
    """
    upgrade()
    with as_owner() as connection, connection.begin():
        click.echo(_proof(connection, unproven=unproven))
        ended = settle(connection)
    click.echo(
        f"Logged out: {ended.people:,} people. Ended: {ended.links:,} mailed links. "
        f"Expired, to be sent again: {ended.invitations:,} invitations. Dropped: {ended.mails:,} queued mails."
    )


def _proof(connection: Connection, *, unproven: bool) -> str:
    try:
        found = prove(connection)
    except (Broken, OtherKey) as problem:
        if unproven:
            return f"Not proven: {problem}"
        raise click.ClickException(f"{problem} With --unproven it is taken as it is.") from None
    return f"{found.events:,} audit events in {found.chains:,} chains are as they were written."


def _embedded() -> EmbeddedPostgres:
    """Return the embedded server, or end the command where DATABASE_URL names another one."""
    server: EmbeddedPostgres | None = current_app.extensions.get("postgres")
    if server is None:
        raise click.ClickException("DATABASE_URL names a server of your own: docs/backup.md says how to back it up.")
    return server
