"""Verifying the audit log, trusting nothing in the database.

Whoever owns it can change its functions and compute a whole chain anew. So hashes are computed here, and compared
with checkpoints that were kept elsewhere, under a signature by a key that the database does not have.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, func, literal, select, tuple_

from models.audit.canonical import COLUMNS, is_right, moment
from models.audit.checkpoints import BATCH, NOBODY, Broken, Checkpoint
from models.audit.seal import TOMBSTONE, is_ours
from models.audit.tables import AuditEvent, AuditHead, AuditTombstone

FIRST = bytes(32)  # what the first event of a chain follows
Known = dict[int, Checkpoint]  # the checkpoints of one chain, by how many events it had


class Verified(NamedTuple):
    """What was found to be as it should."""

    events: int
    chains: int
    until: str | None  # the time of the latest checkpoint that was compared with


def verify(connection: Connection, lines: Iterable[str] = ()) -> Verified:
    """Read the whole log, a batch at a time, and compute every chain anew.

    Args:
        connection: the owner's, which sees every tenant, in one snapshot.
        lines: of a file of checkpoints. They are held in memory; the log is not.

    Raises:
        Broken: at the first thing that is not as it should be.
    """
    kept = _read(lines)
    until = max((checkpoint.at for known in kept.values() for checkpoint in known.values()), default=None)
    events = chains = 0
    for chain in _chains(connection, kept):
        events, chains = events + chain.seq, chains + 1
        kept.pop(chain.key, None)
    if events != connection.scalar(select(func.count()).select_from(AuditEvent)):
        raise Broken("there are events outside of every chain", NOBODY, 0)
    _no_lost_heads(connection)
    for stone in _tombstones(connection):
        _compare(stone, kept.pop(stone.chain, {}))
    for key, known in kept.items():
        raise Broken("the log has nothing of this chain, of which there is a checkpoint", key, min(known))
    return Verified(events, chains, until)


def _read(lines: Iterable[str]) -> dict[UUID, Known]:
    kept: dict[UUID, Known] = {}
    for checkpoint in (Checkpoint.read(line) for line in lines if line.strip()):
        known = kept.setdefault(checkpoint.chain, {})
        if known.get(checkpoint.seq, checkpoint).hash != checkpoint.hash:
            raise Broken("two checkpoints contradict each other", checkpoint.chain, checkpoint.seq)
        known[checkpoint.seq] = checkpoint
    return kept


class _Chain:
    """One chain while it is read: what its last event was."""

    def __init__(self, key: UUID, known: Known) -> None:
        self.key, self.known = key, known
        self.seq, self.hash, self.at = 0, FIRST, ""
        self.head: tuple[int | None, bytes | None] = None, None

    def take(self, row: Row[Any]) -> None:
        """Look at the next event."""
        for wrong in self._faults(row):
            raise Broken(wrong, self.key, row.seq, row.id)
        self.seq, self.hash, self.at, self.head = row.seq, row.hash, row.at, (row.head_seq, row.head_hash)

    def close(self) -> None:
        """Compare with the head, and with checkpoints of more than there is."""
        beyond = [seq for seq in self.known if seq > self.seq]
        if beyond:
            raise Broken(f"the log ends before event {min(beyond)}, of which there is a checkpoint", self.key, self.seq)
        if self.head != (self.seq, self.hash):
            raise Broken("the head of the chain is not its last event", self.key, self.seq)

    def _faults(self, row: Row[Any]) -> Iterator[str]:
        """Give what is wrong with an event; what comes later only makes sense where nothing came before."""
        if row.seq != self.seq + 1:
            yield f"event {self.seq + 1} is missing before it"
        if {row.organization_id, row.user_id} != {self.key, None}:
            yield "it is not of whom its chain is"
        if row.prev != self.hash:
            yield "it does not follow the event before it"
        if not is_right(row):
            yield "its hash is not that of what it says"
        if self.at and moment(row.at) < moment(self.at):
            yield "it is older than the event before it"
        if row.seq in self.known and self.known[row.seq].hash != row.hash:
            yield "a checkpoint has another event in its place"


def _chains(connection: Connection, kept: dict[UUID, Known]) -> Iterator[_Chain]:
    """Give every chain that has events, in the order of their keys, once it has been looked at whole."""
    chain = None
    for row in _events(connection):
        if chain and row.chain != chain.key:
            chain.close()
            yield chain
            chain = None
        chain = chain or _Chain(row.chain, kept.get(row.chain, {}))
        chain.take(row)
    if chain:
        chain.close()
        yield chain


def _events(connection: Connection) -> Iterator[Row[Any]]:
    """Give every event beside the head of its chain."""
    beside = (
        select(*COLUMNS, AuditHead.seq.label("head_seq"), AuditHead.hash.label("head_hash"))
        .outerjoin(AuditHead, AuditHead.chain == AuditEvent.chain)
        .order_by(AuditEvent.chain, AuditEvent.seq)
    )
    last = NOBODY, 0
    while True:
        after = tuple_(AuditEvent.chain, AuditEvent.seq) > tuple_(*map(literal, last))
        rows = connection.execute(beside.where(after).limit(BATCH)).all()
        yield from rows
        if len(rows) < BATCH:
            return
        last = rows[-1].chain, rows[-1].seq


def _no_lost_heads(connection: Connection) -> None:
    followed = select(AuditEvent.id).where(AuditEvent.chain == AuditHead.chain).exists()
    lost = connection.execute(select(AuditHead.chain, AuditHead.seq).where(~followed).limit(1)).one_or_none()
    if lost:
        raise Broken("all events of the chain are missing", lost.chain, lost.seq)


def _tombstones(connection: Connection) -> Iterator[Row[Any]]:
    """Give what is left of every purged chain."""
    events = select(AuditEvent.id).where(AuditEvent.chain == AuditTombstone.chain).exists()
    stones = select(*AuditTombstone.__table__.columns, events.label("events")).order_by(AuditTombstone.chain)
    last = NOBODY
    while True:
        rows: Any = connection.execute(stones.where(AuditTombstone.chain > last).limit(BATCH)).all()
        yield from rows
        if len(rows) < BATCH:
            return
        last = rows[-1].chain


def _compare(stone: Row[Any], known: Known) -> None:
    """A tombstone is signed, stands for the whole chain, and for the one that checkpoints tell of."""
    if stone.events:
        raise Broken("the chain was purged, and has events", stone.chain, stone.seq)
    if not is_ours(stone.sig, TOMBSTONE, stone.chain, stone.kind, stone.seq, stone.hash):
        raise Broken("the tombstone does not have our signature", stone.chain, stone.seq)
    for seq, checkpoint in known.items():
        if seq > stone.seq or (seq == stone.seq and checkpoint.hash != stone.hash):
            raise Broken("the tombstone is not that of the chain which a checkpoint has", stone.chain, seq)
