"""Every message we send, one function each, written when it is sent: from ids, so that no link lies in a table.

Each has three templates: <name>.subject.txt, <name>.txt and <name>.html. A function returns None where its mail makes
no sense any more.

A mail has one link, ours. What people typed (their name, an organization's name, a message) is written so that no mail
program makes a link of it: "www.example.com" becomes "www. example. com". Anybody can sign up under any name and have
us mail it to strangers; what looks like a link in our mail is trusted as ours.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.utils import formataddr, parseaddr
from functools import partial
from typing import Any

from email_validator import validate_email
from flask import current_app

from config import CONFIRMATION_LIFE, RESET_LIFE, RESTORABLE, UNLOCK_LIFE, settings
from models import (
    Farewell,
    KnownBrowser,
    Offer,
    OneTimeToken,
    Organization,
    OrganizationMember,
    OutgoingMail,
    OwnershipOffer,
    Signup,
    State,
    User,
    db,
    tenant,
)
from models.device import device
from models.invitation import MAILED
from models.text import Address

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


def render(mail: OutgoingMail) -> EmailMessage | None:
    """Write a queued mail.

    Returns:
        The mail, with a Message-ID that is the same at every try; None if it should not be sent any more.
    """
    if mail.organization_id:
        tenant.enter(mail.organization_id)
    message = MESSAGES[mail.message](mail.subject_id)
    return _compose(message, mail) if message else None


def signup(id: Any) -> Message | None:
    """To whoever signed up: confirm the address. To the owner of an account: somebody tried to sign up."""
    row = db.session.get(Signup, id)
    if row is None:
        return None
    user = User.by_email(Address(row.email, row.email_key))
    if user:
        return Message(user.email, "account_exists", {"name": user.name}, _url("login"))
    context = {"name": row.name, "minutes": CONFIRMATION_LIFE.seconds // 60}
    return Message(row.email, "confirm_email", context, _url("verify-email", row.text))


def password_reset(id: Any) -> Message | None:
    """A link to choose a new password."""
    token = db.session.get(OneTimeToken, id)
    if token is None or token.used_at or token.user_id is None:
        return None
    user = db.session.get_one(User, token.user_id)
    context = {"name": user.name, "minutes": RESET_LIFE.seconds // 60}
    return Message(user.email, "reset_password", context, _url("reset-password", token.text))


def password_changed(id: Any) -> Message | None:
    """To the account's owner: the password is another one now."""
    user = db.session.get(User, id)
    if user is None or user.deactivated_at:
        return None
    return Message(user.email, "password_changed", {"name": user.name}, _url("forgot-password"))


def new_log_in(id: Any) -> Message | None:
    """To the account's owner: somebody logged in where nobody had before."""
    browser = db.session.get(KnownBrowser, id)
    user = db.session.get_one(User, browser.user_id) if browser else None
    if browser is None or user is None or user.deactivated_at:
        return None
    context = {
        "name": user.name,
        "device": device(browser.user_agent),
        "address": Spelled(browser.ip or "unknown"),
        "at": _moment(browser.created_at),
        "reset": Spelled(_url("forgot-password")),
    }
    return Message(user.email, "new_log_in", context, _url("account", "sessions"))


def log_in_stopped(id: Any) -> Message | None:
    """To the owner of an account that others guess at: how to log in from another browser."""
    token = db.session.get(OneTimeToken, id)
    if token is None or token.used_at or token.user_id is None:
        return None
    user = db.session.get_one(User, token.user_id)
    context = {"name": user.name, "hours": int(UNLOCK_LIFE.total_seconds()) // 3600}
    return Message(user.email, "log_in_stopped", context, _url("unlock", token.text))


def account_deleted(id: Any) -> Message | None:
    """To the address of an account that is no more: the last mail about it."""
    farewell = db.session.get(Farewell, id)
    return Message(farewell.email, "account_deleted", {}, _url()) if farewell else None


def invitation(id: Any) -> Message | None:
    """An offer of a role."""
    offer = Offer.of(id)
    if offer is None or offer.state is not State.PENDING:
        return None
    row = offer.invitation
    context = {
        "inviter": offer.inviter.name,
        "organization": offer.organization.name,
        "project": offer.project.name if offer.project else "",
        "role": row.role,
        "message": row.message,
        "until": _moment(row.expires_at),
    }
    return Message(row.email, "invitation", context, _url("invitations", row.link_text(MAILED)))


def invitation_asked(id: Any) -> Message | None:
    """To whoever sent an invitation that expired: the person asks for a new one."""
    offer = Offer.of(id)
    if offer is None or offer.state is not State.EXPIRED:
        return None
    row = offer.invitation
    context = {
        "inviter": offer.inviter.name,
        "invited": row.email,
        "place": offer.place,
        "role": row.role,
        "expires_at": row.expires_at,
    }
    link = _url("orgs", offer.organization.slug, "people", "invitations")
    return Message(offer.inviter.email, "invitation_asked", context, link)


def _ownership(told: str, to: str, end: str | None, id: Any) -> Message | None:
    """About an offer of ownership, to one of its two people, while it stands where the mail says that it does."""
    offer = db.session.get(OwnershipOffer, id)
    if offer is None or offer.end != end:
        return None
    organization = db.session.get_one(Organization, offer.organization_id)
    nominee, sender = (db.session.get_one(User, id) for id in (offer.nominee_id, offer.offered_by))
    reader = nominee if to == "nominee" else sender
    if organization.deleted_at or reader.deactivated_at:
        return None
    people = {"reader": reader.name, "nominee": nominee.name, "sender": sender.name}
    context = {"told": told, "organization": organization.name, "role": offer.former_role, **people}
    return Message(reader.email, "ownership", context, _url("orgs", organization.slug))


def _organization(told: str, id: Any) -> Message | None:
    """To an Owner: their organization was deleted, or restored, and still is."""
    member = db.session.get(OrganizationMember, id)
    if member is None:
        return None
    organization = db.session.get_one(Organization, member.organization_id)
    user = db.session.get_one(User, member.user_id)
    deleted = organization.deleted_at
    if user.deactivated_at or (deleted is not None) != (told == "organization_deleted"):
        return None
    context = {"name": user.name, "organization": organization.name, "until": deleted and deleted + RESTORABLE}
    return Message(user.email, told, context, _url("orgs") if deleted else _url("orgs", organization.slug))


MESSAGES: dict[str, Callable[[Any], Message | None]] = {
    function.__name__: function
    for function in (signup, password_reset, password_changed, account_deleted, invitation, invitation_asked)
}
MESSAGES |= {function.__name__: function for function in (new_log_in, log_in_stopped)}
MESSAGES |= {told: partial(_organization, told) for told in ("organization_deleted", "organization_restored")}
MESSAGES |= {  # who is told what of an offer of ownership, and to what it must have come
    told: partial(_ownership, told, to, end)
    for told, to, end in (
        ("ownership_offered", "nominee", None),
        ("ownership_offer_made", "sender", None),
        ("ownership_taken", "nominee", "accepted"),
        ("ownership_given", "sender", "accepted"),
        ("ownership_declined", "sender", "declined"),
        ("ownership_cancelled", "nominee", "cancelled"),
    )
}


def unlinked(text: str) -> str:
    """Write text so that no mail program makes a link of it, and people can still read it."""
    return _LINKING.sub(lambda found: f"{found[0]} ", text)


def _compose(message: Message, mail: OutgoingMail) -> EmailMessage:
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


def _moment(at: datetime) -> str:
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


def _url(*path: str) -> str:
    """Return an address of ours; always from BASE_URL, never from what a request says its host is."""
    return "/".join((settings().base_url, *path))


def _domain() -> str:
    return parseaddr(settings().mail_from)[1].rpartition("@")[2] or "localhost"
