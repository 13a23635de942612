"""Passkeys: logging in with one, in place of password and second step, and a person's own."""

from typing import Any
from uuid import UUID

from flask import abort, g, render_template, request, url_for

from blueprints.auth import ceremony
from blueprints.auth.admission import asked, forget
from blueprints.auth.blueprint import bp
from blueprints.auth.forms import PasskeyForm, PasskeyNameForm
from blueprints.auth.guessing import refused
from blueprints.auth.onward import onward, wanted
from blueprints.fragments import leave, respond
from blueprints.gate import hold_session, log_in, public, renew_id, signed_in
from blueprints.once import once
from config import settings
from models import Passkey, PasskeyTaken, User, db, transaction
from models.device import device

NOT_MADE = "The passkey could not be added. Try again."


@bp.post("/login/passkey")
@public
def passkey_log_in() -> Any:
    """Log in by a passkey alone: it is something one has, and knows its owner."""
    target = wanted()
    user = _proven()
    if user is None:
        return leave(url_for(".login", next=target, why="passkey"))
    log_in(user)
    return leave(onward(target))


@bp.post("/login/2fa/passkey")
@public
def passkey_second_step() -> Any:
    """Take a passkey of whoever gave the right password, in place of a code."""
    target, waits = wanted(), asked()
    if waits is None:
        return leave(url_for(".login", next=target, why="step"))
    permit, user = waits
    if not (_proven(user) and _used(permit)):
        return leave(url_for(".second_step", next=target, why="passkey"))
    log_in(user)
    return forget(leave(onward(target)))


@bp.post("/account/confirm/passkey")
@signed_in
def passkey_confirm() -> Any:
    """Confirm who one is by a passkey; see confirm()."""
    user, target = db.session.get_one(User, g.identity.viewer.id), wanted()
    if not _proven(user):
        return leave(url_for(".confirm", next=target, why="passkey"))
    log_in(user)
    return leave(target or url_for(".security"))


@bp.route("/account/security/passkeys/new", methods=["GET", "POST"])
@signed_in
def add_passkey() -> Any:
    """Let a device of one's own make a passkey, and give it a name."""
    if settings().passkey_domain is None:
        abort(404)
    if not g.identity.fresh:
        return leave(url_for(".confirm", next=url_for(".add_passkey")))
    user = db.session.get_one(User, g.identity.viewer.id)
    form = PasskeyForm(name=device(request.user_agent.string))
    if form.accepted() and _added(form, user):
        renew_id()
        return leave(url_for(".security"), "Passkey added.")
    options = ceremony.to_add(user, Passkey.of_person(user.id))
    return render_template("auth/passkey_new.html", form=form, options=options), 422 if form.errors else 200


@bp.route("/account/security/passkeys/<uuid:passkey_id>", methods=["GET", "POST"])
@signed_in
def passkey(passkey_id: UUID) -> Any:
    """Show one of one's passkeys, and give it another name."""
    key = _mine(passkey_id) or abort(404)
    form = PasskeyNameForm(name=key.name)
    if form.accepted():
        with transaction():
            db.session.merge(key).name = form.name.data or ""
        return leave(url_for(".security"), "Passkey renamed.")
    return respond("auth/passkey.html", "auth/_passkey.html", 422 if form.errors else 200, form=form, passkey=key)


@bp.post("/account/security/passkeys/<uuid:passkey_id>/remove")
@signed_in
def remove_passkey(passkey_id: UUID) -> Any:
    """Let it log nobody in any more; done twice, it is done."""
    if not g.identity.fresh:
        return leave(url_for(".confirm", next=url_for(".passkey", passkey_id=passkey_id)))
    key = _mine(passkey_id)
    if key:
        with transaction():
            hold_session()
            key.remove()
        renew_id()
    return leave(url_for(".security"), f"{key.name} was removed." if key else "It was removed already.")


def _proven(expected: User | None = None) -> User | None:
    """Return whose passkey the form carries an answer of: of the expected person, where one is."""
    user = ceremony.proven(request.form.get("credential", ""))
    if user is None or (expected and user.id != expected.id):
        refused()
        return None
    return user


def _used(permit: Any) -> bool:
    with transaction():
        return bool(permit.use())


def _added(form: PasskeyForm, user: User) -> bool:
    key = ceremony.made(form.credential.data or "")
    if key is None:
        form.refuse("", NOT_MADE)
        return False
    try:
        with transaction():
            hold_session()
            once(url_for(".security"))
            Passkey.add(user, key.credential_id, key.credential_public_key, key.sign_count, form.name.data or "")
    except PasskeyTaken as error:
        form.refuse("", str(error))
        return False
    return True


def _mine(passkey_id: UUID) -> Passkey | None:
    key = db.session.get(Passkey, passkey_id)
    return key if key and key.user_id == g.identity.viewer.id else None
