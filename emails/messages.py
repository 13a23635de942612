"""Every message we send, one function each. It returns None where its mail makes no sense any more."""

from collections.abc import Callable
from functools import partial
from typing import Any

from config import CONFIRMATION_LIFE, EMAIL_UNDONE_WITHIN, RESET_LIFE, RESTORABLE, UNLOCK_LIFE
from emails.writing import Message, Spelled, moment, url
from models import (
    EmailChange,
    Farewell,
    KnownBrowser,
    Offer,
    OneTimeToken,
    Organization,
    OrganizationMember,
    OwnershipOffer,
    Signup,
    State,
    User,
    db,
)
from models.device import device
from models.email_change import CONFIRM, UNDO
from models.invitation import MAILED
from models.text import Address


def signup(id: Any) -> Message | None:
    """To whoever signed up: confirm the address. To the owner of an account: somebody tried to sign up."""
    row = db.session.get(Signup, id)
    if row is None or row.confirmed_at:
        return None
    user = User.by_email(Address(row.email, row.email_key))
    if user:
        return Message(user.email, "account_exists", {"name": user.name}, url("login"))
    context = {"name": row.name, "minutes": CONFIRMATION_LIFE.seconds // 60, "code": row.code}
    return Message(row.email, "confirm_email", context, url("verify-email", row.text))


def password_reset(id: Any) -> Message | None:
    """A link to choose a new password."""
    token = OneTimeToken.living(id)
    if token is None:
        return None
    user = db.session.get_one(User, token.user_id)
    context = {"name": user.name, "minutes": RESET_LIFE.seconds // 60}
    return Message(user.email, "reset_password", context, url("reset-password", token.text))


def password_changed(id: Any) -> Message | None:
    """To the account's owner: the password is another one now."""
    user = db.session.get(User, id)
    if user is None or user.deactivated_at:
        return None
    return Message(user.email, "password_changed", {"name": user.name}, url("forgot-password"))


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
        "at": moment(browser.created_at),
        "reset": Spelled(url("forgot-password")),
    }
    return Message(user.email, "new_log_in", context, url("account", "sessions"))


def log_in_stopped(id: Any) -> Message | None:
    """To the owner of an account that others guess at: how to log in from another browser."""
    token = OneTimeToken.living(id)
    if token is None:
        return None
    user = db.session.get_one(User, token.user_id)
    context = {"name": user.name, "hours": int(UNLOCK_LIFE.total_seconds()) // 3600}
    return Message(user.email, "log_in_stopped", context, url("unlock", token.text))


def account_deleted(id: Any) -> Message | None:
    """To the address of an account that is no more: the last mail about it."""
    farewell = db.session.get(Farewell, id)
    return Message(farewell.email, "account_deleted", {}, url()) if farewell else None


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
        "until": moment(row.expires_at),
    }
    return Message(row.email, "invitation", context, url("invitations", row.link_text(MAILED)))


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
    link = url("orgs", offer.organization.slug, "people", "invitations")
    return Message(offer.inviter.email, "invitation_asked", context, link)


def email_change(id: Any) -> Message | None:
    """To the new address of an account: confirm it. To the owner of another account: somebody tried to take it."""
    change = db.session.get(EmailChange, id)
    if change is None or change.confirmed_at or change.ended_at:
        return None
    user, other = db.session.get_one(User, change.user_id), User.by_email(Address(change.email, change.email_key))
    if other and other.id != user.id:
        return Message(other.email, "email_taken", {"name": other.name}, url("account", "security"))
    context = {"name": user.name, "minutes": CONFIRMATION_LIFE.seconds // 60}
    return Message(change.email, "email_change", context, url("confirm-email", change.text(CONFIRM)))


def email_change_asked(id: Any) -> Message | None:
    """To the present address: another one was asked for, and nothing changed yet."""
    change = db.session.get(EmailChange, id)
    if change is None or change.confirmed_at or change.ended_at:
        return None
    context = {"name": db.session.get_one(User, change.user_id).name, "email": change.email}
    return Message(change.former_email, "email_change_asked", context, url("account", "email"))


def email_changed(id: Any) -> Message | None:
    """To the former address: it was changed, and how to take that back."""
    change = db.session.get(EmailChange, id)
    if change is None or change.ended_at:
        return None
    context = {"name": db.session.get_one(User, change.user_id).name, "email": change.email}
    context["days"] = str(EMAIL_UNDONE_WITHIN.days)
    return Message(change.former_email, "email_changed", context, url("undo-email", change.text(UNDO)))


def _security(template: str, told: str, id: Any) -> Message | None:
    """To the account's owner: what became of their second step, or of their passkeys."""
    user = db.session.get(User, id)
    if user is None or user.deactivated_at:
        return None
    return Message(user.email, template, {"name": user.name, "told": told}, url("account", "security"))


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
    return Message(reader.email, "ownership", context, url("orgs", organization.slug))


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
    return Message(user.email, told, context, url("orgs") if deleted else url("orgs", organization.slug))


MESSAGES: dict[str, Callable[[Any], Message | None]] = {
    function.__name__: function
    for function in (signup, password_reset, password_changed, account_deleted, invitation, invitation_asked)
}
MESSAGES |= {function.__name__: function for function in (new_log_in, log_in_stopped)}
MESSAGES |= {function.__name__: function for function in (email_change, email_change_asked, email_changed)}
MESSAGES |= {
    told: partial(_security, "two_step", told) for told in ("two_step_on", "two_step_off", "recovery_code_used")
}
MESSAGES |= {told: partial(_security, "passkey", told) for told in ("passkey_added", "passkey_removed")}
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
