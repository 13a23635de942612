"""The invitations that wait for an answer, each with the state of its mail."""

from typing import Any

from flask import g, url_for
from sqlalchemy import Row, func, select, text

import access
from blueprints.orgs import listing
from blueprints.paging import Page
from config import settings
from models import Invitation, OrganizationMember, OutgoingMail, Project, ProjectMember, User
from models.invitation import PENDING


def read() -> Page:
    """Read a page of them, newest first, in one statement; `effective` is the actor's role where each leads."""
    waiting = Invitation.organization_id == g.org.id, text(PENDING)
    on_project = ProjectMember.project_id == Invitation.project_id
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
            Project.name.label("project"),
            Project.archived_at,
            access.effective_role(),
            OutgoingMail.state.label("mail"),
            OutgoingMail.sent_at,
            OutgoingMail.last_error,
        )
        .join(User, User.id == Invitation.invited_by)
        .outerjoin(OutgoingMail, (OutgoingMail.subject_id == Invitation.id) & (OutgoingMail.message == "invitation"))
        .outerjoin(Project, Project.id == Invitation.project_id)
        .outerjoin(OrganizationMember, OrganizationMember.id == g.actor.member_id)
        .outerjoin(ProjectMember, on_project & (ProjectMember.user_id == g.actor.user_id))
        .where(*waiting)
    )
    total = select(func.count()).select_from(Invitation).where(*waiting).scalar_subquery()
    number = listing.page_number(listing.shown().get("page", ""))
    return listing.read(rows, lambda columns: [columns.id.desc()], number, total=total)[0]


def shown(page: Page) -> dict[str, Any]:
    """Return what the list is shown with."""
    return {"found": page, "may_act": _may_act, "at": _at, "mailless": settings().mailless}


def _may_act(row: Row[Any]) -> bool:
    return access.may_invite(g.actor, row.role, row.effective)


def _at(page: int) -> str:
    return url_for("orgs.invitations.index", page=page if page > 1 else None)
