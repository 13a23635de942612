"""What the page of an invitation shows: it depends on who looks, and on what their link proves.

A mailed link proves its address: whoever holds it reads that mail. A copied link proves nothing, so its page is the
same whether or not there is an account.
"""

from enum import StrEnum
from uuid import UUID

from flask import Response, url_for
from werkzeug.wrappers import Response as AnyResponse

import access
from blueprints.auth.forms import LogInForm, SignUpForm
from blueprints.auth.links import masked, secret_page
from blueprints.auth.opened import KEPT_FOR
from blueprints.fragments import leave
from blueprints.gate import viewer
from config import INVITATION_LIFE, settings
from models import Offer, State, User
from models.identity import Actor
from models.text import Address


class Face(StrEnum):
    """Each has the template auth/invitation_<face>.html."""

    JOIN = "join"  # logged in, with the invited address
    SIGN_UP = "sign_up"  # nobody has an account with it
    LOG_IN = "log_in"  # somebody has
    COPIED = "copied"  # the link does not prove the address, and nobody is logged in
    OTHER = "other"  # logged in with another address
    UNPROVEN = "unproven"  # the address is right, but neither the link nor the account proves it


def show(offer: Offer | None, form: LogInForm | SignUpForm | None = None) -> Response | AnyResponse:
    """Show an offer to whoever looks: how to join, why that is over, or the way in for who is inside already.

    Args:
        offer: what was opened here; None if that is nothing.
        form: what was typed, with its errors.
    """
    if offer is None:
        return secret_page("auth/invitation_unknown.html", 404, minutes=KEPT_FOR.seconds // 60)
    if _is_inside(offer):
        return leave(home_of(offer), offer.already)
    if offer.state is not State.PENDING:
        return secret_page("auth/invitation_over.html", 410, offer=offer, days=INVITATION_LIFE.days)
    face = face_of(offer)
    form = form or form_of(offer, face)
    status = 422 if form and form.errors else 200
    return secret_page(f"auth/invitation_{face}.html", status, offer=offer, form=form, masked=masked)


def face_of(offer: Offer) -> Face:
    """Choose the face. Only to who proves the address does it tell whether there is an account."""
    person, row = viewer(), offer.invitation
    proven = offer.mailed or not settings().confirms_email
    if person is None and not proven:
        return Face.COPIED
    if person is None:
        return Face.LOG_IN if User.by_email(Address(row.email, row.email_key)) else Face.SIGN_UP
    if person.email_key != row.email_key:
        return Face.OTHER
    return Face.JOIN if proven or person.email_verified else Face.UNPROVEN


def form_of(offer: Offer, face: Face) -> LogInForm | SignUpForm | None:
    """Make the form of a face, if it has one. Its address is the invited one, whatever was posted."""
    form = LogInForm() if face is Face.LOG_IN else SignUpForm() if face is Face.SIGN_UP else None
    if form:
        form.email.data = offer.invitation.email
    return form


def home_of(offer: Offer) -> str:
    """Return where a member begins, or a guest of a project."""
    if offer.project:
        return url_for("projects.show", slug=offer.organization.slug, project_id=offer.project.id)
    return url_for("orgs.home", slug=offer.organization.slug)


def is_in(offer: Offer, user_id: UUID) -> bool:
    """Tell whether somebody belongs where an offer leads: to the organization or, in whatever way, to the project."""
    standing = access.standing(offer.organization.id, user_id)
    if offer.project is None:
        return standing is not None
    return access.project_for(standing or Actor(user_id, offer.organization.id, None), offer.project.id) is not None


def _is_inside(offer: Offer) -> bool:
    """Tell whether the person whom it is for, or who used it, looks at it as a member; or who used it, as a guest."""
    person, row = viewer(), offer.invitation
    if person is None or offer.organization.deleted_at:
        return False
    if offer.project:
        return person.id == row.accepted_by and is_in(offer, person.id)
    theirs = person.email_key == row.email_key or person.id == row.accepted_by
    return theirs and is_in(offer, person.id)
