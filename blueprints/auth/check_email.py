"""The page that waits for the mail of a sign-up: the code that is typed there, the mail sent again, and the way on."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import abort, g, redirect, render_template, request, url_for

from blueprints.auth import waiting
from blueprints.auth.blueprint import bp
from blueprints.auth.forms import CodeForm
from blueprints.auth.onward import onward
from blueprints.auth.waiting import Waiting
from blueprints.fragments import leave
from blueprints.gate import log_in, public
from blueprints.limits import stop_beyond
from blueprints.once import once
from config import CONFIRMATION_LIFE
from models import EmailTaken, Repeated, Signup, User, limits, transaction
from models.signup import PURPOSE
from models.text import address

MINUTES = CONFIRMATION_LIFE.seconds // 60
CONFIRMED = "Email address confirmed."
WRONG = "The code is not right, or too many were tried. Only the code of the newest mail works, five times at most."


@bp.get("/signup/check-email")
@public
def check_email() -> Any:
    """What to do now."""
    here = Waiting.read()
    return _shown(here, CodeForm()) if here else leave(url_for(".signup"))


@bp.post("/signup/check-email")
@public
def resend_confirmation() -> Any:
    """Send the mail again. The answer does not tell whether the address was confirmed meanwhile."""
    here = Waiting.read()
    if here is None:
        return leave(url_for(".signup"))
    mailed_within(here.email)
    with suppress(Repeated), transaction():
        once(to := url_for(".check_email"))
        Signup.send_again(UUID(here.signup_id))
    return here._replace(sent_again_at=time.time()).keep(redirect(to, 303))


@bp.post("/signup/check-email/code")
@public
def confirm_by_code() -> Any:
    """Confirm the address by the code of the mail, in the browser that signed up, and log in."""
    here, form = Waiting.read(), CodeForm()
    if g.identity or here is None:
        return leave(onward() if g.identity else url_for(".signup"))
    if form.accepted():
        user = _confirmed(UUID(here.signup_id), form.code.data or "")
        if user:
            return admitted(user, here)
        form.refuse("code", WRONG)
    return _shown(here, form), 422


@bp.get("/signup/check-email/confirmed")
@public
def confirmed() -> Any:
    """Tell the page that waits where to go on, once its link was opened: to log in, never into a session."""
    here = Waiting.read()
    if g.identity:
        return {"to": onward()}
    if here is None:
        abort(404)
    if not Signup.was_confirmed(UUID(here.signup_id)):
        return "", 204
    return {"to": url_for(".login", next=here.target, why="confirmed")}


def admitted(user: User, here: Waiting) -> Any:
    """Log in where somebody signed up, and lead on to where they were going."""
    log_in(user)
    return waiting.forget(leave(onward(here.target), CONFIRMED))


def mailed_within(email: str) -> None:
    """Stop where too many mails were asked for."""
    stop_beyond(limits.mailing(PURPOSE, address(email).key, request.remote_addr), email)


def _confirmed(id: UUID, code: str) -> User | None:
    """Take a try of the code, which counts whatever comes of it, and make the account if it is right."""
    with transaction():
        signup = Signup.try_code(id, code)
    if signup is None:
        return None
    with suppress(EmailTaken), transaction():
        return signup.confirm()
    return None


def _shown(here: Waiting, form: CodeForm) -> str:
    again = datetime.fromtimestamp(here.sent_again_at, UTC) if here.sent_again_at else None
    return render_template("auth/check_email.html", waiting=here, form=form, again=again, minutes=MINUTES)
