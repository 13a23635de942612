"""An organization that makes pages hard: long, right-to-left and Japanese names, and everything in every state."""

from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyotp
from flask import Flask

from blueprints.presentation import short
from config import RESET_LIFE, UNLOCK_LIFE
from models import (
    EmailChange,
    Invitation,
    OneTimeToken,
    Organization,
    OutgoingMail,
    OwnershipOffer,
    Passkey,
    Project,
    Role,
    SecondFactor,
    Signup,
    User,
    db,
    transaction,
)
from models.email_change import CONFIRM, UNDO
from models.invitation import COPIED, MAILED
from models.limits import INVITES_OF_SENDER
from models.password import hash_password
from models.project import OPEN, RESTRICTED
from models.rate_limit import take
from models.second_factor import new_secret
from models.text import address
from models.token import RESET, UNLOCK
from tests.browser_like import Browser
from tests.factories import PASSWORD, add_user

WORD = "Donaudampfschifffahrtsgesellschaftskapitän"  # one word of 42 letters
LONG = f"{WORD} & Söhne, Rotterdam-Ost"  # 65 characters
LONG_EMAIL = "a" * 64 + "@" + ".".join(["b" * 60] * 3) + ".exampl"  # 254 characters
PEOPLE = {
    "owner": "محمد بن علي الحداد",
    "admin": "山田 花子",
    "operator": LONG,
    "viewer": "Hana Reyes",
    "guest": "👩‍🚀",
    "stranger": "Nia",
    "invited": "Şebnem Öztürk",
    "founder": "Björn",
    "heir": "Ximena Núñez",
}
MORE = ("😀 Smile", "李伟", "Ana", WORD, "נועה כהן")  # above seven people, and projects, there is a search
PROJECTS = ("請求書パイプライン", "خط الفواتير", WORD, "Atlas", "Bridge", "Canal")
# What can have become of an invitation's mail, and of an invitation.
MAILS: dict[str, Callable[[OutgoingMail], None]] = {
    "sent": OutgoingMail.sent,
    "dropped": OutgoingMail.dropped,
    "failed": lambda mail: mail.failed(f"550 5.1.1 <{LONG_EMAIL}>: no such user here", None),
    "delayed": lambda mail: mail.failed("451 4.7.1 try again later", timedelta(days=1)),
}
ENDS = {
    "expired": "expires_at = now() - interval '1 hour'",
    "revoked": "revoked_at = now()",
    "declined": "declined_at = now()",
    "replaced": "replaced_at = now()",
    "accepted": "accepted_at = now()",
}


@dataclass
class Place:
    """The people by their part, and everything that addresses name."""

    app: Flask
    people: dict[str, User]
    things: dict[str, Any]

    def session(self, who: str) -> str | None:
        """Return the cookie of a session of somebody; of "fresh owner", one that just began."""
        browser, part = Browser(self.app), who.removeprefix("fresh ")
        browser.log_in(self.people[part], fresh=part != who)
        return browser.cookie("session")


def fill(app: Flask) -> Place:
    """Make it all, by the models."""
    with app.app_context(), transaction():
        people = {part: add_user(name, _email(part)) for part, name in PEOPLE.items()}
        things = _letters(people["founder"])
        _second_step(people["founder"])
        things["passkey_id"] = _passkey(people["owner"])
        things |= _emails(people["heir"], people["stranger"])
    with app.app_context(), transaction():
        here = Organization.create(LONG, "long-names", people["owner"].id)
        things |= {"slug": here.slug, "organization_id": here.id, **_members(here, people)}
        things |= _projects(here, people)
        things |= _invitations(here, people["owner"].id, things)
    with app.app_context(), transaction():
        things |= _elsewhere(people)
    with app.app_context(), transaction():
        _guarded(people)
    with app.app_context():
        take(INVITES_OF_SENDER, people["founder"].id, INVITES_OF_SENDER.burst)  # and so may invite nobody today
    return Place(app, people, things)


def _email(part: str) -> str:
    return LONG_EMAIL if part == "operator" else f"{part}@long.example.org"


def _letters(founder: User) -> dict[str, Any]:
    """Links of an account's mails, in time and too late."""
    hashed = hash_password(PASSWORD)
    early, late = (Signup.start(address(f"{when}@long.example.net"), LONG, hashed) for when in ("early", "late"))
    late.expires_at = db.func.now()
    reset = OneTimeToken.issue(RESET, founder.id, RESET_LIFE)
    unlock = OneTimeToken.issue(UNLOCK, founder.id, UNLOCK_LIFE)
    return {"unlock": unlock.text, "confirm": early.text, "late": late.text, "reset": reset.text}


def _second_step(founder: User) -> None:
    """Two-step verification, whose recovery codes are not saved yet."""
    secret = new_secret()
    SecondFactor.set_up(founder, secret, pyotp.TOTP(b32encode(secret).decode()).now())
    db.session.get_one(SecondFactor, founder.id).recovery_shown_until = db.func.now() + timedelta(days=1)


def _passkey(owner: User) -> UUID:
    """One with a long name; no device has it."""
    Passkey.add(owner, b"a device", b"a key", 0, LONG)
    return Passkey.of_person(owner.id)[0].id


def _emails(waiting: User, changed: User) -> dict[str, Any]:
    """The links of somebody whose new address waits to be confirmed, and of somebody whose address was changed."""
    EmailChange.ask(waiting, address(f"new-{LONG_EMAIL[4:]}"))
    EmailChange.ask(changed, address("changed@long.example.org"))
    one, other = (EmailChange.waiting(user.id) for user in (waiting, changed))
    assert one
    assert other
    other.confirm()
    return {"email": one.text(CONFIRM), "former": other.text(UNDO)}


def _guarded(people: dict[str, User]) -> None:
    """An organization that lets nobody in without two-step verification, which its second member lacks."""
    guarded = Organization.create("Guarded", "guarded", people["founder"].id)
    guarded.admit(people["stranger"].id, Role.ADMIN)
    guarded.require_second_factor(True)


def _members(here: Organization, people: dict[str, User]) -> dict[str, Any]:
    admitted = {part: here.admit(people[part].id, Role[part.upper()]) for part in ("admin", "operator", "viewer")}
    for number, name in enumerate(MORE):
        here.admit(add_user(name, f"more{number}@long.example.org").id, Role.OPERATOR)
    return {
        "member_id": admitted["operator"].id,
        "row_id": short(admitted["operator"].id),
        "user_id": people["operator"].id,
        "viewer_id": people["viewer"].id,
    }


def _projects(here: Organization, people: dict[str, User]) -> dict[str, Any]:
    """One of each kind; the long-named one has a role from every source."""
    owner = people["owner"].id
    long = Project.create(here.id, LONG, f"{LONG}\n{WORD * 3}", OPEN, owner)
    for part, role in {"viewer": Role.ADMIN, "admin": Role.VIEWER, "operator": None, "guest": Role.OPERATOR}.items():
        long.set_role(people[part].id, role, owner)
    restricted = Project.create(here.id, f"Payroll {WORD}", "", RESTRICTED, owner)
    archived = Project.create(here.id, "Archive of everything that was", "", OPEN, owner)
    archived.archive()
    for name in PROJECTS:
        Project.create(here.id, name, "", OPEN, owner)
    return {"project_id": long.id, "restricted_id": restricted.id, "archived_id": archived.id}


def _invitations(here: Organization, by: UUID, things: dict[str, Any]) -> dict[str, Any]:
    """Some that wait, in every state of their mail, and the links of those that visitors open."""
    links: dict[str, Any] = {}

    def invite(email: str, **more: Any) -> Invitation:
        return Invitation.issue(here.id, address(email), Role.OPERATOR, by, **more)

    for state, happened in MAILS.items():
        row = invite(f"{state}@long.example.net", message=f"Welcome!\n{WORD}")
        happened(db.session.scalars(db.select(OutgoingMail).where(OutgoingMail.subject_id == row.id)).one())
        links |= {"invitation_id": row.id, "mail_id": row.id, "token": row.link_text(MAILED)}
    invite(LONG_EMAIL, project_id=things["archived_id"])
    invite("by-link@long.example.net")  # whose link is made anew at every visit
    links["copied"] = invite("copied@long.example.net").link_text(COPIED)
    links["new"] = invite("new@long.example.net").link_text(MAILED)
    links["known"] = invite(_email("invited")).link_text(MAILED)
    links["project"] = invite(_email("stranger"), project_id=things["restricted_id"]).link_text(MAILED)
    for end, change in ENDS.items():
        row = invite(f"{end}@long.example.com")
        db.session.execute(db.text(f"UPDATE invitations SET {change} WHERE id = :id"), {"id": row.id})
        links[end] = row.link_text(MAILED)
    return links


def _elsewhere(people: dict[str, User]) -> dict[str, Any]:
    """An organization that is new, one whose ownership is offered, and one that was deleted."""
    founder = people["founder"].id
    Organization.create("فريق جديد", "empty", founder)
    offered = Organization.create(f"{WORD} II", "offered", founder)
    heir = offered.admit(people["heir"].id, Role.ADMIN)
    OwnershipOffer.offer(offered.id, heir.id, Role.ADMIN, founder)
    Invitation.issue(offered.id, address("ana@long.example.net"), Role.VIEWER, founder)
    gone = Organization.create("Gone", "gone", founder)
    link = Invitation.issue(gone.id, address("gone@long.example.net"), Role.VIEWER, founder).link_text(MAILED)
    gone.delete()
    return {"gone": link}
