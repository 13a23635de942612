"""Confirming once more who one is, by whatever one has: after it, a session is fresh for ten minutes."""

from typing import Any

from flask import g, render_template, request, url_for

from blueprints.auth.blueprint import bp
from blueprints.auth.ceremony import to_log_in
from blueprints.auth.forms import ConfirmByCodeForm, ConfirmForm
from blueprints.auth.onward import wanted
from blueprints.auth.second_step import spent
from blueprints.fragments import leave
from blueprints.gate import log_in, signed_in
from blueprints.proof import proves
from models import User, db


@bp.route("/account/confirm", methods=["GET", "POST"])
@signed_in
def confirm() -> Any:
    """Take the password or a code, give the session a new id, and lead back to what asked for it."""
    user, target = db.session.get_one(User, g.identity.viewer.id), wanted()
    by_code, by_password = ConfirmByCodeForm(), ConfirmForm()
    form = by_code if "code" in request.form else by_password
    if form.accepted() and (spent(by_code, user) if form is by_code else proves(by_password)):
        log_in(user)
        return leave(target or url_for(".security"))
    shown = {"form": form, "by_code": by_code, "by_password": by_password, "target": target, "passkey": to_log_in()}
    page = render_template("auth/confirm.html", two_step=user.second_factor_at is not None, **shown)
    return page, 422 if form.errors else 200
