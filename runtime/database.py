"""Connections to PostgreSQL: as whom, how many, how long they wait, and how a dead one is noticed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from flask import current_app
from psycopg import sql
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DisconnectionError

from config import Settings, SettingsError, settings
from models import tenant
from runtime.metrics import WatchedPool
from runtime.patience import PatientConnection, Watch

# Whom every connection works as, whoever logs in: it owns nothing, and row-level security holds for it. The
# migrations make it.
WEB_ROLE = "freehold_web"

# Every statement that waits longer than this is ended by the server (milliseconds). A page takes a few.
STATEMENT_TIMEOUT = 5_000
LOCK_TIMEOUT = 3_000
IDLE_IN_TRANSACTION_TIMEOUT = 10_000
CONNECT_TIMEOUT = 2  # seconds; no request waits so long (runtime.patience)
POOL_TIMEOUT = 1.5  # seconds that a request waits for a free connection; the answer 503 comes within two

# What each connection asks for when it is made. Plans are generic, because with one huge tenant PostgreSQL would plan a
# prepared statement anew at every execution. PgBouncer passes none of it on: hosting/pgbouncer.ini says it all again
# but the role, which the login must be there.
CONNECTION_SETTINGS = {
    "role": WEB_ROLE,
    "statement_timeout": STATEMENT_TIMEOUT,
    "lock_timeout": LOCK_TIMEOUT,
    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT,
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "TimeZone": "UTC",
}


def engine_url(url: str) -> str:
    """Return the address as SQLAlchemy spells it, for the driver psycopg 3."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def engine_options(settings: Settings) -> dict[str, Any]:
    """Return the engine's options; autocommit, as transactions are begun by hand (models.base, models.tenant)."""
    return {
        "isolation_level": "AUTOCOMMIT",
        "pool_size": settings.database_pool,
        "max_overflow": 0,
        "poolclass": WatchedPool,
        "pool_timeout": POOL_TIMEOUT,
        "pool_recycle": 3600,
        "hide_parameters": True,  # an error's text goes into logs
        "pool_reset_on_return": None,  # prepare() does, where there is something to end
        "connect_args": {
            "autocommit": True,
            "prepare_threshold": 0 if settings.database_prepare else None,
            "application_name": f"freehold {os.getpid()}",
            "options": " ".join(f"-c {name}={value}" for name, value in CONNECTION_SETTINGS.items()),
        },
    }


def owner_url() -> str:
    """Return the address at which the tables' owner logs in, for migrations and for what looks at every tenant."""
    return engine_url(settings().database_owner_url or current_app.config["SQLALCHEMY_DATABASE_URI"])


@contextmanager
def as_owner() -> Iterator[Connection]:
    """Open a connection that sees every tenant, as they are at one moment: for commands, never for a request."""
    engine = create_engine(owner_url(), poolclass=NullPool, isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        yield connection


def listen(channel: str) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection that hears the notifications of a channel; past a pooler, which keeps none for anybody."""
    url = settings().database_listen_url or current_app.config["SQLALCHEMY_DATABASE_URI"]
    connection = psycopg.connect(
        url.replace("+psycopg", ""),
        autocommit=True,
        application_name=f"freehold {channel}",
        connect_timeout=CONNECT_TIMEOUT,
        keepalives_idle=10,  # seconds: a server that is gone without a word is noticed
        keepalives_interval=5,
        keepalives_count=3,
    )
    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
    return connection


def prepare(engine: Engine) -> None:
    """Make the engine's connections ones that know their tenant, forget it in the pool, and are not handed out dead.

    Nor are they waited for while the database stands still. The look at one that is handed out is as good as a ping
    and without its round trip: a server that ended the connection said so, and the words wait in the socket.

    Each raises SettingsError when it is made, if it works as another role than the web's.
    """
    watch = Watch()

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]) -> PatientConnection:
        connection = watch.connect(*arguments, **options)
        try:
            _check_role(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @event.listens_for(engine, "reset")
    def forget(connection: tenant.TenantConnection, *_: object) -> None:
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            connection.rollback()
        tenant.forget(connection)

    @event.listens_for(engine, "checkout")
    def check(connection: psycopg.Connection[Any], *_: object) -> None:
        try:
            connection.pgconn.consume_input()  # the server's last words …
            connection.pgconn.consume_input()  # … and only after them, that it hung up
        except psycopg.OperationalError as error:
            raise DisconnectionError from error


def _check_role(connection: tenant.TenantConnection) -> None:
    """Refuse a connection to which row-level security would show every row, as one through a pooler may be."""
    role = connection.execute("SELECT current_user", prepare=False).fetchone()
    if role != (WEB_ROLE,):
        raise SettingsError(
            f"DATABASE_URL: leads to a pooler that did not step down to {WEB_ROLE}; give that role's own login there,"
            " and the owner's in DATABASE_OWNER_URL."
        )
