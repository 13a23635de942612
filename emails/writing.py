"""Making a mail of a message: text that links nowhere but to us, and headers that every server takes."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.utils import formataddr, parseaddr
from typing import Any

from email_validator import validate_email
from flask import current_app

from config import settings
from models import OutgoingMail

# What mail programs recognise an address by: a dot with a letter after it, and what follows a scheme.
_LINKING = re.compile(r"(?<=\S)\.(?=[^\W\d_])|:(?=//)")


class Spelled(str):
    """Text of our own, in which an address or a number with dots stays as it is."""

    __slots__ = ()


@dataclass(frozen=True)
class Message:
    """What is in a mail, before it becomes one. Strings of the context are what people typed."""

    to: str
    template: str
    context: dict[str, Any]
    link: str


def unlinked(text: str) -> str:
    """Write text so that no mail program makes a link of it, and people can still read it."""
    return _LINKING.sub(lambda found: f"{found[0]} ", text)


def compose(message: Message, mail: OutgoingMail) -> EmailMessage:
    """Write a queued mail from its message."""
    typed = {name: unlinked(value) if _typed(value) else value for name, value in message.context.items()}
    context = typed | {"link": message.link, "settings": settings()}
    written = EmailMessage()
    written["Subject"] = " ".join(_text(f"{message.template}.subject.txt", context).split())
    written["From"] = formataddr(parseaddr(settings().mail_from))
    written["To"] = _mailbox(message.to)
    written["Date"] = mail.created_at
    written["Message-ID"] = f"<{mail.id}@{_domain()}>"
    written["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    # Seven bits and short lines: every server takes it, also one without 8BITMIME.
    written.set_content(_text(f"{message.template}.txt", context), cte="quoted-printable")
    written.add_alternative(_text(f"{message.template}.html", context), subtype="html", cte="quoted-printable")
    written.set_boundary(f"=_{mail.id}")  # the same at every try; no quoted-printable text has "=_"
    return written


def _typed(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Spelled)


def moment(at: datetime) -> str:
    """Write a time whole: a mail is read anywhere, any time."""
    at = at.astimezone(UTC)
    return f"{at:%A} {at.day} {at:%B %Y, %H:%M} UTC"


def _mailbox(email: str) -> Mailbox:
    """Return one recipient, whatever the text; its domain in ASCII, as mail servers without SMTPUTF8 take it."""
    plain = email if email.isascii() else validate_email(email, check_deliverability=False).ascii_email
    return Mailbox(addr_spec=plain or email)


def _text(template: str, context: dict[str, Any]) -> str:
    """Render outside of any request: a mail knows nothing of who is looking at a page."""
    return current_app.jinja_env.get_template(f"emails/{template}").render(context)


def url(*path: str) -> str:
    """Return an address of ours; always from BASE_URL, never from what a request says its host is."""
    return "/".join((settings().base_url, *path))


def _domain() -> str:
    return parseaddr(settings().mail_from)[1].rpartition("@")[2] or "localhost"
