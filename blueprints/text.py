"""What no browser sends, in an address, a form or a header: it is refused, or done without, before anybody reads it."""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from flask import Flask, abort, request

from config import Settings

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 1000  # of a form; Werkzeug's own limit, which it knows for forms with files only
_LABEL = r"[\w-]{1,63}"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[\da-f:.]+\])(?::\d{{1,5}})?", re.I | re.ASCII)


def init_app(app: Flask) -> None:
    """Look at each request first."""
    settings: Settings = app.config["SETTINGS"]
    app.wsgi_app = _Headers(app.wsgi_app, urlsplit(settings.base_url).netloc)  # type: ignore[method-assign]
    app.before_request(refuse_unreadable)


def refuse_unreadable() -> None:
    """Answer 400 to bytes that are not UTF-8: Werkzeug keeps them as `%FF`, in a name for instance, or fails.

    What was sent is taken in here, whole: a slow client's request holds no connection to the database meanwhile.
    """
    parts, sent = [request.query_string], request.get_data()
    if request.mimetype == FORM:
        parts.append(sent)
        if parts[-1].count(b"&") >= MOST_FIELDS:
            abort(413)
    for part in parts:
        if not _readable(unquote_to_bytes(part)):
            abort(400)


class _Headers:
    """The application behind headers that it can read. What is none of its kind is as if it had not been sent."""

    def __init__(self, app: Any, host: str) -> None:
        self.app, self.host = app, host

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not _HOST.fullmatch(environ.get("HTTP_HOST", "")):
            environ["HTTP_HOST"] = self.host
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"
        environ["REMOTE_ADDR"] = _address(environ.get("REMOTE_ADDR", ""))
        answer: Iterable[bytes] = self.app(environ, start_response)
        return answer


def _address(given: str) -> str:
    """Return the client's address as the database takes it; nothing for what a proxy made of it."""
    try:
        return str(ip_address(given.partition("%")[0]))
    except ValueError:
        return ""


def _readable(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
