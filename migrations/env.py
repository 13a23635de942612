"""How `flask db` runs our migrations: one process at a time, one transaction each, and nobody waits long behind them.

`flask db upgrade -x patience=600` goes on trying for so many seconds while somebody holds what a migration needs.
"""

import time

from alembic import context
from alembic.util import CommandError
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from models import db
from runtime.database import owner_url

# A migration that waits for a table holds up everybody who comes after it, so it gives way and tries again. Not below
# PostgreSQL's deadlock_timeout of one second: only after that is an autovacuum sent out of the way.
LOCK_TIMEOUT = "2s"
PATIENCE, PAUSE = 60.0, 1.0  # seconds: how long it is tried again, and what the others have to themselves in between
QUEUE = 600.0  # seconds that another migration is waited for

BUSY = """\
A migration needs a table that somebody has held for {seconds:.0f} seconds: {statement}
Nothing of it was applied, and what runs goes on as before. A transaction is open for long, perhaps a backup or a
forgotten session; this shows it:
  SELECT pid, usename, xact_start, state, query FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start
Wait for it or end it, then run `flask db upgrade` again; with `-x patience=600` it goes on trying for 600 seconds."""
QUEUED = """\
Another `flask db upgrade` has been running for {seconds:.0f} seconds. Nothing was done here: run it again when that has
ended."""


def run() -> None:
    """Apply migrations as the tables' owner. Offline mode prints the SQL."""
    if context.is_offline_mode():
        context.configure(url=owner_url(), target_metadata=db.metadata, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
        return
    with create_engine(owner_url(), poolclass=NullPool).connect() as connection:
        wait_for_turn(connection)
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        apply(connection, float(context.get_x_argument(as_dictionary=True).get("patience", PATIENCE)))


def wait_for_turn(connection: Connection) -> None:
    """Take the lock of all migrations, which goes with the connection.

    Asked for again and again: a transaction that waited for it would hold up an index that is made concurrently.

    Raises:
        CommandError: another process kept it for QUEUE seconds.
    """
    began = time.monotonic()
    while not connection.scalar(text("SELECT pg_try_advisory_lock(hashtext('freehold migrations'))")):
        connection.commit()
        if time.monotonic() - began > QUEUE:
            raise CommandError(QUEUED.format(seconds=QUEUE))
        time.sleep(0.1)


def apply(connection: Connection, patience: float) -> None:
    """Apply what is asked for; a migration that got no lock in time is undone and tried again.

    Args:
        connection: with the lock of all migrations.
        patience: for how many seconds it is tried.

    Raises:
        CommandError: it got none until then; what was applied before stays.
    """
    began = time.monotonic()
    while True:
        context.configure(connection=connection, target_metadata=db.metadata, transaction_per_migration=True)
        try:
            with context.begin_transaction():
                context.run_migrations()
        except OperationalError as error:
            connection.rollback()
            waited = time.monotonic() - began
            if not isinstance(error.orig, LockNotAvailable | DeadlockDetected):
                raise
            if waited > patience:
                statement = (error.statement or "COMMIT").strip().splitlines()[0]
                raise CommandError(BUSY.format(seconds=waited, statement=statement)) from error
            time.sleep(PAUSE)
        else:
            return


run()
