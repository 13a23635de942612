"""Invitations to an organization: sending them, and the list of those that wait."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, url_for
from sqlalchemy import func, select, text

import access
from blueprints.fragments import changed, leave, respond
from blueprints.gate import requires
from blueprints.orgs import inviting, listing
from blueprints.orgs.forms import InviteForm
from blueprints.paging import Page
from blueprints.presentation import plural
from config import settings
from models import CannotAccept, Invitation, OutgoingMail, User, db, transaction
from models.invitation import COPIED, PENDING

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
    form.role.offer(access.grantable(g.actor))
    if not form.accepted():
        return _form(form)
    found = form.emails.found
    with transaction():
        outcome = inviting.send(g.actor, found.addresses, form.role.role, form.message.data or "")
    if outcome.sent and not (found.problems or found.twice or outcome.members or outcome.invited):
        return leave(url_for("orgs.invitations.index"), f"Sent {plural(len(outcome.sent), 'invitation')}.")
    form.emails.data = "\n".join(found.misspelt)
    for problem in found.problems:
        form.refuse("emails", problem)
    return _form(form, outcome=outcome, twice=found.twice)


@bp.get("/invitations")
@requires(access.MANAGE_PEOPLE)
def index() -> Any:
    """List the invitations that wait."""
    page = _waiting()
    beyond = listing.beyond(page, "orgs.invitations.index")
    return beyond or respond("orgs/invitations.html", "orgs/_invitations.html", **_list(page))


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
    return respond("orgs/link.html", "orgs/_link.html", invitation=fresh, link=address, **_list(_waiting()))


@bp.post("/invitations/<uuid:invitation_id>/revoke")
@requires(access.MANAGE_PEOPLE, on=invitation_here)
def revoke(invitation: Invitation) -> Any:
    """Withdraw it."""
    before = _waiting()
    try:
        with transaction():
            _confirm(invitation)
            invitation.revoke()
    except CannotAccept:
        abort(410)
    focus = listing.next_to(invitation.id, before, after := _waiting())
    return _changed(f"Invitation for {invitation.email} revoked.", page=after, focus=focus)


def _form(form: InviteForm, **context: Any) -> Any:
    context["mine"] = access.grantable(g.actor)
    return respond("orgs/invite.html", "orgs/_invite.html", 422 if form.errors else 200, form=form, **context)


def _replace(invitation: Invitation, *, mailed: bool) -> Invitation:
    try:
        with transaction():
            _confirm(invitation)
            fresh = invitation.again(g.actor.user_id, mailed=mailed)
            db.session.flush()
            db.session.refresh(fresh)
    except CannotAccept:
        abort(410)
    return fresh


def _confirm(invitation: Invitation) -> None:
    """Ask again, under the lock; nobody sends, or takes back, what is above themselves."""
    present = access.confirm(g.actor, access.MANAGE_PEOPLE)
    if invitation.role not in access.grantable(present):
        raise access.Denied(access.MANAGE_PEOPLE, invitation.role)


def _waiting() -> Page:
    """Read a page of pending invitations, newest first, each with the state of its mail, in one statement."""
    pending = Invitation.organization_id == g.org.id, text(PENDING)
    rows = (
        select(
            Invitation.id,
            Invitation.email,
            Invitation.email_key,
            Invitation.role,
            Invitation.created_at,
            Invitation.expires_at,
            (Invitation.expires_at <= func.now()).label("expired"),
            User.name.label("inviter"),
            OutgoingMail.state.label("mail"),
            OutgoingMail.last_error,
        )
        .join(User, User.id == Invitation.invited_by)
        .outerjoin(OutgoingMail, OutgoingMail.subject_id == Invitation.id)
        .where(*pending)
    )
    total = select(func.count()).select_from(Invitation).where(*pending).scalar_subquery()
    number = listing.page_number(listing.shown().get("page", ""))
    return listing.read(rows, lambda columns: [columns.id.desc()], number, total=total)[0]


def _list(page: Page, **context: Any) -> dict[str, Any]:
    return {"found": page, "mine": access.grantable(g.actor), "at": _at, **context}


def _at(page: int) -> str:
    return url_for("orgs.invitations.index", page=page if page > 1 else None)


def _changed(toast: str, page: Page | None = None, **context: Any) -> Any:
    context = _list(page or _waiting(), **context)
    return changed("orgs/_invitations.html", to=url_for("orgs.invitations.index"), toast=toast, **context)
