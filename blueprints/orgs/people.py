"""The people of an organization: who they are, and changing or removing one of them."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, url_for
from sqlalchemy import select

import access
from blueprints.fragments import changed, is_fragment, leave, respond
from blueprints.gate import requires
from blueprints.orgs import listing
from blueprints.orgs.directory import Asked, Person, people
from blueprints.orgs.forms import ChangeRoleForm, ConfirmForm
from blueprints.orgs.wording import last_owner, role_changed, was_removed
from models import LastOwner, OrganizationMember, Role, User, db, membership, transaction

bp = Blueprint("people", __name__, url_prefix="/orgs/<slug:slug>/people")


def member_here(member_id: UUID) -> tuple[OrganizationMember, User]:
    """Find a member of the organization, and whose account it is."""
    found = db.session.execute(
        select(OrganizationMember, User)
        .join(User, User.id == OrganizationMember.user_id)
        .where(OrganizationMember.id == member_id, OrganizationMember.organization_id == g.org.id)
    ).one_or_none()
    return (found[0], found[1]) if found else abort(404)


@bp.get("")
@requires(access.SEE_ORGANIZATION)
def index() -> Any:
    """List the people."""
    found = people(Asked.of(listing.shown()))
    beyond = listing.beyond(found.found, "orgs.people.index", **found.asked.args)
    return beyond or respond("orgs/people.html", "orgs/_people.html", people=found)


@bp.get("/<uuid:member_id>")
@requires(access.SEE_ORGANIZATION, on=member_here)
def show(member: OrganizationMember, user: User) -> Any:
    """Show one person with what may be done about them."""
    return _shown(member, user, ChangeRoleForm(role=member.role.name, version=member.version))


@bp.post("/<uuid:member_id>/role")
@requires(access.SEE_ORGANIZATION, on=member_here)
def change_role(member: OrganizationMember, user: User) -> Any:
    """Give a member another role; anyone may step down by it."""
    form, late = ChangeRoleForm(), False
    if not form.accepted():
        return _shown(member, user, form)
    role = form.role.role
    try:
        with transaction():
            access.confirm_manage(g.actor, member, role)
            late = form.outdated(member.version) and member.role is not role
            revoked = 0 if late else membership.change_role(member, role)
    except LastOwner:
        form.refuse("role", last_owner(g.org.name))
    if late or form.errors:
        return _shown(member, user, form, late=late)
    to, toast = url_for("orgs.people.index"), role_changed(user.name, role, revoked)
    if user.id == g.actor.user_id:
        return leave(to, toast)
    return changed("orgs/_person.html", to=to, toast=toast, person=Person.of(member, user))


@bp.route("/<uuid:member_id>/remove", methods=["GET", "POST"])
@requires(access.MANAGE_PEOPLE, on=member_here)
def remove(member: OrganizationMember, user: User) -> Any:
    """Review what ends with a membership, and end it."""
    _refuse_unless_manageable(member)
    form = ConfirmForm()
    if not form.accepted():
        return _review(member, user, form)
    before = people(Asked.of(listing.shown())) if is_fragment() else None
    try:
        with transaction():
            access.confirm_manage(g.actor, member)
            revoked = membership.remove(member)
    except LastOwner:
        form.refuse("", last_owner(g.org.name))
        return _review(member, user, form)
    toast = was_removed(user.name, g.org.name, revoked)
    if user.id == g.actor.user_id or before is None:
        return leave(url_for("orgs.index" if user.id == g.actor.user_id else "orgs.people.index"), toast)
    after = people(before.asked)
    focus = listing.next_to(member.id, before.found, after.found)
    return changed("orgs/_people.html", to="", toast=toast, people=after, focus=focus)


def _shown(member: OrganizationMember, user: User, form: ChangeRoleForm, *, late: bool = False) -> Any:
    may = access.may_manage(g.actor, member)
    form.role.offer([role for role in Role if access.may_manage(g.actor, member, role)])
    return respond(
        "orgs/member.html",
        "orgs/_member_dialog.html",
        409 if late else 422 if form.errors else 200,
        form=form,
        person=Person.of(member, user),
        version=member.version,
        late=late,
        may=may,
        least=_least_to_manage(member),
        losses=membership.losses(member, Role.VIEWER) if may else None,
    )


def _review(member: OrganizationMember, user: User, form: ConfirmForm) -> Any:
    return respond(
        "orgs/remove.html",
        "orgs/_remove_dialog.html",
        422 if form.errors else 200,
        form=form,
        person=Person.of(member, user),
        losses=membership.losses(member, None),
    )


def _refuse_unless_manageable(member: OrganizationMember) -> None:
    if not access.may_manage(g.actor, member):
        raise access.Denied(access.MANAGE_PEOPLE, _least_to_manage(member))


def _least_to_manage(member: OrganizationMember) -> Role:
    return next(role for role in Role if role.may_give(member.role))
