"""Changing one's email address: asked for, confirmed by the new address, and taken back by the old one."""

from typing import Any

from flask import g, redirect, request, url_for

from blueprints.auth.blueprint import bp
from blueprints.auth.forms import ButtonForm, EmailForm
from blueprints.auth.links import secret_page
from blueprints.fragments import leave, respond
from blueprints.gate import hold_session, public, renew_id, signed_in
from blueprints.limits import stop_beyond, within
from blueprints.once import once
from blueprints.proof import proves
from config import CONFIRMATION_LIFE, EMAIL_UNDONE_WITHIN, RESET_LIFE, settings
from models import EmailChange, EmailTaken, OneTimeToken, User, db, limits, transaction
from models.email_change import CONFIRM, UNDO
from models.rate_limit import Claim
from models.token import RESET

MINUTES = CONFIRMATION_LIFE.seconds // 60


@bp.route("/account/email", methods=["GET", "POST"])
@signed_in
def email() -> Any:
    """Ask for another address. Nothing changes before it is confirmed, and nobody learns whether it has an account."""
    form = EmailForm()
    user = db.session.get_one(User, g.identity.viewer.id)
    if form.accepted() and proves(form) and within(form, _mailing(form.email.address.key)):
        try:
            return _asked(form, user)
        except EmailTaken as taken:
            form.refuse(taken.field, str(taken))
    shown = {"form": form, "change": EmailChange.waiting(user.id), "minutes": MINUTES}
    return respond("auth/email.html", "auth/_email.html", 422 if form.errors else 200, **shown)


@bp.post("/account/email/resend")
@signed_in
def resend_email_change() -> Any:
    """Mail a new link to the address that waits; the earlier one stops working."""
    change = EmailChange.waiting(g.identity.viewer.id)
    if change:
        stop_beyond(_mailing(change.email_key), change.email)
        with transaction():
            once(url_for(".email"))
            if change.send_again():
                return leave(url_for(".email"), f"Sent again to {change.email}. Only the newest link works.")
    return leave(url_for(".email"), "No address waits to be confirmed.")


@bp.post("/account/email/cancel")
@signed_in
def cancel_email_change() -> Any:
    """Keep the present address."""
    with transaction():
        EmailChange.cancel(g.identity.viewer.id)
    return leave(url_for(".email"), "Your email address stays as it is.")


@bp.route("/confirm-email/<token>", methods=["GET", "POST"])
@public
def confirm_email(token: str) -> Any:
    """The link that was mailed to the new address shows a button; the button changes the account."""
    change, form = EmailChange.find(CONFIRM, token), ButtonForm()
    if change is None:
        return secret_page("auth/email_link_over.html", 410)
    if not form.accepted():
        status = 422 if form.errors else 200
        return secret_page("auth/confirm_email.html", status, form=form, change=change, token=token)
    try:
        with transaction():
            user = change.confirm()
            if user:
                once(url_for(".account"))
    except EmailTaken:
        user = None
    if user is None:
        return secret_page("auth/email_link_over.html", 410)
    if g.identity and g.identity.viewer.id == user.id:
        renew_id()
    return leave(url_for(".account"), f"Your email address is {change.email} now.")


@bp.route("/undo-email/<token>", methods=["GET", "POST"])
@public
def undo_email(token: str) -> Any:
    """The link that was mailed to the former address gives the account back to it, and leads to a new password."""
    change, form = EmailChange.find(UNDO, token), ButtonForm()
    if change is None:
        return secret_page("auth/email_link_over.html", 410)
    if not form.accepted():
        status, days = 422 if form.errors else 200, EMAIL_UNDONE_WITHIN.days
        return secret_page("auth/undo_email.html", status, form=form, change=change, token=token, days=days)
    try:
        with transaction():
            user = change.undo()
            permit = OneTimeToken.issue(RESET, user.id, RESET_LIFE) if user else None
            if permit:
                once(url_for(".forgot_password"))  # a second press: the first one has the link
    except EmailTaken:
        permit = None
    if permit is None:
        return secret_page("auth/email_link_over.html", 410)
    return redirect(url_for(".reset_password", token=permit.text), 303)


def _mailing(email_key: str) -> list[Claim]:
    return limits.mailing(CONFIRM, email_key, request.remote_addr)


def _asked(form: EmailForm, user: User) -> Any:
    """Mail the link; on a host without mail, take the address at its word."""
    with transaction():
        hold_session()
        once(url_for(".email"))
        if settings().confirms_email:
            EmailChange.ask(user, form.email.address)
        else:
            EmailChange.take(user, form.email.address)
    if settings().confirms_email:
        return leave(url_for(".email"), f"We sent a link to {form.email.address.typed}.")
    return leave(url_for(".account"), "Email changed.")
