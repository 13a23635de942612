"""One PostgreSQL server as a child process: start it, stop it, know whether it is ready."""

import logging
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from runtime.account import place_for, reachable
from runtime.binaries import PostgresError, find_binaries
from runtime.children import dies_with_parent
from runtime.claim import Claim
from runtime.cluster import DATABASE, ROLE, make_cluster
from runtime.server_options import (
    SETTINGS,
    SOCKET_NAME,
    clean_environment,
    command_line_options,
    run_directory,
)

log = logging.getLogger(__name__)

START_SECONDS = 120.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.01
LONGEST_LOG = 10_000_000  # bytes; checked at start


class EmbeddedPostgres:
    """A PostgreSQL server as a child of this process, reached by a Unix socket only.

    Start it from a thread that lives as long as the process (the main thread, as a rule).
    """

    def __init__(self, base: Path, *, settings: Mapping[str, str] | None = None) -> None:
        """Find the programs and the place of the data.

        Args:
            base: directory that holds the data directory, the log and the locks; made if it is missing.
            settings: further server settings, or other values than the defaults above.

        Raises:
            PostgresError: if there are no programs, or the data belongs to somebody else.
        """
        base = base.resolve()
        base.mkdir(parents=True, exist_ok=True)
        binaries = find_binaries()
        name = f"postgres-{binaries.major}"
        self.home, self._account = place_for(base, name)
        self._binaries = reachable(binaries, self._account)
        self.data = self.home / name
        self.log = self.home / f"{name}.log"
        self._run = run_directory(self.home, name)
        self._settings = {**SETTINGS, **(settings or {})}
        self._claim = Claim(self.data)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_by = 0

    @property
    def running(self) -> bool:
        """True while the server that we started is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process id of the server we started, None before."""
        return self._process.pid if self._process else None

    def url(self, role: str = ROLE, database: str = DATABASE) -> str:
        """Return the address of a database for a role; `url("postgres", "postgres")` is the superuser's."""
        return f"postgresql://{role}@:5432/{database}?host={quote(str(self._run))}"

    def program(self, name: str) -> str:
        """Return the path of a program that came with the server, such as "pg_dump"."""
        return self._binaries.program(name)

    def start(self, wait: float = 0) -> str:
        """Start the server, making its cluster on first use, and return the URL of our database.

        Args:
            wait: seconds to wait for another process to give up the data directory.

        Raises:
            InUse: if another process keeps it still.
            PostgresError: if the server does not start; with the end of its log.
        """
        self._claim.take(wait, self._end_orphan)
        try:
            if not self.data.exists():
                self._warn_of_older_data()
                make_cluster(self.data, self._binaries, self._account, self._settings, self._claim.descriptor)
            self._launch()
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        return self.url()

    def stop(self) -> None:
        """Stop the server: disconnect everybody, write everything, give up the data directory.

        Does nothing in a process that was forked from the one that started the server.
        """
        if self._process is not None and self._started_by == os.getpid():
            self._process.send_signal(signal.SIGINT)  # "fast shutdown"
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)  # give up without a checkpoint; the next start recovers
                self._process.wait()
            self._process = None
            shutil.rmtree(self._run, ignore_errors=True)
        self._claim.give_up()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def ready(self) -> bool:
        """Tell whether a server of this data directory, whoever started it, says that it is ready and answers."""
        return self._pid_file()[7:8] == ["ready"] and self._listening()

    def _end_orphan(self) -> None:
        """Ask the server of a killed keeper to shut down, where the kernel has not done so (macOS)."""
        pid = self._pid_file()[:1]
        if pid and self._listening():  # somebody answers, so the number in the pid file is not a stale one
            os.kill(int(pid[0]), signal.SIGINT)

    def _launch(self) -> None:
        self._account.own_directory(self._run)
        for stale in (self.data / "postmaster.pid", self._run / SOCKET_NAME, self._run / f"{SOCKET_NAME}.lock"):
            stale.unlink(missing_ok=True)
        settings = {**self._settings, "unix_socket_directories": f'"{self._run}"'}
        if self.log.exists() and self.log.stat().st_size > LONGEST_LOG:
            self.log.unlink()
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [self._binaries.program("postgres"), "-D", str(self.data), *command_line_options(settings)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.data,
                env=clean_environment(),
                start_new_session=True,  # Ctrl-C in the terminal is for us alone
                pass_fds=[self._claim.descriptor],
                preexec_fn=dies_with_parent(signal.SIGINT),  # noqa: PLW1509 - it only makes one system call
                **self._account.options(),
            )
        self._started_by = os.getpid()
        self._claim.leave_to_server()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if not self.running or time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL did not start. The end of {self.log}:\n{_tail(self.log)}")
            time.sleep(POLL_SECONDS)

    def _pid_file(self) -> list[str]:
        """Return the lines of postmaster.pid: 0 is the process id, 7 the state."""
        try:
            text = (self.data / "postmaster.pid").read_text()
        except OSError:
            return []
        return [line.strip() for line in text.splitlines()]

    def _listening(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._run / SOCKET_NAME)) == 0

    def _warn_of_older_data(self) -> None:
        if older := [path.name for path in self.home.glob("postgres-*") if path.is_dir() and path.suffix != ".new"]:
            log.warning("%s has data of another PostgreSQL (%s), which is not read", self.home, ", ".join(older))


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-10:])
