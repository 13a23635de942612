"""What the host sees of each request: one line in the log, and what is counted.

Neither holds a secret. A request is told by its route, never by its path, in which a mailed link has its token; what
has no route may be such a link mistyped, and is told by nothing.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from flask import Flask, request

from config import Settings
from models.work import CURRENT, Work
from runtime import logs, metrics

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
UNTOLD = {"static", "health.healthz"}  # counted, without a line: what nobody looks for in a log, and there is most of


@dataclass(slots=True)
class Request(Work):
    """A request, from outside."""

    method: str = ""
    route: str = ""  # the rule of the URL map
    endpoint: str = ""


def init_app(app: Flask) -> None:
    """Watch every request."""
    settings: Settings = app.config["SETTINGS"]
    app.before_request(_name_route)
    app.wsgi_app = Watched(app.wsgi_app, logs.as_json if settings.production else logs.as_text)  # type: ignore[method-assign]


def _name_route() -> None:
    seen = CURRENT.get()
    if request.url_rule and isinstance(seen, Request):
        seen.route, seen.endpoint = request.url_rule.rule, request.url_rule.endpoint


class Watched:
    """The application, seen from outside: also where it could not answer as it wanted to."""

    def __init__(self, app: Any, tell: Callable[..., None]) -> None:
        """Watch a WSGI application, and have each request told."""
        self.app, self.tell = app, tell

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request. Of a stream, what is told is how it began."""
        began, status, method = perf_counter(), "500", environ["REQUEST_METHOD"]
        seen = Request(method=method if method in METHODS else "other")  # it may be any word

        def start(chosen: str, *rest: Any) -> Any:
            nonlocal status
            status = chosen[:3]
            return start_response(chosen, *rest)

        CURRENT.set(seen)
        logs.REQUEST_ID.set(request_id := secrets.token_hex(8))
        try:
            answer: Iterable[bytes] = self.app(environ, start)
            return answer
        finally:
            seconds = perf_counter() - began
            metrics.count(seen.method, seen.route, status, seen, seconds)
            if seen.endpoint not in UNTOLD:
                self.tell(request_id, seen.method, seen.route, status, seen, seconds)
