"""How `flask db` runs our migrations: one transaction each, with a short wait for locks."""

from alembic import context
from sqlalchemy import create_engine, text

from models import db
from runtime.database import owner_url


def run() -> None:
    """Apply migrations as the tables' owner. Offline mode prints the SQL."""
    url = owner_url()
    if context.is_offline_mode():
        context.configure(url=url, target_metadata=db.metadata, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
        return
    engine = create_engine(url)
    with engine.connect() as connection:
        # Two that start at once migrate one after the other; the lock goes with the connection.
        connection.execute(text("SET lock_timeout = '30s'"))
        connection.execute(text("SELECT pg_advisory_lock(hashtext('freehold migrations'))"))
        # A migration that waited for a table would hold up everyone behind it; better to fail and be run again.
        connection.execute(text("SET lock_timeout = '2s'"))
        connection.commit()
        context.configure(connection=connection, target_metadata=db.metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
