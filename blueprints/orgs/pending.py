"""The invitations that wait for an answer, each with the state of its mail."""

from typing import Any

from flask import g, url_for
from sqlalchemy import ColumnElement, Select, TextClause, func, select, text

import access
from blueprints.orgs import listing
from blueprints.orgs.forms import PendingFilter
from blueprints.paging import Keys, Page
from config import settings
from models import Invitation, OrganizationMember, OutgoingMail, Project, ProjectMember, Role, User
from models.invitation import PENDING

EXPIRED = Invitation.expires_at <= func.now()
_MAIL = (OutgoingMail.subject_id == Invitation.id) & (OutgoingMail.message == "invitation")
_WHICH = {"waiting": ~EXPIRED, "expired": EXPIRED, "undelivered": OutgoingMail.state == "failed"}


def read() -> Page:
    """Read a page of those that are asked for, newest first, in one statement.

    A row's `effective` is the actor's role where it leads.
    """
    columns = (
        Invitation.id,
        Invitation.email,
        Invitation.email_key,
        Invitation.role,
        Invitation.created_at,
        Invitation.expires_at,
        EXPIRED.label("expired"),
        User.name.label("inviter"),
        Project.name.label("project"),
        Project.archived_at,
        access.effective_role(),
        OutgoingMail.state.label("mail"),
        OutgoingMail.sent_at,
        OutgoingMail.last_error,
    )
    which = [_WHICH[show]] if (show := asked()) else []
    rows = with_role(select(*columns)).join(User, User.id == Invitation.invited_by).outerjoin(OutgoingMail, _MAIL)
    total = select(func.count()).select_from(Invitation).outerjoin(OutgoingMail, _MAIL).where(*_waiting(), *which)
    number = listing.page_number(listing.shown().get("page", ""))
    keys = Keys(rows.where(*which), lambda columns: [columns.id.desc()], select, total.scalar_subquery())
    return listing.statement(keys).read(number)[0]


def with_role(columns: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Select of the invitations that wait, joined as access.effective_role() wants it for the actor."""
    on_project = ProjectMember.project_id == Invitation.project_id
    return (
        columns.select_from(Invitation)
        .outerjoin(Project, Project.id == Invitation.project_id)
        .outerjoin(OrganizationMember, OrganizationMember.id == g.actor.member_id)
        .outerjoin(ProjectMember, on_project & (ProjectMember.user_id == g.actor.user_id))
        .where(*_waiting())
    )


def asked() -> str:
    """Return which ones the browser shows: a name of PendingFilter's, "" for all."""
    show = listing.shown().get("show", "")
    return show if show in _WHICH else ""


def shown(page: Page) -> dict[str, Any]:
    """Return what the list is shown with."""
    show = asked()
    return {
        "found": page,
        "show": show,
        "filter": PendingFilter(data={"show": show}),
        "may_act": lambda row: may_act(row.role, row.effective),
        "at": lambda number: url_for("orgs.invitations.index", show=show or None, page=number if number > 1 else None),
        "mailless": settings().mailless,
    }


def may_act(role: Role, effective: Role | None) -> bool:
    """Tell whether the actor may send an invitation again or revoke it."""
    return access.may_invite(g.actor, role, effective)


def _waiting() -> tuple[ColumnElement[bool], TextClause]:
    return Invitation.organization_id == g.org.id, text(PENDING)
