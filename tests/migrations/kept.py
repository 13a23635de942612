"""What the databases of released schemas are made of, and restored from.

`rows/<revision>.sql` is what people could first have in that release; `fixtures/<revision>.sql` is a whole database
that lived from the first release to that one, as pg_dump wrote it. tests/migrations/make.py makes it.
"""

import json
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from psycopg import Connection, sql

HERE = Path(__file__).parent
ROWS, FIXTURES = sorted(HERE.glob("rows/*.sql")), sorted(HERE.glob("fixtures/*.sql"))
SCRIPTS = ScriptDirectory(str(HERE.parents[1] / "migrations"))
OURS = "relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'"


def restore(owner: Connection[Any], fixture: Path) -> None:
    """Fill the owner's empty database from a fixture, on a server that has the role of the web."""
    owner.execute(fixture.read_text())
    owner.execute("RESET ALL")


def tables(connection: Connection[Any]) -> dict[str, dict[str, bool]]:
    """Our tables with their columns, and whether those may be empty."""
    found: dict[str, dict[str, bool]] = {}
    for table, column, empty in connection.execute(
        f"SELECT relname, attname, NOT attnotnull FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        f" WHERE {OURS} AND attnum > 0 AND NOT attisdropped ORDER BY 1, 2"
    ):
        found.setdefault(table, {})[column] = empty
    return found


def contents(connection: Connection[Any]) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of ours, its values by column."""
    found = {}
    for table in tables(connection):
        rows = connection.execute(sql.SQL("SELECT to_jsonb(t) FROM {} t").format(sql.Identifier(table)))
        found[table] = [row[0] for row in rows]
    return found


def lost(before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The rows that are no more what they were, in the columns that there still are."""
    missing = []
    for table in before.keys() & after.keys():
        columns = before[table][0].keys() & after[table][0].keys() if before[table] and after[table] else set()
        now = {json.dumps(only(row, columns), sort_keys=True) for row in after[table]}
        was = [json.dumps(only(row, columns), sort_keys=True) for row in before[table]]
        missing += [f"{table}: {row}" for row in was if row not in now]
    return missing


def only(row: dict[str, Any], columns: set[str]) -> dict[str, Any]:
    """A row with these columns alone."""
    return {column: row[column] for column in columns}


def untried(connection: Connection[Any]) -> list[str]:
    """The columns without a value anywhere, and those that may be empty and never are."""
    rows, found = contents(connection), []
    for table, columns in tables(connection).items():
        for column, may_be_empty in columns.items():
            values = [row[column] for row in rows[table]]
            found += [f"{table}.{column} has no value"] * all(value is None for value in values)
            found += [f"{table}.{column} is never empty"] * (may_be_empty and None not in values)
    return found
