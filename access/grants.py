"""Who may set which role for whom on a project; and the same questions again, under the organization's lock."""

from access.people import present_standing
from access.permissions import SEE_PROJECT, SET_PROJECT_ROLES, Denied, Permission, allows, require
from access.projects import Access, ProjectHere, access_of, project_for
from models import Role
from models.identity import Actor


def may_set(actor: Actor, here: ProjectHere, target: Access, role: Role | None) -> bool:
    """Tell whether an actor may give a person a role on a project.

    Ranks are compared by effective roles, the person's present one and the new one. A guest adds nobody. On
    oneself, nobody goes up.

    Args:
        actor: who asks, with `here` as they see it.
        here: the project.
        target: the person, from access_of().
        role: the new role; None for a row that follows the organization.
    """
    wanted = role or target.organization_role
    if wanted is None or not allows(actor, SET_PROJECT_ROLES, here) or wanted > here.effective:
        return False
    adds = target.row is None
    return target.user.id == actor.user_id or (
        _reaches(here, target) and not (adds and (actor.role is None or target.guest))
    )


def settable(actor: Actor, here: ProjectHere, target: Access) -> list[Role]:
    """Return the roles that an actor may give a person on a project, from the least up."""
    return [role for role in Role if may_set(actor, here, target, role)]


def may_unset(actor: Actor, here: ProjectHere, target: Access) -> bool:
    """Tell whether an actor may take away what is set for a person on a project; one's own, always."""
    if target.row is None:
        return False
    if target.user.id == actor.user_id:
        return True
    removes_guests = actor.role is not None and actor.role >= Role.ADMIN and target.guest
    return removes_guests or (allows(actor, SET_PROJECT_ROLES, here) and _reaches(here, target))


def confirm_on(actor: Actor, here: ProjectHere, permission: Permission) -> None:
    """Lock the organization, look at the project again, and ask again; the first thing in every change of a project.

    Raises:
        Denied: the actor may not any more; of SEE_PROJECT where the project is gone, or is there for them no more.
    """
    require(*_again(actor, here, permission))


def confirm_set(actor: Actor, here: ProjectHere, target: Access, role: Role | None) -> Access:
    """Lock the organization, look at project and person again, and ask may_set() again.

    Returns:
        The person as they are by now.

    Raises:
        Denied: as confirm_on() does; of SEE_PROJECT also where the person is gone.
    """
    present, permission, now = _again(actor, here, SET_PROJECT_ROLES)
    require(present, permission, now)
    person = _person_again(now, target)
    if not may_set(present, now, person, role):
        adds = present.role is None and person.row is None
        raise Denied(permission, _least(person, role), "Guests cannot give others a role here." if adds else "")
    return person


def confirm_unset(actor: Actor, here: ProjectHere, target: Access) -> Access:
    """Lock the organization, look at project and person again, and ask may_unset() again.

    Returns:
        The person as they are by now; without a row where somebody else took it away already.

    Raises:
        Denied: as confirm_set() does.
    """
    present, permission, now = _again(actor, here, SET_PROJECT_ROLES)
    person = _person_again(now, target)
    if person.row is None and person.user.id == present.user_id:
        return person
    if not may_unset(present, now, person):
        require(present, permission, now)
        if person.row is not None:
            raise Denied(permission, _least(person, None))
    return person


def _again(actor: Actor, here: ProjectHere, permission: Permission) -> tuple[Actor, Permission, ProjectHere]:
    """Lock the organization; return what is to be asked, with actor and project as they are by now."""
    present = present_standing(actor)
    now = project_for(present, here.id, lock=True)
    if now is None:
        raise Denied(SEE_PROJECT)
    return present, permission, now


def _person_again(here: ProjectHere, target: Access) -> Access:
    person = access_of(here, target.user.id, lock=True)
    if person is None:
        raise Denied(SEE_PROJECT)
    return person


def _least(person: Access, role: Role | None) -> Role:
    """The role that it takes to set one for a person: theirs and the new one, and at least what anybody needs."""
    return max(SET_PROJECT_ROLES.least, *(rank for rank in (person.effective, role) if rank))


def _reaches(here: ProjectHere, target: Access) -> bool:
    return target.effective is None or here.effective >= target.effective
