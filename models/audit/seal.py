"""Signatures on what the audit log says of itself, by a key that is not in the database: checkpoints and tombstones."""

import hashlib
import hmac
from uuid import UUID

from config import settings

CHECKPOINT, TOMBSTONE = "audit checkpoint", "audit tombstone"  # a signature for one is worth nothing for the other
ORGANIZATION, ACCOUNT = "organization", "account"  # whose chain


def field(value: bytes | None) -> bytes:
    """Return a value with its length before it; None has the length -1. So no two lists of values look the same."""
    return (-1).to_bytes(4, signed=True) if value is None else len(value).to_bytes(4) + value


def sign(purpose: str, chain: UUID, kind: str, seq: int, hash: bytes, at: str = "") -> bytes:
    """Sign what a chain is.

    Args:
        purpose: CHECKPOINT or TOMBSTONE.
        chain: its key.
        kind: ORGANIZATION or ACCOUNT.
        seq: how many events it has.
        hash: that of its last event.
        at: when, as a checkpoint writes it.
    """
    return _signatures(purpose, chain, kind, seq, hash, at)[0]


def is_ours(sig: bytes, purpose: str, chain: UUID, kind: str, seq: int, hash: bytes, at: str = "") -> bool:
    """Tell whether sign() made this, with today's key or the previous one."""
    return any(hmac.compare_digest(sig, ours) for ours in _signatures(purpose, chain, kind, seq, hash, at))


def _signatures(purpose: str, chain: UUID, kind: str, seq: int, hash: bytes, at: str) -> list[bytes]:
    said = b"".join(map(field, (chain.bytes, kind.encode(), seq.to_bytes(8), hash, at.encode())))
    return [hmac.digest(key, said, hashlib.sha256) for key in settings().keys(purpose)]
