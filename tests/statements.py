"""Counting what the application sends to PostgreSQL, at the driver, where nothing is left out."""

from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

import psycopg

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK")
CHANGE = ("INSERT", "UPDATE", "DELETE")
# What the application changes by functions of the tables' owner (migrations 0008 and 0009).
WRITERS = ("begin_session(", "keep_session(", "renew_session(", "end_session(", "record_audit(", "purge_")
TELL = "set_config('freehold"  # goes with a statement, in its round trip (models.tenant)


class Statements(list[str]):
    """The SQL of every statement sent inside `with`, and how many transactions were begun.

    What only controls a transaction is left out: BEGIN, COMMIT and the setting of the tenant.
    """

    transactions = 0

    def __enter__(self) -> Self:
        execute, executemany, statements = psycopg.Cursor.execute, psycopg.Cursor.executemany, self

        def recorded(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
            statements._sent(str(query))
            return execute(cursor, query, *args, **options)

        def each_recorded(cursor: Any, query: Any, params: Any, **options: Any) -> None:
            statements.extend([str(query)] * len(params))
            executemany(cursor, query, params, **options)

        self._patches = patch.multiple(psycopg.Cursor, execute=recorded, executemany=each_recorded)
        self._patches.start()
        return self

    def __exit__(self, _kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._patches.stop()

    @property
    def writes(self) -> list[str]:
        """Those that change something or lock."""
        return [
            s
            for s in self
            if s.split(None, 1)[0].upper() in CHANGE or any(word in s for word in ("FOR UPDATE", *WRITERS))
        ]

    def _sent(self, statement: str) -> None:
        if statement == "BEGIN":
            self.transactions += 1
        elif statement not in CONTROL and TELL not in statement:
            self.append(statement)
