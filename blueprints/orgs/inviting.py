"""Sending invitations to many addresses at once, and telling what became of each."""

from dataclasses import dataclass, field
from typing import Any

from flask import g
from sqlalchemy import func, select, text

import access
from models import Invitation, OrganizationMember, Role, User, db
from models.identity import Actor
from models.invitation import PENDING
from models.text import Address


@dataclass
class Outcome:
    """What became of each address."""

    sent: list[Address] = field(default_factory=list)
    members: list[Any] = field(default_factory=list)
    invited: list[Any] = field(default_factory=list)


def send(actor: Actor, addresses: list[Address], role: Role, message: str) -> Outcome:
    """Invite everyone who is neither a member nor invited already; inside a transaction.

    Raises:
        Denied: the actor may not invite, or not as that.
    """
    present = access.confirm(actor, access.MANAGE_PEOPLE)
    if role not in access.grantable(present):
        raise access.Denied(access.MANAGE_PEOPLE, role)
    keys = [address.key for address in addresses]
    outcome = Outcome(members=_members(keys), invited=_invited(keys))
    known = {row.email_key for row in (*outcome.members, *outcome.invited)}
    outcome.sent = [address for address in addresses if address.key not in known]
    if outcome.sent:
        Invitation.issue_all(g.org.id, outcome.sent, role, actor.user_id, message)
    return outcome


def _members(keys: list[str]) -> list[Any]:
    members = (
        select(User.email_key, User.email, OrganizationMember.id, OrganizationMember.role)
        .join(OrganizationMember, OrganizationMember.user_id == User.id)
        .where(OrganizationMember.organization_id == g.org.id, User.email_key.in_(keys))
    )
    return list(db.session.execute(members).all())


def _invited(keys: list[str]) -> list[Any]:
    """Those with an invitation that can still be accepted; an expired one makes way for a new one."""
    waiting = select(
        Invitation.email_key, Invitation.email, Invitation.id, Invitation.role, Invitation.created_at
    ).where(
        Invitation.organization_id == g.org.id,
        Invitation.project_id.is_(None),
        Invitation.email_key.in_(keys),
        Invitation.expires_at > func.now(),
        text(PENDING),
    )
    return list(db.session.execute(waiting).all())
