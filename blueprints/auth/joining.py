"""Joining an organization, or one of its projects as a guest, by an invitation's link."""

from contextlib import suppress
from typing import Any

from flask import g, request, url_for
from sqlalchemy import select

from blueprints.auth.admission import ask, needs_step
from blueprints.auth.blueprint import bp
from blueprints.auth.faces import Face, face_of, form_of, home_of, is_in, show
from blueprints.auth.forms import LogInForm, SignUpForm
from blueprints.auth.opened import forget, keep, opened
from blueprints.auth.sign_in import proven
from blueprints.fragments import leave
from blueprints.gate import bare, log_in, log_out, public, renew_id, viewer
from blueprints.limits import within
from models import AlreadyMember, CannotAccept, EmailTaken, Offer, State, User, db, limits, transaction
from models.password import hash_password


@bp.get("/invitations/<token>")
@bare
def open_invitation(token: str) -> Any:
    """The link itself: it moves its token into a cookie and changes nothing."""
    return keep(token)


@bp.get("/invitation")
@public
def invitation() -> Any:
    """The invitation that was opened."""
    return show(opened())


@bp.post("/invitation/accept")
@public
def accept_invitation() -> Any:
    """Join: as who is logged in, or with the password on the page."""
    offer = _answered()
    try:
        if offer and viewer():
            return _by_session(offer)
        if offer and offer.state in (State.PENDING, State.ACCEPTED):
            return _by_password(offer)
    except CannotAccept:
        pass  # it came to its end meanwhile; the page says how
    return leave(url_for(".invitation"))


@bp.post("/invitation/decline")
@public
def decline_invitation() -> Any:
    """Say no. Whoever could join may."""
    offer = _answered()
    if offer and offer.state is State.PENDING and face_of(offer) in (Face.JOIN, Face.SIGN_UP, Face.LOG_IN):
        with suppress(CannotAccept), transaction():
            offer.invitation.decline()
    return leave(url_for(".invitation"))


@bp.post("/invitation/ask")
@public
def ask_again() -> Any:
    """Ask whoever sent an invitation that expired for a new one. The page then says that they were told."""
    offer = _answered()
    if offer:
        with suppress(CannotAccept), transaction():
            offer.ask_again()
    return leave(url_for(".invitation"))


@bp.post("/invitation/switch")
@public
def switch_account() -> Any:
    """Log out, and come back to the invitation."""
    if viewer():
        log_out()
    return leave(url_for(".invitation"))


def _answered() -> Offer | None:
    """Return the offer that this POST is about; None if another one was opened since its page was shown."""
    offer, shown = opened(), request.form.get("invitation")
    return offer if offer and shown in (None, str(offer.invitation.id)) else None


def _by_session(offer: Offer) -> Any:
    """Join as who is logged in, unless a new password ended their session meanwhile."""
    same = User.id == g.identity.viewer.id, User.credential_epoch == g.identity.credential_epoch
    user = db.session.scalar(select(User).where(*same))
    return _arrived(offer, _join(offer, user)) if user and face_of(offer) is Face.JOIN else show(offer)


def _by_password(offer: Offer) -> Any:
    """Join with a new account or, by its password, with the one that there is."""
    form = form_of(offer, face_of(offer))
    if form is None or not form.accepted():
        return show(offer, form)
    if isinstance(form, SignUpForm):
        if not within(form, limits.choosing(request.remote_addr)):
            return show(offer, form)
        with suppress(EmailTaken):
            return _sign_up(offer, form)
        form = form_of(offer, Face.LOG_IN)  # the account was made this moment, most likely by a double click
    user = proven(form) if isinstance(form, LogInForm) and form.accepted() else None
    if user and needs_step(user):
        return ask(user, url_for(".invitation"))
    return _arrived(offer, _join(offer, user), user) if user else show(offer, form)


def _sign_up(offer: Offer, form: SignUpForm) -> Any:
    """Make the account and join, or neither. A mailed link proves the address: no second mail."""
    hashed = hash_password(form.password.data or "")
    with transaction():
        user = User.create(form.email.address, form.name.data or "", hashed, proven=offer.mailed)
        offer.accept(user)
    return _arrived(offer, offer.welcome, user)


def _join(offer: Offer, user: User) -> str:
    """Join with an account, and return what to tell them. Doing it twice is doing it once."""
    try:
        with transaction():
            offer.accept(user)
            if offer.mailed:
                user.prove_address(offer.invitation.email_key)
    except AlreadyMember:
        return offer.already
    except CannotAccept:
        if offer.invitation.accepted_by != user.id or not is_in(offer, user.id):
            raise  # a link is no way back for who used it and was removed
    return offer.welcome


def _arrived(offer: Offer, toast: str, proven: User | None = None) -> Any:
    """Go in, with a new session id; it is a new session for those alone who proved here who they are."""
    if proven:
        log_in(proven)
    else:
        renew_id()
    return forget(leave(home_of(offer), toast))
