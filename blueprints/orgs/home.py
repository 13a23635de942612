"""What an organization's home shows: what needs attention, the first steps, and one's projects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
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
    MemberCount,
    Organization,
    OwnershipOffer,
    Project,
    ProjectMember,
    db,
)
from models.directory import active_owners
from models.identity import Actor
from models.invitation import PENDING

SHORTLIST, LATEST = 10, 5
LONG = timedelta(days=3)  # an invitation that waits longer than this needs attention
_HERE = access.SOMEBODY.organization_id


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
    viewer = access.told(g.actor)
    row = db.session.execute(_state(), viewer).one()
    projects = list(db.session.execute(_shortlist(), viewer).all())
    recent = events.read(Asked(), Meant(), LATEST).rows if can(access.READ_AUDIT) else []
    counts = row.members, row.owners, row.invited, row.waiting_long, row.all_projects
    return Overview(projects, recent, row if row.id else None, *counts)


def guest_projects() -> Page:
    """Return a page of the projects on which a guest has a role."""
    return paged(_projects(g.actor).where(access.visible_to(g.actor)))


@cache
def _state() -> Select[*tuple[Any, ...]]:
    """Build what reads the counts and, beside them, the open offer of ownership."""
    pending = select(Invitation).where(Invitation.organization_id == _HERE, text(PENDING))
    offer = OwnershipOffer.waiting().subquery()
    return (
        select(
            MemberCount.of(_HERE).label("members"),
            _count(active_owners(_HERE)).label("owners"),
            _count(pending).label("invited"),
            _count(pending.where(Invitation.created_at < func.now() - LONG)).label("waiting_long"),
            _count(select(Project).where(Project.organization_id == _HERE)).label("all_projects"),
            offer,
        )
        .select_from(Organization)
        .outerjoin(offer, offer.c.organization_id == Organization.id)
        .where(Organization.id == _HERE)
    )


def _count(rows: Select[*tuple[Any, ...]]) -> Any:
    return rows.with_only_columns(func.count()).scalar_subquery()


@cache
def _shortlist() -> Select[*tuple[Any, ...]]:
    """Build what reads the first projects in use: those with a row for the viewer, and others as an index has them."""
    named, seen = access.named_for(access.SOMEBODY), access.visible_to(access.SOMEBODY)
    ours = select(Project.id).where(seen, Project.archived_at.is_(None)).limit(SHORTLIST)
    ours = ours.order_by(Project.archived_at.is_not(None), Project.folded, Project.id)
    both = (ours.where(which).subquery().select() for which in (Project.id.in_(named), Project.id.not_in(named)))
    first = union_all(*both).subquery()
    return _projects(access.SOMEBODY).join(first, first.c.id == Project.id).limit(SHORTLIST)


def _projects(viewer: Actor) -> Select[*tuple[Any, ...]]:
    """Somebody's projects: those with a row for them first, then by name."""
    return (
        access.visible_projects(viewer)
        .add_columns(ProjectMember.role.is_distinct_from(access.effective_role()).label("inherited"))
        .order_by(ProjectMember.id.is_(None), Project.folded, Project.id)
    )
