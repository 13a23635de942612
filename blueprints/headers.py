"""What every answer says to the browser, pages, errors and static files alike."""

import secrets

from flask import Flask, Response, g, request

from config import settings

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
    """Set them after every request."""
    app.after_request(secure)


def request_id() -> str:
    """Return what this request is called: in its answer, and in the events of the audit log that it causes."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    return g.request_id


def secure(response: Response) -> Response:
    """Add the security headers and the request's id, and keep personal pages out of every cache."""
    response.headers["X-Request-Id"] = request_id()
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    if settings().https:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR}")
    if request.endpoint == "static" and response.status_code < 400:
        # The address carries the file's hash: what it names never changes. What is missing may come with an update.
        hashed = bool(request.query_string)
        response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable" if hashed else "no-cache"
    elif g.get("identity"):
        response.headers["Cache-Control"] = "private, no-store"
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    return response
