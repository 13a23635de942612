"""Counting what the application sends to PostgreSQL."""

from types import TracebackType
from typing import Any, Self

from flask import Flask
from sqlalchemy import event

from models import db


class Statements(list[str]):
    """The SQL of every statement sent inside `with`, and how many transactions were begun."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self.transactions = 0
        with app.app_context():
            self._engine = db.engine

    def __enter__(self) -> Self:
        event.listen(self._engine, "before_cursor_execute", self._sent)
        event.listen(self._engine, "commit", self._committed)
        return self

    def __exit__(self, _kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        event.remove(self._engine, "before_cursor_execute", self._sent)
        event.remove(self._engine, "commit", self._committed)

    @property
    def writes(self) -> list[str]:
        """Those that change something or lock."""
        return [s for s in self if s.split(None, 1)[0].upper() in ("INSERT", "UPDATE", "DELETE") or "FOR UPDATE" in s]

    def _sent(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.append(statement)

    def _committed(self, connection: Any) -> None:
        if not connection.connection.driver_connection.autocommit:  # the server itself knows no isolation "AUTOCOMMIT"
            self.transactions += 1
