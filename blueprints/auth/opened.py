"""The invitation that a browser opened.

A cookie keeps its token, so that it leaves the address bar, the history and the Referer, and survives logging in,
signing up and switching accounts.
"""

from datetime import timedelta

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from blueprints.auth.onward import INVITATION
from config import settings
from models import Offer, link

KEPT_FOR = timedelta(minutes=30)


def opened() -> Offer | None:
    """Return the offer behind the link that was opened here; None without one, or if we never made that link."""
    return Offer.find(request.cookies.get(_name(), ""))


def keep(token: str) -> Response:
    """Keep an opened link's token, and lead to the page without it. What cannot be a token takes its place as none."""
    response = redirect(url_for("auth.invitation"), 303)
    response.headers["Referrer-Policy"] = "no-referrer"
    if link.read(token) is None:
        return forget(response)
    response.set_cookie(_name(), token, max_age=KEPT_FOR, secure=settings().https, httponly=True, samesite="Lax")
    return response


def forget(response: Response) -> Response:
    """Take the token back: it was used, or there is none."""
    response.delete_cookie(_name(), secure=settings().https, httponly=True, samesite="Lax")
    return response


def _name() -> str:
    return settings().cookie_name(INVITATION)
