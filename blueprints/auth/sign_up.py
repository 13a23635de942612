"""Signing up, and the proof that one reads the address's mail.

Nothing here tells whether an address has an account: the answer is the same and so is the work. Only the mail differs.
"""

import time
from typing import Any

from flask import abort, g, redirect, render_template, request, url_for

from blueprints.auth.blueprint import bp
from blueprints.auth.check_email import MINUTES, admitted, mailed_within
from blueprints.auth.faces import Face, face_of
from blueprints.auth.forms import ButtonForm, SignUpForm
from blueprints.auth.links import masked, secret_page
from blueprints.auth.onward import onward, wanted
from blueprints.auth.opened import opened
from blueprints.auth.waiting import Waiting
from blueprints.fragments import leave
from blueprints.gate import log_in, public
from blueprints.limits import within
from blueprints.once import made_before, once
from config import settings
from models import EmailTaken, Repeated, Signup, State, User, limits, transaction
from models.password import hash_password
from models.signup import PURPOSE


@bp.route("/signup", methods=["GET", "POST"])
@public
def signup() -> Any:
    """Ask for an account."""
    target = wanted()
    if g.identity:
        return leave(onward(target))
    form = SignUpForm(email=request.args.get("email", ""))
    invited = _invited() if settings().signup == "invited" else None
    if invited:
        form.email.data = invited
    elif settings().signup == "invited":
        return render_template("auth/invited_only.html"), 403 if request.method == "POST" else 200
    if form.accepted() and within(form, limits.mailing(PURPOSE, form.email.address.key, request.remote_addr)):
        hashed = hash_password(form.password.data or "")
        try:
            return (_begin if settings().confirms_email else _create)(form, hashed, target)
        except EmailTaken as taken:
            form.refuse(taken.field, str(taken))
    page = render_template("auth/signup.html", form=form, target=target, invited=invited)
    return page, 422 if form.errors else 200


@bp.route("/verify-email/<token>", methods=["GET", "POST"])
@public
def verify_email(token: str) -> Any:
    """The mailed link shows a button, because mail scanners open links; the button makes the account."""
    form = ButtonForm()
    if form.accepted():
        return _confirm(token)
    signup = Signup.find(token)
    if signup is None:
        return _too_late(token)
    return secret_page("auth/verify_email.html", 422 if form.errors else 200, form=form, signup=signup, token=token)


@bp.post("/verify-email/<token>/again")
@public
def new_confirmation_link(token: str) -> Any:
    """Send a new link to where the old one was sent."""
    late = Signup.find(token, late=True)
    if late:
        mailed_within(late.email)
    with transaction():
        signup = Signup.find(token, late=True)
        if signup:
            Signup.send_again(signup.id)
            once(url_for(".check_email"), made=signup.id)
    signup = signup or made_before(Signup)
    if signup is None:
        return _too_late(token)
    here = Waiting(str(signup.id), signup.email, sent_again_at=time.time())
    return here.keep(redirect(url_for(".check_email"), 303))


def _invited() -> str | None:
    """Return the address that may sign up where only invited people do: by a copied link, which proves no address."""
    offer = opened()
    waits = offer and offer.state is State.PENDING and face_of(offer) is Face.COPIED
    return offer.invitation.email if offer and waits else None


def _begin(form: SignUpForm, hashed: str, target: str | None) -> Any:
    """Keep the attempt until its address is confirmed."""
    to = url_for(".check_email")
    try:
        with transaction():
            signup = Signup.start(form.email.address, form.name.data or "", hashed)
            once(to, made=signup.id)
    except Repeated:
        signup = made_before(Signup) or abort(410)
    return Waiting(str(signup.id), signup.email, target).keep(redirect(to, 303))


def _create(form: SignUpForm, hashed: str, target: str | None) -> Any:
    """Make the account at once, on a host without mail."""
    with transaction():
        user = User.create(form.email.address, form.name.data or "", hashed, proven=False)
    log_in(user)
    return leave(onward(target))


def _confirm(token: str) -> Any:
    here, user = Waiting.read(), None
    try:
        with transaction():
            signup = Signup.find(token)
            if signup:
                once(url_for(".login", why="confirmed"))
                attempt, user = str(signup.id), signup.confirm()
    except EmailTaken:
        user = None
    if user is None:
        return _too_late(token)
    if here is None or here.signup_id != attempt:
        return leave(url_for(".login", why="confirmed"))
    return admitted(user, here)


def _too_late(token: str) -> Any:
    signup = Signup.find(token, late=True)
    return secret_page(
        "auth/verify_email_late.html",
        410,
        token=token,
        minutes=MINUTES,
        address=masked(signup.email) if signup else None,
    )
