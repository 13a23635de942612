"""One's own account."""

from typing import Any

from flask import g, redirect, request, url_for

import access
from blueprints.auth.blueprint import bp
from blueprints.auth.forms import AccountForm, ChangePasswordForm, DeleteAccountForm, ThemeForm
from blueprints.auth.password import CHANGED
from blueprints.fragments import leave, respond
from blueprints.gate import bare, log_in, log_out, signed_in
from blueprints.headers import ONE_YEAR
from blueprints.looks import LOOKS, looks
from blueprints.once import once
from blueprints.proof import matches, proves
from config import settings
from models import LastOwner, OutgoingMail, Passkey, SecondFactor, User, db, leaving, transaction
from models.password import hash_password

WRONG = "This is not your current password"


@bp.route("/account", methods=["GET", "POST"])
@signed_in
def account() -> Any:
    """Name, address, and how this browser shows pages."""
    form = AccountForm(data={"name": g.identity.viewer.name})
    if form.accepted():
        with transaction():
            db.session.get_one(User, g.identity.viewer.id).rename(form.name.data or "")
        return leave(url_for(".account"), "Name changed.")
    shown = {"form": form, "looks": ThemeForm(data=looks())}
    return respond("auth/account.html", "auth/_account.html", 422 if form.errors else 200, **shown)


@bp.post("/account/theme")
@signed_in
def theme() -> Any:
    """Let this browser remember how pages look. What is none of ours leaves that to the device."""
    answer = leave(url_for(".account"), "Appearance saved.")
    for what, offered in LOOKS.items():
        name, look = settings().cookie_name(what), request.form.get(what, "")
        how: dict[str, Any] = {"secure": settings().https, "httponly": True, "samesite": "Lax"}
        if look in offered:
            answer.set_cookie(name, look, max_age=ONE_YEAR, **how)
        else:
            answer.delete_cookie(name, **how)
    return answer


@bp.route("/account/security", methods=["GET", "POST"])
@signed_in
def security() -> Any:
    """Change the password, by the present one. Every other session ends; this one gets a new id."""
    form = ChangePasswordForm(g.identity.viewer.email, g.identity.viewer.name)
    if form.accepted() and (user := _changed(form)):
        log_in(user)
        return leave(url_for(".security"), CHANGED)
    me = g.identity.viewer.id
    factors = {"factor": SecondFactor.of(me), "passkeys": Passkey.of_person(me)}
    shown = {"form": form, "passkeys_work": settings().passkey_domain is not None, **factors}
    return respond("auth/security.html", "auth/_security.html", 422 if form.errors else 200, **shown)


@bp.route("/account/delete", methods=["GET", "POST"])
@signed_in
def delete_account() -> Any:
    """Review what ends with one's account, and end it by a fresh proof. The last Owner of an organization stays."""
    mine, form = g.identity.viewer.id, DeleteAccountForm()
    if form.accepted() and proves(form):
        try:
            with transaction():
                leaving.delete_account(db.session.get_one(User, mine))
            log_out()
            return leave(url_for(".landing"), "Your account was deleted.")
        except LastOwner:
            form.refuse("", "Your account stays while you are the only Owner of an organization.")
    with leaving.everywhere(mine):
        endings, owned = access.endings(mine), leaving.last_owned(mine)
    status = 422 if form.errors else 200
    page, fragment = "auth/delete_account.html", "auth/_delete_account.html"
    return respond(page, fragment, status, form=form, owned=owned, endings=endings)


@bp.get("/.well-known/change-password")
@bare
def change_password() -> Any:
    """Lead password managers to the form (W3C, A Well-Known URL for Changing Passwords)."""
    return redirect(url_for(".security"), 303)


def _changed(form: ChangePasswordForm) -> User | None:
    """Change the password, unless the present one is not right or was changed while we looked."""
    user = db.session.get_one(User, g.identity.viewer.id)
    known = user.password_hash
    if matches(form, known, WRONG):
        hashed = hash_password(form.password.data or "")
        with transaction():
            db.session.refresh(user, with_for_update=True)
            if user.password_hash == known:
                once(url_for(".security"))
                user.choose_password(hashed)
                OutgoingMail.queue("password_changed", user.id)
                return user
        form.refuse("current_password", WRONG)
    return None
