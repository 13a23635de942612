"""What every answer says to the browser, pages, errors and static files alike."""

from collections.abc import Iterable
from typing import Any

from flask import Flask, Response, g, request

from config import Settings
from runtime import logs

# htmx 4 and our scripts run under it without exception: no inline script, style or eval (UX.md section 2.2).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
ONE_YEAR = 31_536_000  # seconds


def init_app(app: Flask) -> None:
    """Set them on every answer."""
    settings: Settings = app.config["SETTINGS"]
    strict = {"Strict-Transport-Security": f"max-age={ONE_YEAR}"} if settings.https else {}
    app.wsgi_app = _Always(app.wsgi_app, ALWAYS | strict)  # type: ignore[method-assign]
    app.after_request(keep_private)


def request_id() -> str:
    """Return what this request is called: in its answer, in the log, and in the audit log's events that it causes."""
    return logs.REQUEST_ID.get()


class _Always:
    """The application behind headers that every answer has, unless it chose another value itself."""

    def __init__(self, app: Any, headers: dict[str, str]) -> None:
        self.app, self.headers = app, list(headers.items())

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, chosen: list[tuple[str, str]], *error: Any) -> Any:
            names = {name for name, _ in chosen}
            return start_response(status, chosen + [pair for pair in self.headers if pair[0] not in names], *error)

        answer: Iterable[bytes] = self.app(environ, start)
        return answer


def keep_private(response: Response) -> Response:
    """Name the request, and keep personal pages out of every cache."""
    response.headers["X-Request-Id"] = request_id()
    if request.endpoint == "static" and response.status_code < 400:
        # The address carries the file's hash: what it names never changes. What is missing may come with an update.
        hashed = bool(request.query_string)
        response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable" if hashed else "no-cache"
    elif g.get("identity"):
        response.headers["Cache-Control"] = "private, no-store"
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    return response
