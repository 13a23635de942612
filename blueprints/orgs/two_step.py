"""Whether an organization lets anybody in without two-step verification."""

from typing import Any

from flask import g, url_for
from sqlalchemy import ColumnElement, func, select, union

import access
from blueprints.fragments import leave, respond
from blueprints.gate import requires
from blueprints.orgs.forms import TwoStepForm
from blueprints.orgs.settings import bp
from blueprints.proof import proves
from models import Organization, OrganizationMember, ProjectMember, User, db, transaction

YOURSELF_FIRST = "Turn on two-step verification for yourself first, or you could not come back."


@bp.route("/two-step", methods=["GET", "POST"])
@requires(access.OWN_ORGANIZATION)
def two_step() -> Any:
    """Require it, or no more; with how many do not have it yet."""
    form = TwoStepForm(data={"required": g.org.requires_step})
    if form.accepted() and _allowed(form) and proves(form):
        with transaction():
            access.confirm(g.actor, access.OWN_ORGANIZATION)
            db.session.get_one(Organization, g.org.id).require_second_factor(form.required.data)
        verb = "lets nobody in without" if form.required.data else "no longer asks for"
        return leave(url_for("orgs.settings.index"), f"{g.org.name} {verb} two-step verification.")
    status, lacking = 422 if form.errors else 200, db.session.scalar(select(lacking_step()))
    return respond("orgs/two_step.html", "orgs/_two_step.html", status, form=form, lacking=lacking)


def lacking_step() -> ColumnElement[int]:
    """How many of the organization's members and guests have not turned it on, as a part of a statement."""
    everyone = union(
        select(OrganizationMember.user_id).where(OrganizationMember.organization_id == g.org.id),
        select(ProjectMember.user_id).where(ProjectMember.organization_id == g.org.id),
    ).subquery()
    without = User.second_factor_at.is_(None) & User.deactivated_at.is_(None)
    joined = select(func.count()).select_from(everyone).join(User, (User.id == everyone.c.user_id) & without)
    return joined.scalar_subquery()


def _allowed(form: TwoStepForm) -> bool:
    """Whoever requires it has it."""
    mine = select(User.second_factor_at).where(User.id == g.actor.user_id)
    if form.required.data and db.session.scalar(mine) is None:
        form.refuse("required", YOURSELF_FIRST)
    return not form.errors
