"""Proving once more who one is, before what cannot be undone."""

from flask import g
from sqlalchemy import select

from blueprints.forms import OurForm
from blueprints.limits import within
from models import User, db, limits, password
from models.rate_limit import give_back


def proves(form: OurForm) -> bool:
    """Tell whether this is the viewer: by the `current_password` of a form or, without one, by a fresh session.

    A wrong password is refused at its field, also in a fresh session.
    """
    if not form["current_password"].data:
        return bool(g.identity.fresh)
    known = db.session.scalar(select(User.password_hash).where(User.id == g.identity.viewer.id))
    return matches(form, known, "The password is not right.")


def matches(form: OurForm, known: str | None, otherwise: str) -> bool:
    """Compare the `current_password` of a form with the viewer's hash, as often as may be tried.

    Args:
        form: what was typed.
        known: the hash.
        otherwise: what its field says of a wrong one.
    """
    tries = [limits.proving(g.identity.viewer.id)]
    if not within(form, tries):
        return False
    right = password.verify(known, form["current_password"].data or "")
    if right:
        give_back(tries)
    else:
        form.refuse("current_password", otherwise)
    return right
