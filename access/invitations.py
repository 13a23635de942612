"""Who may invite whom: into an organization, or as guests straight to one of its projects."""

from uuid import UUID

from access.people import confirm
from access.permissions import MANAGE_PEOPLE, SEE_PROJECT, SET_PROJECT_ROLES, Denied, allows, require
from access.projects import ProjectHere, project_for
from models import Role
from models.identity import Actor


def may_invite(actor: Actor, role: Role, effective: Role | None = None) -> bool:
    """Tell whether an actor may invite people as a role, and send such an invitation again or revoke it.

    Args:
        actor: who asks.
        role: what the invitation offers.
        effective: for guests of a project, the actor's effective role there, by which ranks are compared.
    """
    return allows(actor, MANAGE_PEOPLE) and actor.role is not None and role <= (effective or actor.role)


def grantable(actor: Actor, here: ProjectHere | None = None) -> list[Role]:
    """Return the roles that an actor may invite people as, from the least up; with a project, guests of it."""
    return [role for role in Role if may_invite(actor, role, here.effective if here else None)]


def confirm_invite(actor: Actor, role: Role, project_id: UUID | None) -> None:
    """Lock the organization, look at the project again, and ask again; the first thing in every sending.

    Raises:
        Denied: the actor may not any more; of SEE_PROJECT where the project is gone.
    """
    here = _confirmed(actor, role, project_id)
    if here:
        require(actor, SET_PROJECT_ROLES, here)


def confirm_revoke(actor: Actor, role: Role, project_id: UUID | None) -> None:
    """Do the same before an invitation is taken back, which may also be done on an archived project."""
    _confirmed(actor, role, project_id)


def _confirmed(actor: Actor, role: Role, project_id: UUID | None) -> ProjectHere | None:
    present = confirm(actor, MANAGE_PEOPLE)
    here = project_for(present, project_id, lock=True) if project_id else None
    if project_id and here is None:
        raise Denied(SEE_PROJECT)
    if role not in grantable(present, here):
        raise Denied(MANAGE_PEOPLE, role)
    return here
