"""A lock between processes that the kernel releases when its last holder dies, however it dies."""

import fcntl
import os
import time
from pathlib import Path

POLL_SECONDS = 0.02


class FileLock:
    """An exclusive flock(2) on a file. The file stays where it is: removing it would let two holders in."""

    def __init__(self, path: Path) -> None:
        """Prepare the lock; `path` is made when the lock is first taken."""
        self.path = path
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """The open file descriptor, to be inherited by a child that shall hold the lock as well."""
        if self._descriptor is None:
            raise RuntimeError(f"{self.path} is not held")
        return self._descriptor

    @property
    def held(self) -> bool:
        """True while this object holds the lock."""
        return self._descriptor is not None

    def acquire(self, wait: float = 0, note: str = "") -> bool:
        """Take the lock, waiting up to `wait` seconds; True if we hold it.

        Args:
            wait: seconds to wait for another holder; 0 tries once.
            note: what to write into the file for whoever is refused, usually who we are.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + wait
        while not _try(descriptor):
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return False
            time.sleep(POLL_SECONDS)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, note.encode())
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Close our descriptor; children that inherited it keep the lock until they end."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def note(self) -> str:
        """Return what the present or last holder wrote about itself."""
        return self.path.read_text().strip() if self.path.exists() else ""


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
