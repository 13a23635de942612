"""Turning two-step verification on and off, and its recovery codes."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import segno
from flask import abort, g, url_for
from markupsafe import Markup

from blueprints.auth.blueprint import bp
from blueprints.auth.forms import ProofForm, TwoStepForm
from blueprints.fragments import leave, respond
from blueprints.gate import hold_session, renew_id, signed_in
from blueprints.once import once
from blueprints.proof import proves
from models import Organization, SecondFactor, User, db, transaction
from models.sealed import seal, unseal
from models.second_factor import app_address, new_secret, written

OFFERED = "offered secret"  # what a page carries until its app shows the right code: nothing is stored before
WRONG = "This is not the code that the app shows now."


@bp.route("/account/security/two-step", methods=["GET", "POST"])
@signed_in
def two_step() -> Any:
    """Turn it on: an app takes the secret, and shows that it did."""
    user = db.session.get_one(User, g.identity.viewer.id)
    if user.second_factor_at is not None:
        return leave(url_for(".security"), "Two-step verification is on.")
    form = TwoStepForm(secret=_offer(new_secret()))
    secret = _offered(str(form.secret.data)) or abort(422)
    if form.accepted() and proves(form):
        with transaction():
            hold_session()
            on = SecondFactor.set_up(user, secret, form.code.data or "")
            if on:
                once(url_for(".recovery_codes"))
        if on:
            renew_id()
            return leave(url_for(".recovery_codes"), "Two-step verification is on.")
        form.refuse("code", WRONG)
    code = segno.make(app_address(secret, user.email), error="m").svg_inline(omitsize=True, light="#fff", svgclass=None)
    status = 422 if form.errors else 200
    shown = {"form": form, "qr": Markup(code), "secret": written(secret)}  # noqa: S704 - drawn by segno
    return respond("auth/two_step.html", "auth/_two_step.html", status, **shown)


@bp.route("/account/security/two-step/off", methods=["GET", "POST"])
@signed_in
def two_step_off() -> Any:
    """Turn it off, by a fresh proof."""
    form = ProofForm()
    if form.accepted() and proves(form):
        user = db.session.get_one(User, g.identity.viewer.id)
        with transaction():
            hold_session()
            SecondFactor.turn_off(user)
        renew_id()
        return leave(url_for(".security"), "Two-step verification is off.")
    shown = {"form": form, "requiring": Organization.requiring_second_factor()}
    return respond("auth/two_step_off.html", "auth/_two_step_off.html", 422 if form.errors else 200, **shown)


@bp.route("/account/security/recovery-codes", methods=["GET", "POST"])
@signed_in
def recovery_codes() -> Any:
    """Show new recovery codes until they are saved; after that, make new ones by a fresh proof."""
    factor, form = SecondFactor.of(g.identity.viewer.id), ProofForm()
    if factor is None:
        return leave(url_for(".two_step"))
    shows = factor.shows_codes
    if not shows and form.accepted() and proves(form):
        with transaction():
            hold_session()
            once(url_for(".recovery_codes"))
            factor.renew_recovery_codes()
        return leave(url_for(".recovery_codes"), "You have new recovery codes. The earlier ones no longer work.")
    status = 422 if form.errors and not shows else 200
    page, part = "auth/recovery_codes.html", "auth/_recovery_codes.html"
    return respond(page, part, status, form=form, factor=factor, shows=shows)


@bp.post("/account/security/recovery-codes/saved")
@signed_in
def recovery_codes_saved() -> Any:
    """Show them no more."""
    factor = SecondFactor.of(g.identity.viewer.id)
    if factor:
        with transaction():
            factor.recovery_shown_until = None
    return leave(url_for(".security"), "Keep your recovery codes where you find them without your phone.")


def _offer(secret: bytes) -> str:
    """Seal a secret for the page of one person."""
    return urlsafe_b64encode(seal(OFFERED, g.identity.viewer.id.bytes + secret)).decode()


def _offered(text: str) -> bytes | None:
    """Return the secret that we offered to this very person."""
    try:
        sealed = urlsafe_b64decode(text.encode("ascii", "replace"))
    except ValueError:
        return None
    opened = unseal(OFFERED, sealed) or b""
    return opened[16:] if opened[:16] == g.identity.viewer.id.bytes else None
