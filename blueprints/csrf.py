"""Requests that change something must come from our own pages.

The token is an HMAC of the session's id or, before log-in, of a visitor's cookie: nothing is stored for a visitor.
"""

import hashlib
import hmac
import secrets
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Response, g, request, session
from wtforms import ValidationError
from wtforms.csrf.core import CSRF

from config import settings
from runtime.sessions import BrowserSession

STALE = "This page was open for a long time. Press the button again."


def csrf_token() -> str:
    """Return the token for the forms of this browser."""
    return _token(settings().keys("csrf")[0])


def is_genuine(token: str | None) -> bool:
    """Tell whether a posted token is this browser's."""
    given = (token or "").encode("utf-8", "replace")
    return any(hmac.compare_digest(_token(key).encode(), given) for key in settings().keys("csrf"))


def from_elsewhere() -> bool:
    """Tell whether the browser says that another site sent this request (Fetch Metadata, else Origin)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("cross-site", "same-site")
    origin = request.headers.get("Origin")
    ours = {urlsplit(settings().base_url).netloc, request.host}
    # Our own pages without a referrer (an opened link's) send "null" too; the token judges them.
    return origin is not None and origin != "null" and origin.partition("://")[2] not in ours


def keep_visitor(response: Response) -> Response:
    """Give a visitor who was shown a form the cookie that its token belongs to."""
    if "new_visitor" in g:
        chosen = settings()
        response.set_cookie(
            chosen.cookie_name("visitor"), g.new_visitor, secure=chosen.https, httponly=True, samesite="Lax"
        )
    return response


class FormCSRF(CSRF):
    """The token as a field of each WTForms form."""

    def generate_csrf_token(self, csrf_token_field: Any) -> str:
        """Return the token to print."""
        return csrf_token()

    def validate_csrf_token(self, form: Any, field: Any) -> None:
        """Refuse a token that is missing, old or somebody else's."""
        if not is_genuine(field.data):
            raise ValidationError(STALE)


def _token(key: bytes) -> str:
    sid = cast("BrowserSession", session).sid
    return hmac.digest(key, f"session:{sid}".encode("utf-8", "replace") if sid else _visitor(), hashlib.sha256).hex()


def _visitor() -> bytes:
    known = request.cookies.get(settings().cookie_name("visitor"))
    if not known:
        if "new_visitor" not in g:
            g.new_visitor = secrets.token_urlsafe(24)
        known = g.new_visitor
    return f"visitor:{known}".encode("utf-8", "replace")
