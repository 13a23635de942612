"""Sending invitations to many addresses at once, and telling what became of each."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import g, url_for
from sqlalchemy import (
    ARRAY,
    CompoundSelect,
    Text,
    Uuid,
    any_,
    bindparam,
    false,
    func,
    null,
    or_,
    select,
    text,
    true,
    union_all,
)

import access
from blueprints.once import once
from models import Invitation, OrganizationMember, ProjectMember, Role, User, limits, transaction
from models.base import direct
from models.identity import Actor
from models.invitation import PENDING
from models.rate_limit import Limit, Refused, Taken, give_back, take_all
from models.text import Address


@dataclass
class Outcome:
    """What became of each address."""

    sent: list[Address] = field(default_factory=list)
    members: list[Any] = field(default_factory=list)
    guests: list[Any] = field(default_factory=list)
    invited: list[Any] = field(default_factory=list)
    limited: list[Address] = field(default_factory=list)
    waits: dict[str, int] = field(default_factory=dict)  # by a limited address's key: seconds
    left: dict[Limit, int] = field(default_factory=dict)

    @property
    def known(self) -> set[str]:
        """The keys of those who are in already, or invited."""
        return {row.email_key for row in (*self.members, *self.guests, *self.invited)}

    @property
    def only_sent(self) -> bool:
        """True if there is nothing to tell but how many were sent."""
        return bool(self.sent) and not (self.known or self.limited)


def invite(
    actor: Actor, addresses: list[Address], role: Role, message: str, project_id: UUID | None = None
) -> Outcome | Refused:
    """Invite as many as the limits allow. Who is in or invited already is not counted.

    Args:
        actor: who invites.
        addresses: whom.
        role: as what.
        message: from the actor to each.
        project_id: the project to invite guests to; without it, people are invited into the organization.

    Raises:
        Denied: the actor may not invite, or not as that.
    """
    result = _invite(actor, addresses, role, message, project_id)
    if not isinstance(result, Refused) or result.limit is limits.INVITING_AT_ONCE:
        return result
    # A form that was sent twice has less to send than it seems.
    with transaction():
        known = _look_up(actor, addresses, role, project_id).known
    return _invite(actor, addresses, role, message, project_id, known) if known else result


def send(
    actor: Actor,
    addresses: list[Address],
    role: Role,
    message: str,
    project_id: UUID | None = None,
    unpaid: Collection[str] = frozenset(),
) -> Outcome:
    """Invite everyone who is neither in nor invited already; inside a transaction.

    Args:
        actor: who invites.
        addresses: whom.
        role: as what.
        message: from the actor to each.
        project_id: as invite() takes it.
        unpaid: the keys of addresses that the limits did not allow.

    Raises:
        Denied: the actor may not invite, or not as that.
    """
    outcome = _look_up(actor, addresses, role, project_id)
    new = [address for address in addresses if address.key not in outcome.known]
    outcome.limited = [address for address in new if address.key in unpaid]
    outcome.sent = [address for address in new if address.key not in unpaid]
    if outcome.sent:
        Invitation.issue_all(g.org.id, outcome.sent, role, actor.user_id, message, project_id)
    return outcome


def _invite(
    actor: Actor,
    addresses: list[Address],
    role: Role,
    message: str,
    project_id: UUID | None,
    known: Collection[str] = frozenset(),
) -> Outcome | Refused:
    """Take from the limits, send, and give back what was not sent. A failure in between gives nothing back."""
    keys = [address.key for address in addresses if address.key not in known]
    taken = _take(actor, keys)
    if isinstance(taken, Refused):
        return taken
    with transaction():
        outcome = send(actor, addresses, role, message, project_id, {*known, *taken.refused})
        if outcome.sent:
            once(url_for("orgs.invitations.index"))
    outcome.waits = {a.key: taken.refused[a.key].retry_after if a.key in taken.refused else 1 for a in outcome.limited}
    unused = len(keys) - len(outcome.sent)
    outcome.left = {limit: left + unused for limit, left in taken.left.items() if limit in limits.TOLD}
    if unused:
        sent = {address.key for address in outcome.sent}
        spared = [limits.invited(key) for key in keys if key not in sent and key not in taken.refused]
        give_back([*limits.inviting(actor.user_id, actor.organization_id, unused), *spared])
    return outcome


def _take(actor: Actor, keys: list[str]) -> Taken | Refused:
    if not keys:
        return Taken({}, {})
    counted = limits.inviting(actor.user_id, actor.organization_id, len(keys))
    return take_all([limits.at_once(actor.user_id), *counted], [limits.invited(key) for key in keys])


def _look_up(actor: Actor, addresses: list[Address], role: Role, project_id: UUID | None) -> Outcome:
    """Find who is in already, or invited, with the organization locked."""
    access.confirm_invite(actor, role, project_id)
    keys = [address.key for address in addresses]
    found = direct(_KNOWN, {"keys": keys, "here": g.org.id, "project": project_id}).all()
    inside, invited = [row for row in found if row.inside], [row for row in found if not row.inside]
    members, guests = [row for row in inside if row.role], [row for row in inside if not row.role]
    return Outcome(members=members, guests=guests, invited=invited)


_KEYS = any_(bindparam("keys", type_=ARRAY(Text)))
_HERE, _PROJECT = bindparam("here", type_=Uuid), bindparam("project", type_=Uuid)
# Members of the organization, and guests whose `role_here` is on the project …
_INSIDE = (
    select(
        true().label("inside"),
        User.email_key,
        User.email,
        User.id.label("user_id"),
        OrganizationMember.id,
        OrganizationMember.role,
        ProjectMember.role.label("role_here"),
        null().label("created_at"),
    )
    .outerjoin(
        OrganizationMember, (OrganizationMember.user_id == User.id) & (OrganizationMember.organization_id == _HERE)
    )
    .outerjoin(ProjectMember, (ProjectMember.user_id == User.id) & (ProjectMember.project_id == _PROJECT))
    .where(User.email_key == _KEYS, or_(OrganizationMember.id.is_not(None), ProjectMember.id.is_not(None)))
)
# … and those with an invitation that can still be accepted; an expired one makes way for a new one.
_INVITED = select(
    false(),
    Invitation.email_key,
    Invitation.email,
    null(),
    Invitation.id,
    Invitation.role,
    null(),
    Invitation.created_at,
).where(
    Invitation.organization_id == _HERE,
    Invitation.project_id.is_not_distinct_from(_PROJECT),
    Invitation.email_key == _KEYS,
    Invitation.expires_at > func.now(),
    text(PENDING),
)
_KNOWN: CompoundSelect[*tuple[Any, ...]] = union_all(_INSIDE, _INVITED)
