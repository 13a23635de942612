"""Proving once more who one is, before what cannot be undone."""

from flask import g
from sqlalchemy import select

from blueprints.forms import OurForm
from models import User, db, password


def proves(form: OurForm) -> bool:
    """Compare the `current_password` of a form with the viewer's; a wrong one is refused at its field."""
    known = db.session.scalar(select(User.password_hash).where(User.id == g.identity.viewer.id))
    right = password.verify(known, form["current_password"].data or "")
    if not right:
        form.refuse("current_password", "The password is not right.")
    return right
