"""gunicorn with our configuration, on whatever database there is or is not."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from runtime.children import dies_with_parent
from tests.runtime.mail_server import free_port

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 60.0  # seconds
SETTINGS = {"SECRET_KEY": "a key that is only used by tests, 0123456789", "WEB_PROCESSES": "1", "MAIL_WORKER": "off"}


class WebServer:
    """One that may refuse to start. What it says is in `said`."""

    def __init__(self, directory: Path, config: str = "gunicorn.conf.py", **settings: str) -> None:
        self.port = free_port()
        self.log = directory / "log"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", config, "app:create_app()"],
                cwd=ROOT,
                env={**kept, "PORT": str(self.port), **SETTINGS, **settings},
                stderr=log,
                preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it only makes one system call
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def ends(self) -> int:
        """Wait until it ends by itself; return its exit code."""
        return self.process.wait(LONGEST)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(LONGEST)

    def status(self, path: str) -> int:
        """Ask for a page; 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def until(self, path: str, status: int) -> None:
        """Wait until a page answers like this."""
        deadline = time.monotonic() + LONGEST
        while (found := self.status(path)) != status:
            assert time.monotonic() < deadline, f"{found}, {self.said}"
            time.sleep(0.05)

    def send(self, text: str) -> socket.socket:
        """Open a connection, and send the beginning of something."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=LONGEST)
        connection.sendall(text.replace("\n", "\r\n").encode())
        return connection
