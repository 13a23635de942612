"""Who may hear of which change, while a page of theirs is open (DESIGN.md section 7).

A topic takes the permission to see what it is about. It is asked when the change is told, not when the page was opened.
"""

from collections.abc import Iterator, Mapping
from uuid import UUID

from access.permissions import (
    MANAGE_PEOPLE,
    OWN_ORGANIZATION,
    READ_AUDIT,
    SEE_ORGANIZATION,
    SEE_PROJECT,
    Level,
    Permission,
    allows,
)
from models import Role
from models.identity import Actor
from models.live import Notice

Roles = Mapping[tuple[UUID, UUID], Role]  # of a project and a person

TOPICS: dict[str, Permission | None] = {}  # None: whoever is inside, guests as well

RIGHTS = "rights"  # what the page's own person may do
ORGANIZATIONS = "organizations"  # which organizations they are in, and which invite them
RESYNC = "resync"  # anything: some changes may have been missed


def declare_topic(name: str, permission: Permission | None) -> str:
    """Name a topic, once, and return its name.

    Args:
        name: what a region of a page says that it hears; "deployments" hears of every project, and
            "deployments.<project_id>" of one, where the permission is one on projects.
        permission: what it takes to see what the topic is about.

    Raises:
        ValueError: the name is taken.
    """
    if name in TOPICS:
        raise ValueError(f"The topic {name} is declared twice.")
    TOPICS[name] = permission
    return name


MEMBERS = declare_topic("members", SEE_ORGANIZATION)
INVITATIONS = declare_topic("invitations", MANAGE_PEOPLE)
PROJECTS = declare_topic("projects", SEE_PROJECT)  # what projects there are, and what they say of themselves
ACCESS = declare_topic("access", SEE_PROJECT)  # who can use a project
ORGANIZATION = declare_topic("organization", None)
OWNERSHIP = declare_topic("ownership", OWN_ORGANIZATION)
AUDIT = declare_topic("audit", READ_AUDIT)


def heard_outside(notice: Notice, user_id: UUID) -> Iterator[str]:
    """Say of what a person's pages outside of every organization hear: of what concerns themselves."""
    if user_id not in notice.people:
        return
    if notice.organization_id is None:
        yield notice.topic
    elif notice.rights:
        yield ORGANIZATIONS


def heard_inside(notice: Notice, actor: Actor, roles: Roles) -> Iterator[str]:
    """Say of what a person's pages of an organization hear.

    Args:
        notice: of this organization, or of what concerns people alone.
        actor: what the person is there now.
        roles: as roles_on() finds them, for the notice's project and the actor.
    """
    concerned = actor.user_id in notice.people
    if concerned and notice.rights:
        yield RIGHTS
    if concerned or (notice.organization_id is not None and _may_hear(notice, actor, roles)):
        yield f"{notice.topic}.{notice.project_id}" if notice.project_id else notice.topic


def _may_hear(notice: Notice, actor: Actor, roles: Roles) -> bool:
    if notice.topic not in TOPICS:
        return False
    permission = TOPICS[notice.topic]
    if permission is None or permission.level is Level.ORGANIZATION:
        return permission is None or allows(actor, permission)
    role = roles.get((notice.project_id, actor.user_id)) if notice.project_id else None
    if role is not None:
        return role >= permission.least
    # Who saw the project before the change, or sees all of them: one that is gone is in no list.
    return permission is SEE_PROJECT and actor.role is not None and (notice.open or actor.role >= Role.ADMIN)
