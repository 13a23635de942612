"""For development only: the mails that would have been sent, and every component in every state."""

import ipaddress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import select
from wtforms import (
    BooleanField,
    EmailField,
    Form,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)

import emails
from blueprints.forms import choice
from blueprints.gate import bare, public
from config import settings
from models import OutgoingMail, Role, db

bp = Blueprint("dev", __name__)
SHOWN = 50
# A mail has its own style sheet and no script; nothing of it may reach the page that links to it.
AS_A_MAIL = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


class Sample(Form):
    """One field of each kind."""

    email = EmailField("Email")
    name = StringField("Name")
    slug = StringField("Address")
    password = PasswordField("Password")
    message = TextAreaField("Message")
    role = RadioField("Role", choices=[choice(role.name, role.label) for role in Role], default=Role.VIEWER.name)
    sort = SelectField("Sort by", choices=[choice(name, name) for name in ("Name", "Role", "Joined")])
    keep = BooleanField("Keep me informed")


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


@bp.get("/dev/mail/<uuid:mail_id>")
@public
def mail_as_html(mail_id: UUID) -> Response:
    """One mail's HTML part, as it will look."""
    row = db.session.get(OutgoingMail, mail_id)
    message = emails.render(row) if row else None
    html = message.get_body(("html",)) if message else None
    if html is None:
        abort(404)
    return Response(html.get_content(), mimetype="text/html", headers={"Content-Security-Policy": AS_A_MAIL})


@bp.get("/_ui")
@public
def ui() -> str:
    """Every component in every state."""
    failed = Sample(prefix="failed-")
    failed.form_errors = ["Something about the whole form is not right"]
    for field in failed:
        field.errors = [f"{field.label.text}: say what is wrong, and what to do"]
    conflict = {"by": "Sven Weber", "at": datetime.now(UTC) - timedelta(seconds=12)}
    return render_template("dev/ui.html", sample=Sample(), failed=failed, conflict=conflict)
