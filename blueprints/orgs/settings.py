"""An organization's settings: its name and address, leaving it, deleting it."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, g, request, url_for
from markupsafe import Markup
from sqlalchemy import Row, func, select, text

import access
from blueprints.fragments import leave as move_on
from blueprints.fragments import respond
from blueprints.gate import requires
from blueprints.once import once
from blueprints.orgs.forms import ConfirmForm, DeleteForm, SettingsForm, refuse_slug
from blueprints.orgs.wording import has_left, last_owner
from blueprints.presentation import day
from blueprints.proof import proves
from blueprints.receipts import conflict, receipt
from config import RESTORABLE
from models import (
    Invitation,
    LastOwner,
    Organization,
    OrganizationMember,
    OwnershipOffer,
    Project,
    ProjectMember,
    SlugTaken,
    db,
    membership,
    transaction,
)
from models.invitation import PENDING

bp = Blueprint("settings", __name__, url_prefix="/orgs/<slug:slug>/settings")


@bp.route("", methods=["GET", "POST"])
@requires(access.SEE_ORGANIZATION)
def index() -> Any:
    """Show the settings; every member finds here how to leave. Change name and address."""
    form = SettingsForm(data={"name": g.org.name, "slug": g.org.slug, "version": g.org.version})
    if request.method != "POST":
        return _shown(form)
    access.require(g.actor, access.CHANGE_ORGANIZATION)
    current = _renamed(form) if form.accepted() else None
    if current or form.errors:
        return _shown(form, current)
    return move_on(url_for("orgs.settings.index", slug=form.slug.data), "Name and address were saved.")


@bp.route("/leave", methods=["GET", "POST"])
@requires(access.SEE_ORGANIZATION)
def leave() -> Any:
    """Review what ends with one's membership, and leave."""
    form = ConfirmForm()
    member = db.session.get(OrganizationMember, g.actor.member_id) or abort(404)
    if form.accepted():
        try:
            with transaction():
                once(to := url_for("orgs.index"))
                access.confirm_manage(g.actor, member)
                ended = membership.remove(member)
            return move_on(to, has_left(g.org.name, ended))
        except LastOwner:
            form.refuse("", last_owner(g.org.name))
    stays = last_owner(g.org.name) if access.is_last_owner(g.actor) else ""
    shown = {"form": form, "losses": access.losses(member), "stays": stays}
    return respond("orgs/leave.html", "orgs/_leave.html", 422 if form.errors else 200, **shown)


@bp.route("/delete", methods=["GET", "POST"])
@requires(access.OWN_ORGANIZATION)
def delete() -> Any:
    """Delete the organization, by its typed address and a fresh proof. Owners may restore it for a while."""
    form = DeleteForm()
    if not (form.accepted() and _confirmed(form)):
        status = 422 if form.errors else 200
        until = day(datetime.now(UTC) + RESTORABLE)
        return respond("orgs/delete.html", "orgs/_delete.html", status, form=form, counts=_counts(), until=until)
    with transaction():
        once(to := url_for("orgs.index"))
        access.confirm(g.actor, access.OWN_ORGANIZATION)
        at = db.session.get_one(Organization, g.org.id).delete()
    until = day(at + RESTORABLE)
    toast = receipt(f"{g.org.name} was deleted", at) + f" Its Owners can restore it until {until}."
    return move_on(to, toast)


def _shown(form: SettingsForm, current: Organization | None = None) -> Any:
    shown: dict[str, Any] = {"form": form, "offer": OwnershipOffer.waiting_in(g.org.id)}
    status = 422 if form.errors else 200
    if current:
        status, shown = 409, shown | {"current": current, "conflict": conflict(current.updated_by, current.updated_at)}
    return respond("orgs/settings.html", "orgs/_settings.html", status, **shown)


def _renamed(form: SettingsForm) -> Organization | None:
    """Save name and address; of an address that is taken, the form says so.

    Returns:
        What somebody else saved since the form was shown, in which case nothing was; None otherwise.
    """
    try:
        with transaction():
            access.confirm(g.actor, access.CHANGE_ORGANIZATION)
            organization = db.session.get_one(Organization, g.org.id, populate_existing=True)
            wanted = form.name.data or "", form.slug.data or ""
            new = wanted != (organization.name, organization.slug)
            late = form.outdated(organization.version) and new
            if new and not late:
                once(url_for("orgs.settings.index", slug=form.slug.data))
                organization.rename(*wanted, g.actor.user_id)
    except SlugTaken:
        refuse_slug(form, form.slug.data or "")
        return None
    return organization if late else None


def _confirmed(form: DeleteForm) -> bool:
    """Compare what was typed with the address, and the password with the account's."""
    typed = (form.confirm.data or "").strip()
    if typed.lower() != g.org.slug:
        said = Markup(" You typed {}.").format(typed) if typed else ""
        form.refuse("confirm", f"Type {g.org.slug} to confirm." + said)
        return False
    return proves(form)


def _counts() -> Row[Any]:
    """How many memberships, guests, projects and pending invitations a deletion ends."""
    members = select(func.count()).where(OrganizationMember.organization_id == g.org.id)
    member = select(OrganizationMember.id).where(
        OrganizationMember.organization_id == g.org.id, OrganizationMember.user_id == ProjectMember.user_id
    )
    guests = select(func.count(ProjectMember.user_id.distinct())).where(
        ProjectMember.organization_id == g.org.id, ~member.exists()
    )
    projects = select(func.count()).where(Project.organization_id == g.org.id)
    pending = select(func.count()).select_from(Invitation).where(Invitation.organization_id == g.org.id, text(PENDING))
    named = {"members": members, "guests": guests, "projects": projects, "pending": pending}
    return db.session.execute(select(*(count.scalar_subquery().label(name) for name, count in named.items()))).one()
