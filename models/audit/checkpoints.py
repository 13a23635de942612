"""Checkpoints: what a chain was at a moment, under our signature, to be kept outside of the database."""

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any, NamedTuple, Self
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from models.audit.seal import ACCOUNT, CHECKPOINT, ORGANIZATION, is_ours, sign
from models.audit.tables import AuditEvent, AuditHead

BATCH = 1000  # rows read at a time
NOBODY = UUID(int=0)  # comes before every key


class Broken(Exception):
    """The log is not what it was. Says where, as far as that is known, and what is wrong."""

    def __init__(self, what: str, chain: UUID | None = None, seq: int | None = None, id: UUID | None = None) -> None:
        known = {"chain": chain, "event": seq, "id": id}
        where = ", ".join(f"{name} {value}" for name, value in known.items() if value is not None)
        super().__init__(f"{where}: {what}" if where else what)
        self.what, self.chain, self.seq, self.id = what, chain, seq, id


class Checkpoint(NamedTuple):
    """One line of JSON."""

    chain: UUID
    kind: str
    seq: int
    hash: bytes
    at: str
    sig: bytes

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Sign the head of a chain as it is now."""
        kind = ORGANIZATION if row.organization_id else ACCOUNT
        said = row.chain, kind, row.seq, row.hash, row.now.astimezone(UTC).isoformat()
        return cls(*said, sign(CHECKPOINT, *said))

    @classmethod
    def read(cls, line: str) -> Self:
        """Read a line.

        Raises:
            Broken: it is no checkpoint, or not one of ours.
        """
        try:
            said = json.loads(line)
            hash, sig = bytes.fromhex(said["hash"]), bytes.fromhex(said["sig"])
            found = cls(UUID(said["chain"]), said["kind"], int(said["seq"]), hash, said["at"], sig)
            genuine = is_ours(sig, CHECKPOINT, *found[:5])
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
            raise Broken(f"a checkpoint cannot be read: {line.strip()[:80]}") from None
        if not genuine:
            raise Broken("a checkpoint does not have our signature", found.chain, found.seq)
        return found

    def line(self) -> str:
        """Write it as JSON."""
        return json.dumps(self._asdict() | {"chain": str(self.chain), "hash": self.hash.hex(), "sig": self.sig.hex()})


def checkpoints(connection: Connection, organization_id: UUID | None = None) -> Iterator[Checkpoint]:
    """Sign the head of every chain that a connection sees in the order of their keys, or that of one organization."""
    last = NOBODY
    while True:
        here = AuditHead.chain == organization_id if organization_id else AuditHead.chain > last
        rows: Any = connection.execute(_heads.where(here).limit(BATCH)).all()
        yield from map(Checkpoint.of, rows)
        if organization_id or len(rows) < BATCH:
            return
        last = rows[-1].chain


_heads = (
    select(AuditHead.chain, AuditHead.seq, AuditHead.hash, AuditEvent.organization_id, func.now().label("now"))
    .join(AuditEvent, (AuditEvent.chain == AuditHead.chain) & (AuditEvent.seq == AuditHead.seq))
    .order_by(AuditHead.chain)
)
