"""A person with a browser, who asks whichever server they are told to."""

import http.client
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.factories import PASSWORD


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    text: str
    location: str

    @property
    def logged_out(self) -> bool:
        """True where it leads to log-in."""
        return self.status == 302 and self.location.startswith("/login")


class Person:
    """Cookies, kept for all servers together, as a browser does that knows only HAProxy."""

    def __init__(self, network: int = 1) -> None:
        """Come from a place of one's own, as a proxy in front would say it."""
        self.cookies: dict[str, str] = {}
        self.headers = {"X-Forwarded-For": f"10.{network}.0.1"}

    def get(self, server: str, path: str) -> Answer:
        """GET."""
        return self._ask(server, "GET", path)

    def post(self, server: str, path: str, *, token: str | None = None, **fields: str) -> Answer:
        """POST a form, with the token of this page's unless another is given."""
        sent = {"csrf_token": token or self.token(server, path), **fields}
        return self._ask(server, "POST", path, urlencode(sent), {"Content-Type": "application/x-www-form-urlencoded"})

    def token(self, server: str, path: str) -> str:
        """Return the token of the first form on a page."""
        page = self.get(server, path)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert found, (path, page)
        return found[1]

    def log_in(self, server: str, email: str, password: str = PASSWORD) -> Answer:
        """Log in, or try to."""
        return self.post(server, "/login", email=email, password=password)

    @contextmanager
    def stream(self, server: str, path: str) -> Iterator[Iterator[tuple[float, str]]]:
        """Open a page's event stream; give when each of its lines came (by the monotonic clock), and the line."""
        connection, headers = _connection(server), {**self._sent(), "Accept": "text/event-stream"}
        connection.request("GET", f"{path}?since={time.time():.3f}", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        yield ((time.perf_counter(), line.decode().strip()) for line in answer)
        if connection.sock:
            connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()

    def _sent(self) -> dict[str, str]:
        return {**self.headers, "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _ask(self, server: str, method: str, path: str, body: str = "", more: dict[str, Any] | None = None) -> Answer:
        connection = _connection(server)
        connection.request(method, path, body or None, {**self._sent(), **(more or {})})
        answer = connection.getresponse()
        text = answer.read().decode()
        for header in answer.headers.get_all("Set-Cookie", []):
            name, _, value = header.split(";", 1)[0].partition("=")
            self.cookies[name] = value
        connection.close()
        return Answer(answer.status, text, answer.headers.get("Location", ""))


def _connection(server: str) -> http.client.HTTPConnection:
    at = urlsplit(server)
    return http.client.HTTPConnection(at.hostname or "", at.port, timeout=30)
