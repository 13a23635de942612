"""Expired invitations, as many as may be at once: sent again, or revoked."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Blueprint, g, url_for
from sqlalchemy import select

import access
from blueprints.fragments import changed
from blueprints.gate import requires
from blueprints.limits import too_many
from blueprints.orgs import pending
from blueprints.orgs.forms import MOST
from blueprints.presentation import plural
from models import CannotAccept, Invitation, Project, db, limits, transaction
from models.rate_limit import Refused, give_back, left_of, take_all

READ = 10 * MOST  # so many are looked at, for those that the actor may act on

bp = Blueprint("expired", __name__, url_prefix="/orgs/<slug:slug>/people/invitations/expired")


@bp.post("/resend")
@requires(access.MANAGE_PEOPLE)
def resend() -> Any:
    """Send them again, each with a new link, as far as the limits allow."""
    left = min(left_of(limits.inviting(g.actor.user_id, g.org.id)).values())
    expired = _expired(min(max(left, 1), MOST))
    counted = limits.inviting(g.actor.user_id, g.org.id, len(expired)) if expired else []
    to = [limits.invited(invitation.email_key) for invitation in expired]
    taken = take_all([limits.at_once(g.actor.user_id), *counted], to)
    if isinstance(taken, Refused):
        too_many(taken, g.org.name)
    allowed = [invitation for invitation in expired if invitation.email_key not in taken.refused]
    sent = _each(allowed, access.confirm_invite, lambda invitation: invitation.again(g.actor.user_id))
    give_back(limits.inviting(g.actor.user_id, g.org.id, len(expired) - sent))
    return _changed(sent, f"Sent {plural(sent, 'invitation')} again. The earlier links no longer work.")


@bp.post("/revoke")
@requires(access.MANAGE_PEOPLE)
def revoke() -> Any:
    """Withdraw them."""
    ended = _each(_expired(MOST), access.confirm_revoke, Invitation.revoke)
    return _changed(ended, f"Revoked {plural(ended, 'invitation')}.")


def _expired(most: int) -> list[Invitation]:
    """The oldest of those that the actor may act on; of different addresses, so that the limits count each."""
    oldest = pending.with_role(select(Invitation, access.effective_role())).where(pending.EXPIRED)
    live = oldest.where(Project.archived_at.is_(None)).order_by(Invitation.id).limit(READ)
    found = {row[0].email_key: row[0] for row in db.session.execute(live) if pending.may_act(row[0].role, row[1])}
    return list(found.values())[:most]


def _each(invitations: list[Invitation], confirm: Callable[..., None], act: Callable[[Invitation], object]) -> int:
    """Act on each in one transaction; return on how many. What came to another end meanwhile is left alone."""
    done = 0
    with transaction():
        for role, project_id in {(invitation.role, invitation.project_id) for invitation in invitations}:
            confirm(g.actor, role, project_id)
        for invitation in invitations:
            with suppress(CannotAccept):
                act(invitation)
                done += 1
    return done


def _changed(number: int, toast: str) -> Any:
    shown = pending.shown(pending.read())
    toast = toast if number else "No expired invitation is left."
    return changed("orgs/_invitations.html", to=url_for("orgs.invitations.index"), toast=toast, **shown)
