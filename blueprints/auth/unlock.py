"""Letting a browser try to log in while others guess at the account, by a link that was mailed to its owner."""

from typing import Any

from flask import request, url_for

from blueprints import browsers
from blueprints.auth.blueprint import bp
from blueprints.auth.forms import ButtonForm
from blueprints.auth.links import masked, secret_page
from blueprints.fragments import leave
from blueprints.gate import public
from blueprints.once import once
from models import KnownBrowser, OneTimeToken, User, audit, db, transaction
from models.audit.actions import BROWSER_UNLOCKED
from models.token import UNLOCK

LET_IN = "You can log in here now, with your password."


@bp.route("/unlock/<token>", methods=["GET", "POST"])
@public
def unlock(token: str) -> Any:
    """The mailed link shows a button, because mail scanners open links; the button makes this browser known."""
    permit, form = OneTimeToken.find(UNLOCK, token), ButtonForm()
    user = db.session.get_one(User, permit.user_id) if permit else None
    if permit is None or user is None:
        return secret_page("auth/unlock_over.html", 410)
    if not form.accepted():
        status = 422 if form.errors else 200
        return secret_page("auth/unlock.html", status, form=form, token=token, address=masked(user.email))
    return _let_in(permit, user)


def _let_in(permit: OneTimeToken, user: User) -> Any:
    """Make the browser known, and nothing else: it takes the password to log in."""
    mac, to = browsers.keep(), url_for(".login")
    with transaction():
        if first := permit.use():
            once(to)
            audit.proven(user.id)
            audit.note(BROWSER_UNLOCKED, user_id=user.id, subject=user.id)
            KnownBrowser.know(user, mac, request.remote_addr, request.user_agent.string[:300])
    return leave(to, LET_IN) if first else secret_page("auth/unlock_over.html", 410)
