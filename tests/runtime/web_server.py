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
from tests.browser.server import ROOT, SECRET_KEY, free_port

LONGEST = 120.0  # seconds, on a busy machine; a start takes three
SETTINGS = {"SECRET_KEY": SECRET_KEY, "WEB_PROCESSES": "1", "MAIL_WORKER": "off"}
# What systemd does for a service that has a socket (sd_listen_fds(3)).
HANDED_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def listen() -> socket.socket:
    """Open a socket that outlives the servers which it is handed to."""
    return socket.create_server(("127.0.0.1", 0), backlog=2048)


class WebServer:
    """One that may refuse to start. What it says is in `said`."""

    def __init__(
        self,
        directory: Path,
        config: str = "gunicorn.conf.py",
        listener: socket.socket | None = None,
        port: int = 0,
        **settings: str,
    ) -> None:
        self.port = listener.getsockname()[1] if listener else port or free_port()
        self.log = directory / "log"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        over = ["-c", HANDED_OVER, str(listener.fileno())] if listener else []
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *over, "-m", "gunicorn", "-c", config, "app:create_app()"],
                cwd=ROOT,
                env={**kept, "PORT": str(self.port), **SETTINGS, **settings},
                stderr=log,
                pass_fds=[listener.fileno()] if listener else [],
                preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it only makes one system call
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def ends(self) -> int:
        """Wait until it ends by itself; return its exit code."""
        return self.process.wait(LONGEST)

    def workers(self) -> set[str]:
        """The ids of its processes."""
        return set(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split())

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
