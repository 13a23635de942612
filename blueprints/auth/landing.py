"""The front door."""

from typing import Any

from flask import g, render_template, url_for
from sqlalchemy import select

from blueprints.auth.blueprint import bp
from blueprints.fragments import leave
from blueprints.gate import public
from models import Organization, OrganizationMember, db
from models.identity import Viewer


@bp.get("/")
@public
def landing() -> Any:
    """What this is. Whoever is logged in goes on: to their only organization, or to all of them."""
    if g.identity is None:
        return render_template("auth/landing.html")
    slugs = _some_organizations(g.identity.viewer)
    return leave(url_for("orgs.home", slug=slugs[0]) if len(slugs) == 1 else url_for("orgs.index"))


def _some_organizations(person: Viewer) -> list[str]:
    """Return the addresses of up to two: more need not be known to tell one from several."""
    mine = (
        select(Organization.slug)
        .join(OrganizationMember, OrganizationMember.organization_id == Organization.id)
        .where(OrganizationMember.user_id == person.id, Organization.deleted_at.is_(None))
    )
    return list(db.session.scalars(mine.limit(2)))
