"""Whose rows the database shows: row-level security, the second wall (docs/decisions/0006-row-level-security.md).

Web connections work as the role freehold_web. To it, a tenant's tables show the rows of the organization that was
entered or, before one is, what is a person's own; to who entered nothing they are empty. A query that forgets its
tenant finds nothing of another one.

The database is told with each statement, in the same round trip, and forgets by the end of it: a pooled connection
carries nothing over. Inside `with transaction():` it is told once, and forgets with the transaction.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self, cast
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from models.base import SCOPE, TAB, WRITING, db
from models.work import Sending

_TELL = """
SELECT set_config('freehold.organization_ids', %s, true), set_config('freehold.user_id', %s, true),
       set_config('freehold.email_key', %s, true)
"""

_TELL_ORGANIZATIONS = "SELECT set_config('freehold.organization_ids', %s, true)"
_TELL_AND_PLAN = f"{_TELL_ORGANIZATIONS}, set_config('plan_cache_mode', 'force_custom_plan', true)"
_TELL_TAB = "SELECT set_config('freehold.tab', %s, true)"  # for the notifications of live pages (migration 0013)


_anew: ContextVar[bool] = ContextVar("planned anew", default=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is shown: the rows of organizations, or what belongs to a person (and to their proven address)."""

    organization_ids: tuple[UUID, ...] = ()
    user_id: UUID | None = None
    email_key: str | None = None

    @property
    def settings(self) -> list[str]:
        """The values that the policies compare with; an empty one shows nothing."""
        organizations = ",".join(map(str, self.organization_ids))
        return [f"{{{organizations}}}", str(self.user_id or ""), self.email_key or ""]


class _Pipeline(psycopg.Pipeline):
    """A pipeline whose Sync is the last that is sent.

    psycopg's own sends a Flush after it, to which PostgreSQL has nothing to answer. A pooler in transaction mode gives
    one that comes after the transaction's end a server again, and waits for an answer (docs/scaling.md).
    """

    def _exit_gen(self) -> Generator[Any, Any, None]:
        try:
            self._enqueue_sync()
            yield from self._communicate_gen()
        finally:
            yield from self._fetch_gen(flush=False)


class TenantConnection(psycopg.Connection[Any]):
    """A connection that knows its scope for as long as a session holds it."""

    scope: Scope | None = None

    def commit(self) -> None:
        """End a transaction, which takes as long as the disk does."""
        with Sending():
            super().commit()

    def pipeline(self) -> Any:
        """Send statements together, and read what is answered afterwards."""
        if self._pipeline is None:
            self._pipeline = _Pipeline(self)
        return super().pipeline()


class TenantCursor(psycopg.Cursor[Any]):
    """Outside of a transaction, tells the scope before each statement, in a pipeline that ends with it."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Send a statement."""
        with Sending(statements=1):
            return self._execute(query, params, **options)

    def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
        """Send a statement with each of several sets of values."""
        sets = list(params_seq)
        with Sending(statements=len(sets)):
            super().executemany(query, sets, **options)

    def _execute(self, query: Any, params: Any, **options: Any) -> Self:
        connection = cast("TenantConnection", self.connection)
        if connection.scope is None or connection.pgconn.transaction_status != TransactionStatus.IDLE:
            return super().execute(query, params, **options)
        with connection.pipeline():
            if connection.scope.user_id:
                _tell(connection, connection.scope)
            else:  # nobody's own rows are shown: the other settings are empty between transactions
                tell = _TELL_AND_PLAN if _anew.get() else _TELL_ORGANIZATIONS
                psycopg.Cursor(connection).execute(tell, connection.scope.settings[:1])
            return super().execute(query, params, **options)


@contextmanager
def planned_anew() -> Iterator[None]:
    """Have what an organization's pages read inside planned for the values it is given.

    A plan is made once, for any organization (runtime.database); where a statement joins an organization's people with
    themselves, that plan takes minutes for one of a hundred thousand. To plan anew takes a few milliseconds each time.
    """
    before = _anew.set(True)
    try:
        yield
    finally:
        _anew.reset(before)


def enter(*organization_ids: UUID) -> None:
    """Show an organization's rows: for the rest of the request or, inside a transaction, until that ends.

    Args:
        organization_ids: found by what proves them, such as the gate or a genuine link; never what a request says.
            Several only where one person, as at the end of an account, concerns them all.
    """
    _show(Scope(organization_ids=organization_ids))


@contextmanager
def kept() -> Iterator[None]:
    """Show at the end what was shown at the beginning, whatever was entered meanwhile."""
    before: Scope = db.session.info.get(SCOPE) or Scope()
    try:
        yield
    finally:
        _show(before)


@contextmanager
def inside(*organization_ids: UUID) -> Iterator[None]:
    """Show the rows of some organizations for a while."""
    with kept():
        enter(*organization_ids)
        yield


def entered(organization_id: UUID) -> bool:
    """Tell whether an organization's rows are shown."""
    scope: Scope | None = db.session.info.get(SCOPE)
    return scope is not None and organization_id in scope.organization_ids


def own(user_id: UUID, proven_email_key: str | None) -> None:
    """Show what is a person's own, across organizations: memberships, roles on projects, invitations.

    Args:
        user_id: the person.
        proven_email_key: their address, if they proved that it is theirs: invitations to it are shown.
    """
    _show(Scope(user_id=user_id, email_key=proven_email_key))


def forget(connection: TenantConnection) -> None:
    """Show nothing any more: the connection goes back to the pool."""
    connection.scope = None


def _show(scope: Scope) -> None:
    session = db.session()
    if session.info.get(SCOPE) != scope:
        session.info[SCOPE] = scope
        if session.in_transaction():
            _apply(session, session.connection())


@event.listens_for(Session, "after_begin")
def _begin(session: Session, _transaction: Any, connection: Connection) -> None:
    """Whenever a session takes a connection; to write, it begins a transaction in the same round trip."""
    if WRITING in session.info:
        driver = _driver(connection)
        with Sending(), driver.pipeline():
            psycopg.Cursor(driver).execute("BEGIN")
            _apply(session, connection)
            if tab := session.info.get(TAB):
                psycopg.Cursor(driver).execute(_TELL_TAB, [tab])
    else:
        _apply(session, connection)


def _apply(session: Session, connection: Connection) -> None:
    scope: Scope | None = session.info.get(SCOPE)
    if WRITING not in session.info:
        _driver(connection).scope = scope
    elif scope:
        _tell(_driver(connection), scope)


def _tell(connection: TenantConnection, scope: Scope) -> None:
    psycopg.Cursor(connection).execute(_TELL, scope.settings)


def _driver(connection: Connection) -> TenantConnection:
    return cast("TenantConnection", connection.connection.driver_connection)
