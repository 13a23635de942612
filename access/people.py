"""Who may change and remove whom in an organization. Nobody acts above themselves."""

from uuid import UUID

from sqlalchemy import bindparam, exists, select

from access.permissions import MANAGE_PEOPLE, Denied, Permission, require
from models import Listed, Organization, OrganizationMember, ProjectMember, Role, User, db
from models.base import direct
from models.directory import active_owners
from models.identity import Actor

_STANDING = select(OrganizationMember.role, OrganizationMember.id).where(
    OrganizationMember.organization_id == bindparam("here"), OrganizationMember.user_id == bindparam("who")
)


def may_manage(actor: Actor, member: OrganizationMember, role: Role | None = None) -> bool:
    """Tell whether an actor may give a member a role or, without one, remove them.

    The actor must reach the member's present role and the new one. On oneself: anyone may leave or step down, and
    nobody goes up.
    """
    if actor.role is None or member.organization_id != actor.organization_id:
        return False
    if member.user_id == actor.user_id:
        return role is None or role <= actor.role
    return reaches(actor, member.role) and (role is None or reaches(actor, role))


def reaches(actor: Actor, role: Role) -> bool:
    """Tell whether others who have a role are within an actor's reach, and whether the actor may give it."""
    return actor.role is not None and actor.role.may_give(role)


def is_last_owner(actor: Actor) -> bool:
    """Tell whether an actor is the only active Owner of their organization, who can neither leave nor step down."""
    if actor.role is not Role.OWNER:
        return False
    owners = active_owners(actor.organization_id).with_only_columns(User.id).limit(2)
    return db.session.scalars(owners).all() == [actor.user_id]


def confirm(actor: Actor, permission: Permission) -> Actor:
    """Lock the organization and ask again; the first thing in every change of who may do what.

    The gate asked before; but of two changes at once, the second must see what the first one did.

    Returns:
        The actor's present standing.

    Raises:
        Denied: the actor may not any more.
    """
    present = present_standing(actor)
    require(present, permission)
    return present


def confirm_manage(actor: Actor, member: OrganizationMember, role: Role | None = None) -> None:
    """Lock the organization, look at both people again, and ask may_manage() again.

    Raises:
        Denied: the actor may not, or may not any more.
        InvalidRequestError: the member is gone.
    """
    present = present_standing(actor)
    db.session.refresh(member)
    if not may_manage(present, member, role):
        raise Denied(MANAGE_PEOPLE, max(member.role, role or member.role, Role.ADMIN))


def confirm_remove(actor: Actor, member: OrganizationMember) -> bool:
    """Do the same before a member is removed, or leaves.

    Returns:
        False where somebody else removed them already.

    Raises:
        Denied: the actor may not, or may not any more.
    """
    present = present_standing(actor)
    now = db.session.get(OrganizationMember, member.id, populate_existing=True)
    if now is None:
        require(present, MANAGE_PEOPLE)
        return False
    if not may_manage(present, now):
        raise Denied(MANAGE_PEOPLE, max(now.role, Role.ADMIN))
    return True


def standing(organization_id: UUID, user_id: UUID) -> Actor | None:
    """Return what a user is in an organization now; None unless a member."""
    row = direct(_STANDING, {"here": organization_id, "who": user_id}).one_or_none()
    return Actor(user_id, organization_id, row.role, row.id) if row else None


def present_standing(actor: Actor) -> Actor:
    """Lock the organization, then see what the actor is in it by now: at worst somebody without a role."""
    Organization.lock(actor.organization_id)
    return standing(actor.organization_id, actor.user_id) or Actor(actor.user_id, actor.organization_id, None)


def visits(user_id: UUID, slug: str) -> bool:
    """Tell whether an organization exists for a user: as a member, or as a guest on one of its projects."""
    here = Organization.slug == slug, Organization.deleted_at.is_(None)
    member = select(OrganizationMember.id).join(Organization, OrganizationMember.organization_id == Organization.id)
    guest = select(ProjectMember.id).join(Organization, ProjectMember.organization_id == Organization.id)
    either = exists(member.where(OrganizationMember.user_id == user_id, *here)) | exists(
        guest.where(ProjectMember.user_id == user_id, *here)
    )
    return bool(db.session.scalar(select(either)))


def helpers(organization_id: UUID, least: Role) -> list[str]:
    """Return the names of up to five people who can give a role there, the highest rank first, each by name."""
    return list(
        db.session.scalars(
            select(User.name)
            .join(Listed, Listed.user_id == User.id)
            .where(
                Listed.organization_id == organization_id,
                Listed.role >= max(least, Role.ADMIN),
                User.deactivated_at.is_(None),
            )
            .order_by(Listed.role.desc(), Listed.search_text, Listed.user_id)
            .limit(5)
        )
    )
