"""Statements that the driver's own cursor sends, past SQLAlchemy's session and execution.

For the one statement of every request and a hot page's list, and nothing that a page asks once: it halves what they
cost (docs/decisions/0004-request-path.md).
"""

from typing import Any

import psycopg
from sqlalchemy import Connection, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

from models.base import SCOPE, WRITING, db

Rows = list[tuple[Any, ...]]


def quick(statement: str, given: dict[str, Any]) -> Rows:
    """Send a statement, with the session's scope.

    It goes on the session's connection where it has one, since a request never holds two; else on one of the pool,
    for as long as it takes.

    Raises:
        DBAPIError: what SQLAlchemy would raise.
    """
    session = db.session()
    if WRITING in session.info or session.in_transaction():
        held = session.connection()
        return _rows(held, held.connection.driver_connection, statement, given)
    try:
        pooled = db.engine.raw_connection()
    except psycopg.Error as error:
        raise _as_sqlalchemy(statement, given, error, lost=True) from error
    try:
        driver: Any = pooled.driver_connection
        driver.scope = session.info.get(SCOPE)
        return _rows(pooled, driver, statement, given)
    finally:
        pooled.close()


def _rows(held: Connection | PoolProxiedConnection, driver: Any, statement: str, given: dict[str, Any]) -> Rows:
    try:
        with driver.cursor() as cursor:
            found: Rows = cursor.execute(statement, given).fetchall()
            return found
    except psycopg.Error as error:
        if lost := driver.closed:
            held.invalidate(error)
        raise _as_sqlalchemy(statement, given, error, lost=lost) from error


def _as_sqlalchemy(statement: str, given: dict[str, Any], error: psycopg.Error, *, lost: bool) -> BaseException:
    dialect = db.engine.dialect
    return DBAPIError.instance(
        statement, given, error, psycopg.Error, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )
