"""Logging in and out."""

from typing import Any

from flask import g, render_template, request, url_for

from blueprints import browsers
from blueprints.auth.admission import admit
from blueprints.auth.blueprint import bp
from blueprints.auth.ceremony import to_log_in
from blueprints.auth.forms import LogInForm
from blueprints.auth.guessing import let_try, refused
from blueprints.auth.onward import onward, wanted
from blueprints.fragments import leave
from blueprints.gate import log_out, public, signed_in
from models import User, transaction
from models.known_browser import Typed
from models.password import expect_a_turn, hash_password, needs_upgrade, verify
from models.rate_limit import give_back

WRONG = "The email address or password is not right."


@bp.route("/login", methods=["GET", "POST"])
@public
def login() -> Any:
    """Prove who one is, and go on to where one wanted to go."""
    target = wanted()
    if g.identity:
        return leave(onward(target))
    form = LogInForm()
    if form.accepted() and (user := proven(form)):
        return admit(user, onward(target))
    shown = {"form": form, "target": target, "why": request.args.get("why"), "passkey": to_log_in()}
    page = render_template("auth/login.html", **shown)
    return page, 422 if form.errors else 200


@bp.post("/logout")
@signed_in
def logout() -> Any:
    """End this session, and no other."""
    log_out()
    return leave(url_for(".landing"), "You are logged out.")


def proven(form: LogInForm) -> User | None:
    """Return whose address and password these are. An unknown address costs what a wrong password costs."""
    expect_a_turn()
    typed = Typed.read(form.email.address, browsers.mac())
    tries = let_try(form, typed.browser_id)
    if not tries:
        return None
    if not verify(typed.password_hash, form.password.data or ""):
        refused()
        form.refuse("email", WRONG)
        return None
    give_back(tries)
    user = typed.account()
    if needs_upgrade(user.password_hash):
        stronger = hash_password(form.password.data or "")
        with transaction():
            user.upgrade_hash(stronger)
    return user
