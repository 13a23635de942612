"""How the embedded server is set: its options, its environment and the directory of its socket."""

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 100  # bytes; the system's limit is 104 (macOS) or 108 (Linux) with the final NUL

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # only a part of the socket's name
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",  # our statements are short: compiling them costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
THROWAWAY_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "300",  # crowds of several tests at once
}
# What a host in production must have (runtime/checks.py), for a throwaway server that stands for one.
CAREFUL_SETTINGS = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


def command_line_options(settings: Mapping[str, str]) -> list[str]:
    """Return the arguments that give these settings to `postgres`."""
    return [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]


def clean_environment() -> dict[str, str]:
    """Return our environment without what would steer PostgreSQL behind our back (PGDATA, PGPORT, a locale)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def run_directory(home: Path, name: str) -> Path:
    """Choose where the socket lies: beside the data, unless that path is too long or needs quoting in a URL."""
    beside = home / f"{name}.run"
    plain = quote(str(beside)) == str(beside)  # SQLAlchemy writes a space as "+", which libpq takes literally
    if plain and len(os.fsencode(beside / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        return beside
    return Path("/tmp") / f"freehold-{sha256(os.fsencode(home)).hexdigest()[:16]}"  # noqa: S108 - see own_directory
