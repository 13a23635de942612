"""Invitations to an organization: sending them, and the list of those that wait."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, g, url_for
from sqlalchemy import select

import access
from blueprints.fragments import Toast, Undo, changed, leave, respond
from blueprints.gate import requires
from blueprints.limits import too_many, try_again, words
from blueprints.once import made_before, once, taken_before
from blueprints.orgs import inviting, listing, pending, wording
from blueprints.orgs.forms import InviteForm
from blueprints.orgs.inviting import Outcome
from blueprints.paging import Page
from blueprints.presentation import plural
from config import settings
from models import AlreadyInvited, CannotAccept, Invitation, Offer, Repeated, State, db, limits, transaction
from models.invitation import COPIED
from models.rate_limit import Limit, Refused, give_back, left_of, take_all

bp = Blueprint("invitations", __name__, url_prefix="/orgs/<slug:slug>/people")
REPLACES = "The earlier link no longer works."


def invitation_here(invitation_id: UUID) -> Invitation:
    """Find an invitation of this organization."""
    found = select(Invitation).where(Invitation.id == invitation_id, Invitation.organization_id == g.org.id)
    return db.session.scalar(found) or abort(404)


@bp.route("/invite", methods=["GET", "POST"])
@requires(access.MANAGE_PEOPLE)
def new() -> Any:
    """Invite people. Good addresses are sent to; what is misspelt stays in the box."""
    form = InviteForm()
    form.here = _project_of(form)
    form.role.offer(access.grantable(g.actor, form.here))
    if not form.accepted():
        return _form(form)
    found = form.emails.found
    project_id = form.here.id if form.here else None
    outcome = inviting.invite(g.actor, found.addresses, form.role.role, form.message.data or "", project_id)
    if isinstance(outcome, Refused):
        return _refused(form, outcome)
    if not outcome.sent and taken_before():
        raise Repeated
    if outcome.only_sent and not (found.problems or found.twice):
        return leave(url_for("orgs.invitations.index"), f"Sent {plural(len(outcome.sent), 'invitation')}.")
    return _told(form, outcome)


@bp.get("/invitations")
@requires(access.MANAGE_PEOPLE)
def index() -> Any:
    """List the invitations that wait."""
    page = pending.read()
    beyond = listing.beyond(page, "orgs.invitations.index", show=pending.asked() or None)
    return beyond or respond("orgs/invitations.html", "orgs/_invitations.html", **pending.shown(page))


@bp.post("/invitations/<uuid:invitation_id>/resend")
@requires(access.MANAGE_PEOPLE, on=invitation_here)
def resend(invitation: Invitation) -> Any:
    """Send it again, with a new link."""
    _replace(invitation, mailed=True)
    return _changed(f"Sent again to {invitation.email}. {REPLACES}")


@bp.post("/invitations/<uuid:invitation_id>/link")
@requires(access.MANAGE_PEOPLE, on=invitation_here)
def link(invitation: Invitation) -> Any:
    """Make a new link and show it, this once, to be copied."""
    fresh = _replace(invitation, mailed=False)
    address = f"{settings().base_url}/invitations/{fresh.link_text(COPIED)}"
    return respond("orgs/link.html", "orgs/_link.html", invitation=fresh, link=address, **pending.shown(pending.read()))


@bp.post("/invitations/<uuid:invitation_id>/revoke")
@requires(access.MANAGE_PEOPLE, on=invitation_here)
def revoke(invitation: Invitation) -> Any:
    """Withdraw it."""
    before = pending.read()
    try:
        with transaction():
            access.confirm_revoke(g.actor, invitation.role, invitation.project_id)
            invitation.revoke()
    except CannotAccept:
        abort(410)
    focus = listing.next_to(invitation.id, before, after := pending.read())
    undo = Undo(url_for(".restore", invitation_id=invitation.id), {}, f"revoking the invitation for {invitation.email}")
    return _changed(Toast(f"Invitation for {invitation.email} revoked.", undo), page=after, focus=focus)


@bp.post("/invitations/<uuid:invitation_id>/restore")
@requires(access.MANAGE_PEOPLE, on=invitation_here)
def restore(invitation: Invitation) -> Any:
    """Take back that it was revoked, for a short while."""
    try:
        with transaction():
            access.confirm_invite(g.actor, invitation.role, invitation.project_id)
            invitation.restore()
            if (offer := Offer.of(invitation.id)) is None or offer.state is State.GONE:
                raise CannotAccept(State.GONE)
    except CannotAccept:
        abort(410)
    except AlreadyInvited:
        return _changed(f"{invitation.email} has a newer invitation.")
    return _changed(f"Invitation for {invitation.email} restored. Its link works again.")


def _project_of(form: InviteForm) -> access.ProjectHere | None:
    """Find the project to invite guests to, if it is one: there for the actor, and not archived."""
    if not form.project.data:
        return None
    try:
        here = access.project_for(g.actor, UUID(form.project.data)) or abort(404)
    except ValueError:
        abort(404)
    access.require(g.actor, access.SET_PROJECT_ROLES, here)
    return here


def _form(form: InviteForm, status: int = 200, *, left: Mapping[Limit, int] | None = None, **context: Any) -> Any:
    """Show the form, with what is left of the limits where that is less than all."""
    if left is None:
        left = left_of(limits.inviting(g.actor.user_id, g.org.id))
    context |= {
        "form": form,
        "mine": access.grantable(g.actor, form.here),
        "allowance": wording.allowance(left, g.org.name),
    }
    status = 422 if status == 200 and form.errors else status
    return respond("orgs/invite.html", "orgs/_invite.html", status, **context)


def _told(form: InviteForm, outcome: Outcome) -> Any:
    """Say what became of each address; what was not sent and can be, stays in the box."""
    found = form.emails.found
    form.emails.data = "\n".join([*found.misspelt, *(address.typed for address in outcome.limited)])
    for problem in found.problems:
        form.refuse("emails", problem)
    told: dict[str, Any] = {"outcome": outcome, "twice": found.twice, "limited": wording.limited(outcome)}
    if outcome.limited and not outcome.sent:
        return _later(_form(form, 429, left=outcome.left, **told), min(outcome.waits.values()))
    return _form(form, left=outcome.left or None, **told)


def _refused(form: InviteForm, refused: Refused) -> Any:
    """Say at the field what the limit is; everything typed stays."""
    told = words(refused.limit, g.org.name, refused.left)
    form.refuse("emails" if told else "", f"{told or 'Too many attempts.'} {try_again(refused.retry_after)}")
    return _later(_form(form, 429, left={}), refused.retry_after)


def _later(answer: Response, seconds: int) -> Response:
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _replace(invitation: Invitation, *, mailed: bool) -> Invitation:
    """Put a fresh one in its place, within the limits; a copied link is no mail to its address."""
    counted = limits.inviting(g.actor.user_id, g.org.id) + [limits.invited(invitation.email_key)] * mailed
    taken = take_all([limits.at_once(g.actor.user_id), *counted])
    if isinstance(taken, Refused):
        to_address = taken.limit is limits.INVITES_TO_ADDRESS
        too_many(taken, invitation.email if to_address else g.org.name)
    try:
        with transaction():
            access.confirm_invite(g.actor, invitation.role, invitation.project_id)
            fresh = invitation.again(g.actor.user_id, mailed=mailed)
            once(url_for("orgs.invitations.index"), made=fresh.id)
            db.session.refresh(fresh)
    except CannotAccept:
        give_back(counted)
        return made_before(Invitation) or abort(410)
    return fresh


def _changed(toast: str | Toast, page: Page | None = None, **context: Any) -> Any:
    context |= pending.shown(page or pending.read())
    return changed("orgs/_invitations.html", to=url_for("orgs.invitations.index"), toast=toast, **context)
