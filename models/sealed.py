"""Secrets that we must read again, such as an authenticator's: sealed with a key that is not in the database."""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from config import settings


def seal(purpose: str, secret: bytes) -> bytes:
    """Encrypt and sign a secret with today's key, as a Fernet token.

    Args:
        purpose: what it is for; what is sealed for one purpose is worth nothing for another.
        secret: any bytes.
    """
    return _seals(purpose).encrypt(secret)


def unseal(purpose: str, sealed: bytes) -> bytes | None:
    """Return what was sealed, with today's key or the previous one; None if we did not seal it for this purpose."""
    try:
        return _seals(purpose).decrypt(sealed)
    except InvalidToken:
        return None


def _seals(purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(urlsafe_b64encode(key)) for key in settings().keys(f"seal:{purpose}")])
