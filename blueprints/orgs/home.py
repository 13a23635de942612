"""What an organization's home shows: what needs attention, the first steps, and one's projects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import g
from sqlalchemy import Row, Select, func, select, text, union_all

import access
from blueprints.gate import can
from blueprints.orgs import events
from blueprints.orgs.filters import Asked, Meant
from blueprints.paging import Page, paged
from models import (
    Invitation,
    Listed,
    MemberCount,
    Organization,
    OwnershipOffer,
    Project,
    ProjectMember,
    Role,
    User,
    db,
    tenant,
)
from models.invitation import PENDING

SHORTLIST, LATEST = 10, 5
LONG = timedelta(days=3)  # an invitation that waits longer than this needs attention


@dataclass(frozen=True)
class Overview:
    """The state of an organization, as far as its home tells it."""

    projects: list[Any]
    recent: Sequence[Any]  # the latest events, for those who may read them
    offer: Row[Any] | None  # of ownership, where one is open
    members: int
    owners: int
    invited: int
    waiting_long: int
    all_projects: int

    @property
    def has_company(self) -> bool:
        """True once somebody else is here, or was invited."""
        return self.members > 1 or self.invited > 0

    @property
    def begun(self) -> bool:
        """True once the first steps are done."""
        return self.has_company and self.all_projects > 0


def overview() -> Overview:
    """Read the state of the organization in one statement; in others the viewer's first projects, and what happened."""
    counts = (
        MemberCount.of(g.org.id),
        _count(_active_owners()),
        _count(_pending()),
        _count(_pending().where(Invitation.created_at < func.now() - LONG)),
        _count(select(Project).where(Project.organization_id == g.org.id)),
    )
    offer = OwnershipOffer.waiting().subquery()
    beside = select(*counts, offer).select_from(Organization).where(Organization.id == g.org.id)
    with tenant.planned_anew():
        row = db.session.execute(beside.outerjoin(offer, offer.c.organization_id == Organization.id)).one()
        projects = list(db.session.execute(_shortlist()).all())
    recent = events.read(Asked(), Meant(), LATEST).rows if can(access.READ_AUDIT) else []
    return Overview(projects, recent, row if row.id else None, *row[: len(counts)])


def guest_projects() -> Page:
    """Return a page of the projects on which a guest has a role."""
    return paged(_projects().where(access.visible_to(g.actor)))


def _shortlist() -> Select[*tuple[Any, ...]]:
    """The first of the viewer's projects in use: those with a row for them, and the others an index has in order."""
    named = access.named_for(g.actor)
    ours = select(Project.id).where(access.visible_to(g.actor), Project.archived_at.is_(None))
    ours = ours.order_by(Project.archived_at.is_not(None), Project.folded, Project.id).limit(SHORTLIST)
    both = (ours.where(which).subquery().select() for which in (Project.id.in_(named), Project.id.not_in(named)))
    first = union_all(*both).subquery()
    return _projects().join(first, first.c.id == Project.id).limit(SHORTLIST)


def _projects() -> Select[*tuple[Any, ...]]:
    """The viewer's projects: those with a row for them first, then by name."""
    return (
        access.visible_projects(g.actor)
        .add_columns(ProjectMember.role.is_distinct_from(access.effective_role()).label("inherited"))
        .order_by(ProjectMember.id.is_(None), Project.folded, Project.id)
    )


def _active_owners() -> Select[*tuple[Any, ...]]:
    """The Owners whose account is not closed: so many are the first by role, and the first of the index are read."""
    number = MemberCount.of(g.org.id, MemberCount.role == Role.OWNER)
    by_role = Listed.role.desc(), Listed.search_text, Listed.user_id
    owners = (
        select(Listed.user_id).where(Listed.organization_id == g.org.id).order_by(*by_role).limit(number).subquery()
    )
    return select(User).join(owners, owners.c.user_id == User.id).where(User.deactivated_at.is_(None))


def _pending() -> Select[*tuple[Any, ...]]:
    return select(Invitation).where(Invitation.organization_id == g.org.id, text(PENDING))


def _count(rows: Select[*tuple[Any, ...]]) -> Any:
    return rows.with_only_columns(func.count()).scalar_subquery()
