"""What lies between a right password and a session: the second step, where somebody turned it on."""

from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response

from blueprints import browsers
from blueprints.fragments import leave
from blueprints.gate import log_in
from config import STEP_LIFE, settings
from models import KnownBrowser, OneTimeToken, User, db, transaction
from models.token import SECOND_STEP
from runtime import metrics

COOKIE = "step"


def admit(user: User, to: str, toast: str = "") -> Any:
    """Log in and lead on, or ask for the second step first.

    Args:
        user: whose password, or mailed link, was right.
        to: the address to go on to.
        toast: what happened.
    """
    if needs_step(user):
        return ask(user, to, toast)
    log_in(user)
    return leave(to, toast)


def needs_step(user: User) -> bool:
    """Tell whether it takes a second step, which a browser that is remembered stands for."""
    return user.second_factor_at is not None and not KnownBrowser.remembers(user, browsers.mac())


def ask(user: User, to: str, toast: str = "") -> Response:
    """Lead to the second step. A short-lived token in a cookie says whose password was right; nobody is logged in.

    It is nobody's where the password was changed since: a change ends the tokens that it finds.
    """
    with transaction():
        permit = OneTimeToken.issue(SECOND_STEP, user.unchanged(), STEP_LIFE, alone=False)
    metrics.LOG_INS.labels(metrics.SECOND_STEP).inc()
    response = leave(url_for("auth.second_step", next=to), toast)
    response.set_cookie(_name(), permit.text, max_age=STEP_LIFE, secure=settings().https, httponly=True, samesite="Lax")
    return response


def asked() -> tuple[OneTimeToken, User] | None:
    """Return whose second step this browser waits for; None once that is too old, done, or the password another one."""
    permit = OneTimeToken.find(SECOND_STEP, request.cookies.get(_name(), ""))
    user = db.session.get_one(User, permit.user_id) if permit else None
    return (permit, user) if permit and user and not user.deactivated_at else None


def forget(response: Response) -> Response:
    """Take the token back: it was used."""
    response.delete_cookie(_name(), secure=settings().https, httponly=True, samesite="Lax")
    return response


def _name() -> str:
    return settings().cookie_name(COOKIE)
