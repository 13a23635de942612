"""What we mail works only with our key: a link carries an HMAC of a nonce that the database keeps.

A dump of the database therefore holds no working link, and a nonce that somebody writes into it makes none.
"""

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple
from uuid import UUID

from config import settings

CODE_LENGTH = 6  # digits
LENGTH = 64  # characters of a token: 16 bytes of id and 32 of HMAC, in URL-safe base64


class Token(NamedTuple):
    """A link's token, taken apart: which row it speaks of, and the proof that we made it."""

    id: UUID
    proof: bytes


def make(purpose: str, id: UUID, nonce: bytes) -> str:
    """Return the token for a link.

    Args:
        purpose: what the link is for; a token for one purpose is worth nothing for another.
        id: the row's key.
        nonce: the row's 256 random bits.
    """
    return base64.urlsafe_b64encode(id.bytes + _proofs(purpose, id, nonce)[0]).decode()


def read(token: str) -> Token | None:
    """Take a token apart; None if it cannot be one."""
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii"))
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    return Token(UUID(bytes=raw[:16]), raw[16:]) if len(raw) == 48 else None


def proves(token: Token, purpose: str, nonce: bytes) -> bool:
    """Tell whether we made this token for this purpose and nonce, with today's key or the previous one."""
    return any(hmac.compare_digest(token.proof, proof) for proof in _proofs(purpose, token.id, nonce))


def code(purpose: str, id: UUID, nonce: bytes) -> str:
    """Return the six digits that stand for a token where it has to be typed. They are guessed: count the tries."""
    return _codes(purpose, id, nonce)[0]


def matches(typed: str, purpose: str, id: UUID, nonce: bytes) -> bool:
    """Tell whether these are the digits, with today's key or the previous one."""
    given = typed.replace(" ", "").encode("utf-8", "replace")
    return any(hmac.compare_digest(given, one.encode()) for one in _codes(purpose, id, nonce))


def _codes(purpose: str, id: UUID, nonce: bytes) -> list[str]:
    proofs = _proofs(f"{purpose} code", id, nonce)
    return [f"{int.from_bytes(proof) % 10**CODE_LENGTH:0{CODE_LENGTH}}" for proof in proofs]


def _proofs(purpose: str, id: UUID, nonce: bytes) -> list[bytes]:
    keys = settings().keys(f"link:{purpose}")
    return [hmac.digest(key, id.bytes + nonce, hashlib.sha256) for key in keys]
