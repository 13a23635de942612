"""A whole database as plain rows: written in a moment, and read again to see what changed."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

from flask import Flask

from models import db
from tests.browser_like import Browser
from tests.emptying import empty

Rows = dict[str, list[dict[str, Any]]]


def session(app: Flask, sid: str, user_id: UUID) -> dict[str, Any]:
    """The row of a log-in, by the cookie's value; inside an application context."""
    interface: Any = app.session_interface
    row = {"id": uuid5(user_id, sid), "sid": interface._get_store_id(sid), "user_id": user_id, "credential_epoch": 1}
    return {**row, "sess": {"_user_id": str(user_id), "_fresh": True}, "expire": "tomorrow"}


def logged_in(app: Flask, sid: str) -> Browser:
    """A browser with the cookie of that session, and one of a visitor's."""
    made = Browser(app)
    made.client.set_cookie("visitor", "somebody")
    made.client.set_cookie("session", sid)
    return made


def put_back(query: Callable[..., Any], *worlds: Rows) -> None:
    """Make the database hold exactly these rows. A column without a value takes its default."""
    tables = [table.name for table in db.metadata.sorted_tables]
    query(empty())
    rows = {table: [row for world in worlds for row in world.get(table, ())] for table in tables}
    # One statement, so that what refers to each other is there at once.
    inserts = [_insert(table, row) for table in tables for row in rows[table]]
    query("WITH " + ", ".join(f"i{n} AS ({insert})" for n, insert in enumerate(inserts)) + " SELECT 1")


def _insert(table: str, row: dict[str, Any]) -> str:
    if "created_at" in db.metadata.tables[table].columns:
        row = {"created_at": "yesterday", **row}
    names, values = ", ".join(row), json.dumps(row, default=str).replace("'", "''")
    made = f"SELECT {names} FROM jsonb_populate_record(NULL::{table}, '{values}')"
    return f"INSERT INTO {table} ({names}) {made} ON CONFLICT DO NOTHING"


def everything(query: Callable[..., Any]) -> list[str]:
    """Every row of every table, as text."""
    every = " UNION ALL ".join(f"SELECT '{t.name} ' || t::text FROM {t.name} t" for t in db.metadata.sorted_tables)
    return sorted(row[0] for row in query(every))
