"""The production server as a child process."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runtime.children import dies_with_parent

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
SECRET_KEY = "a key that is only used by tests, 0123456789"


class Server:
    """gunicorn with our configuration: two processes, fast hashes, mail to a given SMTP server; or other settings.

    `code` is where the application lies: somebody may put an earlier one there.
    """

    command: tuple[str, ...] = ("-m", "gunicorn", "-c", "gunicorn.conf.py", "app:create_app()")

    def __init__(self, database_url: str, port: int, smtp_url: str, log: Any = None, **settings: str) -> None:
        self.database_url, self.log = database_url, log
        self.code = ROOT
        self.url = f"http://localhost:{port}"  # a name: passkeys are for one
        self._environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
            "DATABASE_URL": database_url,
            "PORT": str(port),
            "BASE_URL": self.url,
            "SMTP_URL": smtp_url,
            "MAIL_FROM": "Freehold <freehold@example.org>",
            "SECRET_KEY": SECRET_KEY,
            "ARGON2_MEMORY_KIB": "8",
            "ARGON2_PASSES": "1",
            "WEB_PROCESSES": "2",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.prepare()
        self.start()
        return self

    def start(self) -> None:
        """Start it, the first time or after it ended."""
        self._process = subprocess.Popen(
            [sys.executable, *self.command],
            cwd=self.code,
            env=self._environment,
            stderr=self.log,
            start_new_session=True,
            preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it only makes one system call
        )
        try:
            self._await_answer()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, _kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.stop()

    def prepare(self) -> None:
        """Bring the database up to date."""
        self.flask("db", "upgrade")

    @property
    def pid(self) -> int:
        """The process that has the workers."""
        assert self._process
        return self._process.pid

    def reload(self) -> None:
        """Replace the workers, as a deployment does; what is open in them is let go."""
        assert self._process
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Let it finish what it is asked, and end."""
        if self._process:
            self._process.terminate()
            self._process.wait(20)

    def kill(self, frozen: float) -> None:
        """End it with its workers at once, after so many seconds in which they take requests and answer none."""
        os.killpg(self.pid, signal.SIGSTOP)
        time.sleep(frozen)
        os.killpg(self.pid, signal.SIGKILL)
        assert self._process
        self._process.wait(20)

    def flask(self, *arguments: str) -> str:
        """Run a `flask …` command against the server's database and return what it prints."""
        command = [sys.executable, "-m", "flask", "--app", "app", *arguments]
        done = subprocess.run(
            command, cwd=self.code, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server did not start")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
