"""The ground of the models: naming, keys, and the one way to write."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, CursorResult, DateTime, Executable, MetaData, Text, event, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, ORMExecuteState, Session, mapped_column, registry

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The parent of every model."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={str: Text, datetime: DateTime(timezone=True), dict[str, Any]: JSONB},
    )


class Record:
    """What every table of ours begins with. The database makes both, by its own clock."""

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.uuid_v7(), sort_order=-2)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=-1)


# What a session's `info` keeps: whose rows it sees, that it may write, and which open page asked for what it writes.
SCOPE, WRITING, TAB = "scope", "writing", "tab"

# Objects stay readable after a commit: a view renders what it changed without loading it again.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


class Refusal(Exception):
    """A rule of the product says no. The message is for people; `field` names the form field it belongs to."""

    field = ""
    constraint = ""
    by_constraint: ClassVar[dict[str, type["Refusal"]]] = {}

    def __init_subclass__(cls) -> None:
        """Register the refusal under the database constraint that keeps the same rule."""
        if cls.constraint:
            Refusal.by_constraint[cls.constraint] = cls

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


@dataclass
class Change:
    """What one transaction did: the audit events it noted and, once it is committed with any, the database's time."""

    events: list[dict[str, Any]] = field(default_factory=list)
    at: datetime | None = None


@contextmanager
def transaction() -> Iterator[Change]:
    """Do everything inside, or nothing. The one way to write.

    Outside of it the session reads in autocommit: a read needs no BEGIN and no ROLLBACK, and psycopg keeps its
    prepared statements (it drops them all at every ROLLBACK). Writing outside of it is an error, so nothing is
    ever half done. An organization that was entered inside of it is left when it ends (models.tenant).

    Yields:
        The change; its `at` is set when this ends.

    Raises:
        Refusal: the one whose database constraint was broken.
    """
    session, scope = db.session, db.session.info.get(SCOPE)
    session.commit()  # the reading phase ends; no statement is sent
    session.info[WRITING] = change = Change()
    try:
        yield change
        session.commit()
    except IntegrityError as error:
        session.rollback()
        refusal = Refusal.by_constraint.get(_constraint(error))
        if refusal is None:
            raise
        raise refusal from error
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(WRITING, None)
        session.info[SCOPE] = scope


def _constraint(error: IntegrityError) -> str:
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None) or ""


def direct(statement: Executable, values: dict[str, Any]) -> CursorResult[*tuple[Any, ...]]:
    """Send a statement whose rows are no objects, past the session's own execution, which takes as long again.

    For what a change does often (docs/decisions/0004-request-path.md).

    Args:
        statement: a statement; of tables, where it writes.
        values: its parameters.

    Raises:
        RuntimeError: it writes, outside of `with transaction():`.
    """
    session = db.session()
    if statement.is_dml:
        _must_write(session)
    return session.connection().execute(statement, values)


def release() -> None:
    """Give the database connection back before waiting for something slow, like a password hash."""
    db.session.commit()


@contextmanager
def apart() -> Iterator[Connection]:
    """Open a connection beside the session's, in autocommit: what is written there stays, whatever becomes of the rest.

    The session gives its own back first. A request that held two would, when all are taken, wait for another's second.
    """
    if WRITING in db.session.info:
        raise RuntimeError("Write apart before `with transaction():` or after it, never while it is open.")
    release()
    with db.engine.connect() as connection:
        yield connection


def _must_write(session: Session) -> None:
    if WRITING not in session.info:
        raise RuntimeError("Write inside `with transaction():`, so that the change is whole or not at all.")


@event.listens_for(Session, "before_flush")
def _flush_in_a_transaction(session: Session, *_: object) -> None:
    _must_write(session)


@event.listens_for(Session, "do_orm_execute")
def _change_in_a_transaction(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        _must_write(state.session)
