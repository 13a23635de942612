"""The bytes that an event's hash is made of: the same here as in the database's audit_digest() (migration 0008)."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.types import Text

from models.audit.seal import field
from models.audit.tables import AuditEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# As text is read what a hostile value could otherwise keep from being read at all, like the time "infinity".
COLUMNS = (
    *(AuditEvent.chain, AuditEvent.seq, AuditEvent.id, AuditEvent.created_at.cast(Text).label("at")),
    *(AuditEvent.organization_id, AuditEvent.user_id, AuditEvent.actor_id, AuditEvent.action),
    *(AuditEvent.subject_id, AuditEvent.project_id),
    *(AuditEvent.before.cast(Text).label("old"), AuditEvent.after.cast(Text).label("new")),
    *(AuditEvent.ip.cast(Text).label("address"), AuditEvent.request_id, AuditEvent.prev, AuditEvent.hash),
)


def is_right(row: Row[Any]) -> bool:
    """Tell whether an event's hash is that of what it says.

    Args:
        row: with the columns of COLUMNS.
    """
    try:
        return hashlib.sha256(row.prev + _bytes(row)).digest() == row.hash
    except (ValueError, LookupError, AttributeError, OverflowError, TypeError):
        return False  # what cannot be read is not what was written


def moment(text: str) -> datetime:
    """Read a time as PostgreSQL writes it."""
    return datetime.fromisoformat(text)


def _bytes(row: Row[Any]) -> bytes:
    microseconds = (moment(row.at) - _EPOCH) // timedelta(microseconds=1)
    return b"".join(
        (
            *map(_key, (row.id, row.chain)),
            *map(_number, (row.seq, microseconds)),
            *map(_key, (row.organization_id, row.user_id, row.actor_id)),
            *(_text(row.action), _key(row.subject_id), _key(row.project_id)),
            *map(field, (_facts(row.old), _facts(row.new))),
            *map(_text, (row.address, row.request_id)),
        )
    )


class _Number(str):
    """A number as PostgreSQL writes it."""

    __slots__ = ()


_TYPES = {str: "string", _Number: "number", bool: "boolean", type(None): "null"}


def _facts(text: str | None) -> bytes | None:
    """Plain facts in the order of their names' bytes, each with its type."""
    if text is None:
        return None
    facts = json.loads(text, parse_int=_Number, parse_float=_Number)
    ordered = sorted(facts.items(), key=lambda fact: fact[0].encode())
    return b"".join(_text(name) + _text(_TYPES[type(value)]) + _text(_written(value)) for name, value in ordered)


def _written(value: str | bool | None) -> str | None:
    return str(value).lower() if isinstance(value, bool) else value


def _text(value: str | None) -> bytes:
    return field(None if value is None else value.encode())


def _number(value: int) -> bytes:
    return field(value.to_bytes(8, signed=True))


def _key(value: UUID | None) -> bytes:
    return field(value.bytes if value else None)
