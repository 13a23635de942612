"""For development only: the mails that would have been sent, and every component in every state."""

import ipaddress

from flask import Blueprint, abort, render_template, request
from sqlalchemy import select

import emails
from blueprints.gate import bare, public
from config import settings
from models import OutgoingMail, db

bp = Blueprint("dev", __name__)
SHOWN = 50


@bp.before_request
@bare
def loopback_only() -> None:
    """Mails carry links that work: nobody but this machine may read them here."""
    if settings().production or not ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback:  # noqa: S104
        abort(404)


@bp.get("/dev/mail")
@public
def mail() -> str:
    """The latest mails, newest first, as they would be sent now."""
    rows = db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id.desc()).limit(SHOWN)).all()
    return render_template("dev/mail.html", mails=[(row, emails.render(row)) for row in rows])


@bp.get("/_ui")
@public
def ui() -> str:
    """Every component in every state."""
    return render_template("dev/ui.html")
