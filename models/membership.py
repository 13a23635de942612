"""What changing or ending a membership means: for the member's projects, and for the invitations they sent.

These verbs span organization, project and invitation, so they stand apart from each. What they would end can be asked
beforehand (access/previews.py), by the conditions that are here.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, select, text

from models import audit
from models.audit.actions import MEMBER_LEFT, MEMBER_REMOVED, MEMBER_ROLE_CHANGED, Action
from models.base import db
from models.invitation import PENDING, Invitation, State
from models.organization import OrganizationMember
from models.project import Project, ProjectMember
from models.role import Role
from models.user import User


class Ended(NamedTuple):
    """When a membership changed or ended, and what ended with it, in numbers."""

    at: datetime
    project_roles: int = 0
    invitations_sent: int = 0
    invitations_to_them: int = 0


def change_role(member: OrganizationMember, role: Role, by: UUID | None) -> Ended:
    """Give a member another role. Pending invitations that they sent and could not send any more are revoked.

    Args:
        member: who.
        role: the new role.
        by: who gives it; None for the host.

    Returns:
        What ended.

    Raises:
        LastOwner: by the surrounding transaction.
    """
    before = member.role
    member.role, member.version = role, member.version + 1
    member.granted_by, member.granted_at = by, func.now()
    db.session.flush()
    sent = Invitation.end_all(State.REVOKED, sent_above(member, role))
    if role is not before:
        _note(MEMBER_ROLE_CHANGED, member, before, {"role": role.name, "invitations_revoked": len(sent)})
    return Ended(member.granted_at, invitations_sent=len(sent))


def remove(member: OrganizationMember) -> Ended:
    """End a membership, and with it the person's project rows, the invitations they sent, and those to them.

    Returns:
        What ended.

    Raises:
        LastOwner: by the surrounding transaction.
    """
    sent = Invitation.end_all(State.REVOKED, sent_above(member, None))
    to_them = Invitation.end_all(State.REVOKED, to_projects(member))
    rows = ProjectMember.organization_id == member.organization_id, ProjectMember.user_id == member.user_id
    roles = db.session.scalars(delete(ProjectMember).where(*rows).returning(ProjectMember.id)).all()
    ending = delete(OrganizationMember).where(OrganizationMember.id == member.id).returning(func.now())
    known = audit.asking()
    action = MEMBER_LEFT if known and known.user_id == member.user_id else MEMBER_REMOVED
    ends = {"project_roles_ended": len(roles), "invitations_revoked": len(sent) + len(to_them)}
    _note(action, member, member.role, ends)
    return Ended(db.session.scalars(ending).one(), len(roles), len(sent), len(to_them))


def raise_on_project(project: Project, user_id: UUID, role: Role, by: UUID) -> None:
    """Give a person at least a role on a project; the organization is locked. Who accepts an invitation notes it.

    Who has as much there already, by a row or by the organization, keeps what they have and is given no row for it.
    """
    here = OrganizationMember.organization_id == project.organization_id
    of_member = db.session.scalar(select(OrganizationMember.role).where(here, OrganizationMember.user_id == user_id))
    row = project.row_of(user_id)
    by_row = (row.role or of_member) if row else None
    counts = not project.restricted or (of_member is not None and of_member >= Role.ADMIN)
    by_organization = of_member if counts else None
    if all(present is None or present < role for present in (by_row, by_organization)):
        project.put_row(user_id, role, by)


def sent_above(member: OrganizationMember, role: Role | None) -> ColumnElement[bool]:
    """Pending invitations that this member sent and, with that role (or with None, as no member), could not send."""
    kept = [given for given in Role if role is not None and role.may_give(given)]
    return and_(
        Invitation.organization_id == member.organization_id,
        Invitation.invited_by == member.user_id,
        Invitation.role.not_in(kept),
        text(PENDING),
    )


def to_projects(member: OrganizationMember) -> ColumnElement[bool]:
    """Pending invitations of this member to projects of the organization."""
    email_key = select(User.email_key).where(User.id == member.user_id).scalar_subquery()
    return and_(
        Invitation.organization_id == member.organization_id,
        Invitation.project_id.is_not(None),
        Invitation.email_key == email_key,
        text(PENDING),
    )


def _note(action: Action, member: OrganizationMember, was: Role, after: audit.Facts) -> None:
    before, here = {"role": was.name}, member.organization_id
    audit.note(action, organization_id=here, subject=member.user_id, before=before, after=after)
