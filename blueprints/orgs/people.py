"""The people of an organization: who they are, and changing or removing one of them."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, request, url_for
from sqlalchemy import select

import access
from blueprints.fragments import Toast, Undo, changed, is_fragment, leave, respond
from blueprints.gate import requires
from blueprints.once import once
from blueprints.orgs import listing
from blueprints.orgs.directory import Asked, People, Person, people, selectable
from blueprints.orgs.forms import ChangeRoleForm, RemoveForm
from blueprints.orgs.wording import last_owner, lowers, role_changed, was_removed
from blueprints.receipts import conflict
from models import LastOwner, OrganizationMember, Role, User, db, membership, transaction

bp = Blueprint("people", __name__, url_prefix="/orgs/<slug:slug>/people")


def member_here(member_id: UUID) -> tuple[OrganizationMember, User]:
    """Find a member of the organization, and whose account it is."""
    return _found(member_id) or abort(404)


def member_or_gone(member_id: UUID) -> tuple[OrganizationMember | None, User | None]:
    """Find a member; or nobody, for a review (it has the name) of somebody who was removed since."""
    return _found(member_id) or ((None, None) if request.form.get("name") else abort(404))


@bp.get("")
@requires(access.SEE_ORGANIZATION)
def index() -> Any:
    """List the people."""
    found = people(Asked.of(listing.shown()))
    beyond = listing.beyond(found.found, "orgs.people.index", **found.asked.args)
    return beyond or respond("orgs/people.html", "orgs/_people.html", people=found, selectable=selectable)


@bp.get("/<uuid:member_id>")
@requires(access.SEE_ORGANIZATION, on=member_here)
def show(member: OrganizationMember, user: User) -> Any:
    """Show one person with what may be done about them."""
    return _shown(member, user, ChangeRoleForm(role=member.role.name, version=member.version))


@bp.post("/<uuid:member_id>/role")
@requires(access.SEE_ORGANIZATION, on=member_here)
def change_role(member: OrganizationMember, user: User) -> Any:
    """Give a member another role; anyone may step down by it."""
    form, ended, late = ChangeRoleForm(), None, False
    if not form.accepted():
        return _shown(member, user, form)
    role, before = form.role.role, member.role
    try:
        with transaction():
            access.confirm_manage(g.actor, member, role)
            new = member.role is not role
            late = form.outdated(member.version) and new
            if new and not late:
                ended = membership.change_role(member, role, g.actor.user_id)
    except LastOwner:
        form.refuse("role", last_owner(g.org.name))
    if late or form.errors:
        return _shown(member, user, form, late=late)
    to, toast = url_for("orgs.people.index"), role_changed(user.name, role, ended)
    if user.id == g.actor.user_id:
        return leave(to, toast)
    undo = _undo(member, user, before) if ended and not ended.invitations_sent else None
    return changed("orgs/_person.html", to=to, toast=Toast(toast, undo), person=Person.of(member, user))


@bp.route("/<uuid:member_id>/remove", methods=["GET", "POST"])
@requires(access.MANAGE_PEOPLE, on=member_or_gone)
def remove(member: OrganizationMember | None, user: User | None) -> Any:
    """Review what ends with a membership, and end it; done twice, it is done."""
    form = RemoveForm(name=user.name if user else "")
    if member is None or user is None:
        return _without(None, was_removed(form.name.data or "", g.org.name, None)) if form.accepted() else abort(404)
    _refuse_unless_manageable(member)
    if not form.accepted():
        return _review(member, user, form)
    before = people(Asked.of(listing.shown())) if is_fragment() else None
    try:
        with transaction():
            if myself := user.id == g.actor.user_id:
                once(url_for("orgs.index"))
            still_here = access.confirm_remove(g.actor, member)
            ended = membership.remove(member) if still_here else None
    except LastOwner:
        form.refuse("", last_owner(g.org.name))
        return _review(member, user, form)
    toast = was_removed(user.name, g.org.name, ended)
    return leave(url_for("orgs.index"), toast) if myself else _without(member.id, toast, before)


def _undo(member: OrganizationMember, user: User, before: Role) -> Undo | None:
    """Offer to give the former role back, to who may; it is refused where somebody else changed it meanwhile."""
    if not access.may_manage(g.actor, member, before):
        return None
    url = url_for("orgs.people.change_role", member_id=member.id)
    return Undo(url, {"role": before.name, "version": member.version}, f"role of {user.name}")


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
        conflict=conflict(member.granted_by, member.granted_at) if late else None,
        may=may,
        least=_least_to_manage(member),
        previews=_previews(member) if may else {},
    )


def _previews(member: OrganizationMember) -> dict[str, str]:
    """What each role would end, by the name it is posted with."""
    you = member.user_id == g.actor.user_id
    return {role.name: lowers(lowering, you=you) for role, lowering in access.lowering(member).items()}


def _without(member_id: UUID | None, toast: str, before: People | None = None) -> Any:
    """Show the list after somebody left it; the focus goes to the row that took their place."""
    if not is_fragment():
        return leave(url_for("orgs.people.index"), toast)
    after = people(before.asked if before else Asked.of(listing.shown()))
    focus = listing.next_to(member_id, before.found, after.found) if before and member_id else None
    return changed("orgs/_people.html", to="", toast=toast, people=after, focus=focus)


def _review(member: OrganizationMember, user: User, form: RemoveForm) -> Any:
    return respond(
        "orgs/remove.html",
        "orgs/_remove_dialog.html",
        422 if form.errors else 200,
        form=form,
        person=Person.of(member, user),
        losses=access.losses(member),
    )


def _refuse_unless_manageable(member: OrganizationMember) -> None:
    if not access.may_manage(g.actor, member):
        raise access.Denied(access.MANAGE_PEOPLE, _least_to_manage(member))


def _found(member_id: UUID) -> tuple[OrganizationMember, User] | None:
    row = db.session.execute(
        select(OrganizationMember, User)
        .join(User, User.id == OrganizationMember.user_id)
        .where(OrganizationMember.id == member_id, OrganizationMember.organization_id == g.org.id)
    ).one_or_none()
    return (row[0], row[1]) if row else None


def _least_to_manage(member: OrganizationMember) -> Role:
    return next(role for role in Role if role.may_give(member.role))
