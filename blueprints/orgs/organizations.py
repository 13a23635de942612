"""A person's organizations: the list, a new one, invitations that wait for them, and an organization's home."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, url_for

import access
from blueprints.fragments import changed, leave, respond
from blueprints.gate import inside, signed_in
from blueprints.once import once
from blueprints.orgs import home as homes
from blueprints.orgs import sentences, yours
from blueprints.orgs.forms import NewOrganizationForm, refuse_slug
from blueprints.paging import paged
from models import AlreadyMember, CannotAccept, Offer, Organization, SlugTaken, User, db, transaction
from models.organization import free_slug

bp = Blueprint("orgs", __name__)


@bp.get("/orgs")
@signed_in
def index() -> Any:
    """Show the organizations one belongs to, after the invitations that wait."""
    return respond("orgs/index.html", "orgs/_organizations.html", **_list())


@bp.get("/orgs/switcher")
@signed_in
def switcher() -> Any:
    """List the first few, for the menu of every page."""
    return respond("orgs/switcher.html", "orgs/_switchable.html", organizations=yours.first())


@bp.route("/orgs/new", methods=["GET", "POST"])
@signed_in
def new() -> Any:
    """Create an organization. Without an address of one's own choice, it gets one made from its name."""
    if not yours.may_create():
        return respond("errors/page.html", "errors/_note.html", 403, code=403, text=yours.ONLY_THE_HOST)
    form = NewOrganizationForm()
    if not form.accepted():
        return respond("orgs/new.html", "orgs/_new.html", 422 if form.errors else 200, form=form)
    name = form.name.data or ""
    slug = form.slug.data or free_slug(name)
    try:
        with transaction():
            once(to := url_for("orgs.home", slug=slug))
            organization = Organization.create(name, slug, g.identity.viewer.id)
    except SlugTaken:
        refuse_slug(form, slug)
        return respond("orgs/new.html", "orgs/_new.html", 422, form=form)
    return leave(to, f"{organization.name} was created.")


@bp.post("/orgs/deleted/<uuid:organization_id>/restore")
@signed_in
def restore(organization_id: UUID) -> Any:
    """Bring back a deleted organization; its address names the key, for nobody can enter a deleted one."""
    actor = access.standing(organization_id, g.identity.viewer.id) or abort(404)
    with transaction():
        access.confirm(actor, access.OWN_ORGANIZATION)
        organization = yours.restorable(organization_id) or abort(404)
        me = db.session.get_one(User, g.identity.viewer.id)
        if organization.second_factor_required_at and me.second_factor_at is None:
            raise access.StepNeeded(organization.name)
        organization.restore()
        once(to := url_for("orgs.home", slug=organization.slug))
    return leave(to, f"{organization.name} was restored.")


@bp.post("/orgs/invitations/<uuid:invitation_id>/accept")
@signed_in
def accept_invitation(invitation_id: UUID) -> Any:
    """Join an organization, or as a guest a project, that one's proven address was invited to."""
    offer = _offer(invitation_id)
    slug, project = offer.organization.slug, offer.project
    there = url_for("projects.show", slug=slug, project_id=project.id) if project else url_for("orgs.home", slug=slug)
    try:
        with transaction():
            once(there)
            offer.accept(db.session.get_one(User, g.identity.viewer.id))
    except CannotAccept:
        abort(410)
    except AlreadyMember:
        return leave(there, offer.already)
    return leave(there, offer.welcome)


@bp.post("/orgs/invitations/<uuid:invitation_id>/decline")
@signed_in
def decline_invitation(invitation_id: UUID) -> Any:
    """Say no to an invitation."""
    offer = _offer(invitation_id)
    try:
        with transaction():
            once(to := url_for(".index"))
            offer.invitation.decline()
    except CannotAccept:
        abort(410)
    toast = f"You declined the invitation to {offer.place}."
    return changed("orgs/_organizations.html", to=to, toast=toast, **_list())


@bp.get("/orgs/<slug:slug>")
@inside
def home() -> Any:
    """Show what needs attention and one's projects; to a guest, only these."""
    if g.actor.role is None:
        return respond("orgs/guest.html", "orgs/_guest.html", found=homes.guest_projects())
    return respond("orgs/home.html", "orgs/_home.html", home=homes.overview(), say=sentences)


def _list() -> dict[str, Any]:
    viewer = g.identity.viewer
    offers = Offer.waiting_for(viewer.id, viewer.email_key) if viewer.email_verified else []
    page = paged(yours.all_of(viewer.id))
    return {"offers": offers, "found": page, "may_create": yours.may_create(), "host_says": yours.ONLY_THE_HOST}


def _offer(invitation_id: UUID) -> Offer:
    """Find an invitation that waits for the viewer: 410 if it was theirs and does not wait any more, else 404."""
    viewer = g.identity.viewer
    waiting = Offer.waiting_for(viewer.id, viewer.email_key) if viewer.email_verified else []
    offer = next((offer for offer in waiting if offer.invitation.id == invitation_id), None)
    return offer or abort(410 if yours.was_invited(viewer, invitation_id) else 404)
