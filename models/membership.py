"""What changing or ending a membership means: for the member's projects, and for the invitations they sent.

These verbs span organization, project and invitation, so they stand apart from each.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, literal, select, text

from models import audit
from models.audit.actions import MEMBER_LEFT, MEMBER_REMOVED, MEMBER_ROLE_CHANGED, Action
from models.base import db
from models.invitation import PENDING, Invitation, State
from models.organization import OrganizationMember
from models.project import Project, ProjectMember
from models.role import Role
from models.user import User


class Losses(NamedTuple):
    """What ends with a change, in numbers."""

    project_roles: int
    invitations_sent: int
    projects: int


def change_role(member: OrganizationMember, role: Role) -> int:
    """Give a member another role. Pending invitations that they sent and could not send any more are revoked.

    Returns:
        How many invitations were revoked.

    Raises:
        LastOwner: by the surrounding transaction.
    """
    before = member.role
    member.role, member.version = role, member.version + 1
    revoked = _revoke_sent(member, role)
    if role is not before:
        _note(MEMBER_ROLE_CHANGED, member, before, {"role": role.name, "invitations_revoked": revoked})
    return revoked


def remove(member: OrganizationMember) -> int:
    """End a membership, and with it the person's project rows, the invitations they sent, and those to them.

    Returns:
        How many invitations were revoked.

    Raises:
        LastOwner: by the surrounding transaction.
    """
    ended = _revoke_sent(member, None)
    email_key = select(User.email_key).where(User.id == member.user_id).scalar_subquery()
    to_them = Invitation.organization_id == member.organization_id, Invitation.email_key == email_key
    to_them_ended = len(Invitation.end_all(State.REVOKED, *to_them, Invitation.project_id.is_not(None)))
    project_roles, memberships = (_end(of, member) for of in (ProjectMember, OrganizationMember))
    if memberships:
        known = audit.asking()
        action = MEMBER_LEFT if known and known.user_id == member.user_id else MEMBER_REMOVED
        ends = {"project_roles_ended": project_roles, "invitations_revoked": ended + to_them_ended}
        _note(action, member, member.role, ends)
    return ended


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


def losses(member: OrganizationMember, role: Role | None) -> Losses:
    """Say beforehand what changing to a role (or with None, removing) would end."""
    here = ProjectMember.organization_id == member.organization_id
    project_roles = select(func.count()).where(here, ProjectMember.user_id == member.user_id)
    sent = select(func.count()).where(_sent_above(member, role))
    projects = select(func.count()).select_from(Project).where(Project.organization_id == member.organization_id)
    row = db.session.execute(
        select(
            project_roles.scalar_subquery() if role is None else literal(0),
            sent.scalar_subquery(),
            projects.scalar_subquery(),
        )
    ).one()
    return Losses(*row)


def _end(of: type[ProjectMember] | type[OrganizationMember], member: OrganizationMember) -> int:
    """Delete what a person has here; return how many rows that was."""
    theirs = of.organization_id == member.organization_id, of.user_id == member.user_id
    return len(db.session.scalars(delete(of).where(*theirs).returning(of.id)).all())


def _note(action: Action, member: OrganizationMember, was: Role, after: audit.Facts) -> None:
    before, here = {"role": was.name}, member.organization_id
    audit.note(action, organization_id=here, subject=member.user_id, before=before, after=after)


def _revoke_sent(member: OrganizationMember, role: Role | None) -> int:
    return len(Invitation.end_all(State.REVOKED, _sent_above(member, role)))


def _sent_above(member: OrganizationMember, role: Role | None) -> ColumnElement[bool]:
    """Pending invitations that this member sent and, with that role, could not have sent."""
    kept = [given for given in Role if role is not None and role.may_give(given)]
    return and_(
        Invitation.organization_id == member.organization_id,
        Invitation.invited_by == member.user_id,
        Invitation.role.not_in(kept),
        text(PENDING),
    )
