"""The browser itself: a random cookie that stays for months, so that an account knows where it was used before."""

import hashlib
import hmac
import re
import secrets

from flask import Response, after_this_request, g, request

from blueprints.headers import ONE_YEAR
from config import settings

_VALUE = re.compile(r"[\w-]{43}", re.ASCII)  # what we make; whatever else was planted is forgotten


def mac() -> bytes:
    """Return what accounts know this browser by: an HMAC of its cookie, by a key that is not in the database."""
    return _mac(_kept())


def keep() -> bytes:
    """Let the browser keep its cookie, a new one where it has none, and return what accounts know it by."""
    if "browser" not in g:
        g.browser = _kept() or secrets.token_urlsafe(32)
    value: str = g.browser

    @after_this_request
    def remember(response: Response) -> Response:
        chosen = settings()
        response.set_cookie(_name(), value, max_age=ONE_YEAR, secure=chosen.https, httponly=True, samesite="Lax")
        return response

    return _mac(value)


def _kept() -> str:
    value = request.cookies.get(_name(), "")
    return value if _VALUE.fullmatch(value) else ""


def _mac(value: str) -> bytes:
    return hmac.digest(settings().keys("browser")[0], value.encode(), hashlib.sha256)


def _name() -> str:
    return settings().cookie_name("browser")
