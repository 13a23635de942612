"""Every setting of a Freehold host: read from the environment once, checked at start, listed here alone."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import current_app

INSTANCE = Path(__file__).resolve().parent / "instance"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}

# How long what we mail or set keeps working (DESIGN.md, UX.md 1.3 and 1.5).
CONFIRMATION_LIFE = timedelta(minutes=30)
RESET_LIFE = timedelta(minutes=30)
EMAIL_UNDONE_WITHIN = timedelta(days=7)  # by whoever holds the former address
INVITATION_LIFE = timedelta(days=7)
REVOCATION_UNDONE_WITHIN = timedelta(minutes=10)
RESTORABLE = timedelta(days=30)
FRESH_FOR = timedelta(minutes=10)  # after a proof of who one is, what cannot be undone asks for no other
CHALLENGE_LIFE = timedelta(hours=1)  # of a page that asks for a passkey
STEP_LIFE = timedelta(minutes=10)  # between a right password and its second step
REMEMBERED_FOR = timedelta(days=30)  # a browser that stands for the second step
UNLOCK_LIFE = timedelta(days=1)  # as long as it is the only one that is sent (models/limits.py)
BROWSER_LIFE = timedelta(days=90)  # since somebody last logged in there


class SettingsError(Exception):
    """The environment does not make a safe host; the message has one line for each setting to change."""


@dataclass(frozen=True)
class Settings:
    """What a host may choose. Each field is read from the environment variable of the same name in capitals."""

    freehold_env: str = "development"
    database_url: str = ""
    database_owner_url: str = ""
    database_listen_url: str = ""
    database_prepare: bool = True
    database_pool: int = 10
    secret_key: str = ""
    secret_key_previous: str = ""
    base_url: str = ""
    smtp_url: str = ""
    mail_from: str = ""
    mail_worker: bool = True
    signup: str = "open"
    org_creation: str = "anyone"
    email_verification: str = "required"
    password_min_length: int = 12
    session_idle_days: int = 7
    session_max_days: int = 30
    argon2_memory_kib: int = 19456
    argon2_passes: int = 2
    argon2_lanes: int = 1
    hashing_threads: int = 1
    trusted_proxies: int = 0
    metrics_token: str = ""
    bind: str = "127.0.0.1"
    port: int = 8000
    web_processes: int = 0  # 0: one for each core, at most four
    testing: bool = field(default=False, repr=False)

    @property
    def production(self) -> bool:
        """True where every insecure default is a start-up error."""
        return self.freehold_env == "production"

    @property
    def https(self) -> bool:
        """True where browsers reach us by https, so that cookies can be Secure and __Host-."""
        return self.base_url.startswith("https:")

    @property
    def passkey_domain(self) -> str | None:
        """The domain that passkeys are for (WebAuthn's RP ID): BASE_URL's host, over https or on this machine.

        None where browsers have no passkeys: for an IP address, and for plain http elsewhere.
        """
        host = urlsplit(self.base_url).hostname or ""
        numbers = ":" in host or host.replace(".", "").isdigit()
        return host if not numbers and (self.https or host == "localhost") else None

    @property
    def sends_mail(self) -> bool:
        """True where a mail server was named; otherwise mail is only shown (development) or not sent."""
        return self.smtp_url not in ("", "none")

    @property
    def mailless(self) -> bool:
        """True where the host said that there is no mail server."""
        return self.smtp_url == "none"

    @property
    def confirms_email(self) -> bool:
        """True where an address must be proven before an account exists."""
        return self.email_verification == "required"

    def cookie_name(self, name: str) -> str:
        """Name a cookie: with the __Host- prefix, which browsers bind to this host, wherever https allows it."""
        return f"__Host-{name}" if self.https else name

    def keys(self, purpose: str) -> list[bytes]:
        """Return the 256-bit keys for one purpose: the current one, then the previous one if there is one.

        Each purpose has its own key, derived from SECRET_KEY by HMAC-SHA-256, so that a value made for one
        purpose is worth nothing for another.
        """
        return _derived(self.secret_key, self.secret_key_previous, purpose)


@cache
def _derived(current: str, previous: str, purpose: str) -> list[bytes]:
    return [hmac.digest(root.encode(), purpose.encode(), hashlib.sha256) for root in (current, previous) if root]


def settings() -> Settings:
    """Return the running application's settings."""
    return current_app.config["SETTINGS"]


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the settings.

    Raises:
        SettingsError: with one line for each setting that is wrong and what to do about it.
    """
    problems: list[str] = []
    given: dict[str, Any] = {
        name: _read(name, environ[name.upper()], problems) for name in _NAMES if environ.get(name.upper())
    }
    if problems:
        raise SettingsError("\n".join(problems))
    chosen = Settings(**given)
    completed = replace(chosen, **_defaults(chosen))
    problems = _problems(completed)
    if problems:
        raise SettingsError("\n".join(problems))
    return completed


_NAMES = {name: kind for name, kind in Settings.__annotations__.items() if name != "testing"}
_CHOICES = {
    "freehold_env": ("development", "production"),
    "signup": ("open", "invited"),
    "org_creation": ("anyone", "host"),
    "email_verification": ("required", "off"),
}
_RANGES = {
    "password_min_length": (8, 128),
    "session_idle_days": (1, 365),
    "session_max_days": (1, 365),
    "argon2_memory_kib": (8, 4_194_304),
    "argon2_passes": (1, 100),
    "argon2_lanes": (1, 16),
    "hashing_threads": (1, 64),
    "database_pool": (2, 200),
    "trusted_proxies": (0, 10),
    "port": (1, 65535),
    "web_processes": (0, 64),
}


def _read(name: str, text: str, problems: list[str]) -> str | int | bool | None:
    """Turn one variable's text into its setting, or note what is wrong with it."""
    kind, setting = _NAMES[name], name.upper()
    if name in _CHOICES and text not in _CHOICES[name]:
        problems.append(f"{setting}: use one of {', '.join(_CHOICES[name])}; it is {text!r}.")
    if kind is bool:
        if text not in ("on", "off"):
            problems.append(f"{setting}: use on or off; it is {text!r}.")
        return text == "on"
    if kind is int:
        low, high = _RANGES[name]
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            problems.append(f"{setting}: use a whole number from {low} to {high}; it is {text!r}.")
            return None
        return int(text)
    return text.strip()


def _defaults(chosen: Settings) -> dict[str, Any]:
    """Fill in what a newcomer need not set: an address, a sender and, in development, a key kept on disk."""
    base_url = (chosen.base_url or f"http://127.0.0.1:{chosen.port}").rstrip("/")
    filled = {"base_url": base_url, "mail_from": chosen.mail_from or f"Freehold <freehold@{_mail_domain(base_url)}>"}
    if not chosen.secret_key and not chosen.production:
        filled["secret_key"] = _kept_key()
    return filled


def _mail_domain(base_url: str) -> str:
    host = urlsplit(base_url).hostname or "localhost"
    return "localhost" if host in LOOPBACK else host


def _kept_key() -> str:
    """Return this checkout's own key; two processes that start together agree on the one that was linked first."""
    path = INSTANCE / "secret_key"
    if not path.exists():
        INSTANCE.mkdir(exist_ok=True)
        draft = INSTANCE / f"secret_key.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def _problems(s: Settings) -> list[str]:
    """Say what would make this host unsafe or unable to work, a line each."""
    found = []
    base = urlsplit(s.base_url)
    if base.scheme not in ("http", "https") or not base.hostname or base.path or base.query:
        found.append(f"BASE_URL: give scheme and host alone, like https://id.example.com; it is {s.base_url!r}.")
    for name in ("database_url", "database_owner_url", "database_listen_url"):
        if getattr(s, name) and not getattr(s, name).startswith(("postgresql://", "postgres://")):
            found.append(f"{name.upper()}: use a postgresql:// address; Freehold runs on PostgreSQL 15 or newer only.")
    if s.sends_mail and urlsplit(s.smtp_url).scheme not in ("smtp", "smtps"):
        found.append("SMTP_URL: use smtp://user:password@host:587, smtps://…:465, or none.")
    if s.metrics_token and len(s.metrics_token) < 32:
        found.append("METRICS_TOKEN: too short; make one with: openssl rand -base64 48")
    if s.production:
        found += _production_problems(s, base.hostname or "")
    elif s.bind not in LOOPBACK:
        found.append(f"BIND: development listens on 127.0.0.1 only, not {s.bind}. Set FREEHOLD_ENV=production.")
    return found


def _production_problems(s: Settings, host: str) -> list[str]:
    found = []
    if not s.secret_key:
        found.append("SECRET_KEY: required in production; make one with: openssl rand -base64 48")
    elif _is_weak(s.secret_key):
        found.append("SECRET_KEY: too weak; make one with: openssl rand -base64 48")
    if s.secret_key_previous and _is_weak(s.secret_key_previous):
        found.append("SECRET_KEY_PREVIOUS: too weak, and what it signed is believed; leave it out.")
    if s.base_url.startswith("http:") and host not in LOOPBACK:
        found.append("BASE_URL: must begin with https:// in production, or cookies and links travel readable.")
    if not s.smtp_url:
        found.append("SMTP_URL: required in production; set it, or SMTP_URL=none with EMAIL_VERIFICATION=off.")
    elif s.smtp_url == "none" and s.confirms_email:
        found.append("EMAIL_VERIFICATION: must be off with SMTP_URL=none, or nobody could confirm an address.")
    return found


def _is_weak(key: str) -> bool:
    return len(key) < 32 or len(set(key)) < 10
