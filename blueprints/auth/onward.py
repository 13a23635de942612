"""Where a person goes on to once they are logged in."""

from flask import request, url_for

from blueprints.gate import safe_path
from config import settings

INVITATION = "invitation"  # names the cookie that keeps an opened invitation through signing up and logging in


def wanted() -> str | None:
    """Return the page that led here, if it is one of ours."""
    return safe_path(request.args.get("next"))


def onward(target: str | None = None) -> str:
    """Return the address to go on to: the page that was asked for, an invitation that waits, or the start."""
    if target:
        return target
    waits = settings().cookie_name(INVITATION) in request.cookies
    return url_for("auth.invitation" if waits else "auth.landing")
