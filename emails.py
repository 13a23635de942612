"""Every message we send, one function each, written when it is sent: from ids, so that no link lies in a table.

Each has three templates: <name>.subject.txt, <name>.txt and <name>.html. A function returns None where its mail makes
no sense any more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formataddr, parseaddr
from typing import Any

from flask import current_app

from config import CONFIRMATION_LIFE, RESET_LIFE, settings
from models import Invitation, Offer, OneTimeToken, OutgoingMail, Signup, State, User, db
from models.invitation import MAILED
from models.text import address


@dataclass(frozen=True)
class Message:
    """What is in a mail, before it becomes one."""

    to: str
    template: str
    context: dict[str, Any]
    link: str = ""


def render(mail: OutgoingMail) -> EmailMessage | None:
    """Write a queued mail.

    Returns:
        The mail, with a Message-ID that is the same at every try; None if it should not be sent any more.
    """
    message = MESSAGES[mail.message](mail.subject_id)
    return _compose(message, f"<{mail.id}@{_domain()}>") if message else None


def signup(id: Any) -> Message | None:
    """To whoever signed up: confirm the address. To the owner of an account: somebody tried to sign up."""
    row = db.session.get(Signup, id)
    if row is None:
        return None
    user = User.by_email(address(row.email))
    if user:
        return Message(user.email, "account_exists", {"name": user.name}, _url("login"))
    context = {"name": row.name, "minutes": CONFIRMATION_LIFE.seconds // 60}
    return Message(row.email, "confirm_email", context, _url("verify-email", row.text))


def password_reset(id: Any) -> Message | None:
    """A link to choose a new password."""
    token = db.session.get(OneTimeToken, id)
    if token is None or token.used_at:
        return None
    user = db.session.get_one(User, token.user_id)
    context = {"name": user.name, "minutes": RESET_LIFE.seconds // 60}
    return Message(user.email, "reset_password", context, _url("reset-password", token.text))


def password_changed(id: Any) -> Message | None:
    """To the account's owner: the password is another one now."""
    user = db.session.get(User, id)
    return Message(user.email, "password_changed", {"name": user.name}, _url("forgot-password")) if user else None


def invitation(id: Any) -> Message | None:
    """An offer of a role."""
    row = db.session.get(Invitation, id)
    offer = row and Offer.find(row.link_text(MAILED))
    if not row or not offer or offer.state is not State.PENDING:
        return None
    context = {"offer": offer, "organization": offer.organization, "inviter": offer.inviter, "role": row.role}
    return Message(row.email, "invitation", context, _url("invitations", row.link_text(MAILED)))


MESSAGES: dict[str, Callable[[Any], Message | None]] = {
    function.__name__: function for function in (signup, password_reset, password_changed, invitation)
}


def _compose(message: Message, message_id: str) -> EmailMessage:
    context = message.context | {"link": message.link, "settings": settings()}
    name, sender = parseaddr(settings().mail_from)
    mail = EmailMessage()
    mail["Subject"] = " ".join(_text(f"{message.template}.subject.txt", context).split())
    mail["From"] = formataddr((name, sender))
    mail["To"] = message.to
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail.set_content(_text(f"{message.template}.txt", context))
    mail.add_alternative(_text(f"{message.template}.html", context), subtype="html")
    return mail


def _text(template: str, context: dict[str, Any]) -> str:
    """Render outside of any request: a mail knows nothing of who is looking at a page."""
    return current_app.jinja_env.get_template(f"emails/{template}").render(context)


def _url(*path: str) -> str:
    """Return an address of ours; always from BASE_URL, never from what a request says its host is."""
    return "/".join((settings().base_url, *path))


def _domain() -> str:
    return parseaddr(settings().mail_from)[1].rpartition("@")[2] or "localhost"
