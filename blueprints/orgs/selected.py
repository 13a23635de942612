"""Acting on several members at once: another role for all of them, or their removal, after a review."""

from typing import Any, NamedTuple
from uuid import UUID

from flask import Blueprint, g, request, url_for
from sqlalchemy import Select, func, select, text

import access
from blueprints.fragments import leave, respond
from blueprints.gate import requires
from blueprints.once import once
from blueprints.orgs import listing
from blueprints.orgs.directory import MOST, Asked, matching
from blueprints.orgs.forms import SelectedForm, SelectedRoleForm
from blueprints.orgs.wording import last_owner, several
from models import Invitation, LastOwner, OrganizationMember, ProjectMember, User, db, membership, transaction
from models.identity import Actor
from models.invitation import PENDING

bp = Blueprint("selected", __name__, url_prefix="/orgs/<slug:slug>/people/selected")


class Ending(NamedTuple):
    """What would end with the memberships, in numbers."""

    project_roles: int
    invitations: int


@bp.route("", methods=["GET", "POST"])
@requires(access.MANAGE_PEOPLE)
def index() -> Any:
    """Review who is concerned, and act on all of them. Oneself is never among them, and so an Owner stays."""
    removes, ids = request.values.get("do") == "remove", _ids()
    form = SelectedForm() if removes else SelectedRoleForm()
    if isinstance(form, SelectedRoleForm):
        form.role.offer(access.grantable(g.actor))
    if len(ids) > MOST:
        form.refuse("", f"Select at most {MOST} people at a time. You selected more.")
    elif form.accepted():
        try:
            return leave(url_for("orgs.people.index"), _act(form, ids))
        except LastOwner:
            form.refuse("", last_owner(g.org.name))
    people = _within_reach(g.actor, ids[:MOST])
    shown = {"form": form, "people": people, "removes": removes, "ending": _ending(people)}
    return respond("orgs/selected.html", "orgs/_selected.html", 422 if form.errors else 200, **shown)


def _act(form: SelectedForm, ids: list[UUID]) -> str:
    """Do it in one transaction, judging each again under the lock; return what to say."""
    role = form.role.role if isinstance(form, SelectedRoleForm) else None
    with transaction():
        once(url_for("orgs.people.index"))
        present = access.confirm(g.actor, access.MANAGE_PEOPLE)
        chosen = [member for member, _ in _within_reach(present, ids)]
        if role is None:
            ends = [membership.remove(member) for member in chosen]
        elif access.reaches(present, role):
            others = [member for member in chosen if member.role is not role]
            ends = [membership.change_role(member, role, g.actor.user_id) for member in others]
        else:
            raise access.Denied(access.MANAGE_PEOPLE, role)
    return several(f"Role changed to {role.label} for" if role else "Removed", ends, len(ids) - len(ends))


def _ids() -> list[UUID]:
    """The memberships that were selected, each once; what cannot be one is nobody's. `all` are those of a list."""
    if "all" in request.args:
        return matching(Asked.of(listing.shown()))
    found: dict[UUID, None] = {}
    for text_of_id in request.values.getlist("member"):
        try:
            found[UUID(text_of_id)] = None
        except ValueError:
            continue
    return list(found)


def _within_reach(actor: Actor, ids: list[UUID]) -> list[tuple[OrganizationMember, User]]:
    """Those of the organization whom the actor may manage, by name; oneself is not among them."""
    query: Select[OrganizationMember, User] = (
        select(OrganizationMember, User)
        .join(User, User.id == OrganizationMember.user_id)
        .where(OrganizationMember.organization_id == g.org.id, OrganizationMember.id.in_(ids))
        .order_by(User.search_text, OrganizationMember.id)
        .execution_options(populate_existing=True)
    )
    rows = [(member, user) for member, user in db.session.execute(query)]
    return [row for row in rows if row[0].user_id != actor.user_id and access.reaches(actor, row[0].role)]


def _ending(people: list[tuple[OrganizationMember, User]]) -> Ending:
    """Count what hangs on them, in one statement."""
    users = [user.id for _, user in people]
    roles = select(func.count()).where(ProjectMember.organization_id == g.org.id, ProjectMember.user_id.in_(users))
    sent = Invitation.organization_id == g.org.id, Invitation.invited_by.in_(users), text(PENDING)
    invitations = select(func.count()).select_from(Invitation).where(*sent)
    return Ending(*db.session.execute(select(roles.scalar_subquery(), invitations.scalar_subquery())).one())
