"""A forgotten password, and a new one by a mailed link."""

import time
from contextlib import suppress
from typing import Any

from flask import g, render_template, request, url_for

from blueprints.auth.admission import admit
from blueprints.auth.blueprint import bp
from blueprints.auth.forms import ForgotPasswordForm, ResetPasswordForm
from blueprints.auth.links import secret_page
from blueprints.auth.onward import onward
from blueprints.gate import public
from blueprints.limits import within
from blueprints.once import once
from config import RESET_LIFE
from models import OneTimeToken, OutgoingMail, Repeated, User, db, limits, transaction
from models.password import hash_password
from models.token import RESET

MINUTES = RESET_LIFE.seconds // 60
WITHIN = 0.05  # seconds, several times what it takes to note a wish for a link
CHANGED = "Password changed. Other devices were logged out."


@bp.route("/forgot-password", methods=["GET", "POST"])
@public
def forgot_password() -> Any:
    """Mail a link to the account that uses an address. The answer and the work are the same if none does."""
    form, sent_to = ForgotPasswordForm(), None
    if form.accepted() and within(form, limits.mailing(RESET, form.email.address.key, request.remote_addr)):
        sent_to = form.email.address.typed
        with suppress(Repeated), transaction():
            once(url_for(".forgot_password"))
            token = OneTimeToken.issue(RESET, User.id_by_email(form.email.address), RESET_LIFE)
            OutgoingMail.queue("password_reset", token.id)
        _wait_out()
    page = render_template("auth/forgot_password.html", form=form, sent_to=sent_to, minutes=MINUTES)
    return page, 422 if form.errors else 200


@bp.route("/reset-password/<token>", methods=["GET", "POST"])
@public
def reset_password(token: str) -> Any:
    """Choose a new password. The link works once, and every session that there is ends."""
    permit = OneTimeToken.find(RESET, token)
    user = db.session.get_one(User, permit.user_id) if permit else None
    if permit is None or user is None or user.deactivated_at:
        return _used()
    form = ResetPasswordForm(user.email, user.name)
    if form.accepted() and within(form, limits.choosing(request.remote_addr)):
        return _choose(form.password.data or "", permit, user)
    status = 422 if form.errors else 200
    return secret_page("auth/reset_password.html", status, form=form, user=user, token=token)


def _wait_out() -> None:
    """Answer at the same time in any case: the token of an account takes the database a moment longer than nobody's.

    Where a password is hashed, that takes far longer than any such moment, and varies more; here nothing else hides it.
    """
    left = g.began + WITHIN - time.time()
    time.sleep(min(max(left, 0), WITHIN))  # the clock may be set back meanwhile


def _choose(password: str, permit: OneTimeToken, user: User) -> Any:
    hashed = hash_password(password)
    with transaction():
        db.session.refresh(user, with_for_update=True)  # before the token, as whoever ends both locks them
        if first := permit.use():
            once(url_for(".login"))
            user.prove_address(user.email_key)
            user.choose_password(hashed, by_link=True)
            OutgoingMail.queue("password_changed", user.id)
    if not first:
        return _used()
    return admit(user, onward(), CHANGED)


def _used() -> Any:
    return secret_page("auth/reset_password_used.html", 410, minutes=MINUTES)
