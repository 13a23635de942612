"""The permission table, and the one question asked of it. A host product adds its own lines with declare()."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from models import Role
from models.identity import Actor


class Level(Enum):
    """Where a permission is held."""

    ORGANIZATION = "organization"
    PROJECT = "project"


@dataclass(frozen=True)
class Permission:
    """One thing that may be done, and the least role it takes."""

    name: str
    least: Role
    level: Level
    words: str  # completes "Who may …"
    on_archived: bool = True  # False: an archived project is read-only for it


class Denied(Exception):
    """The actor's role is too low. Carries what it would take."""

    def __init__(self, permission: Permission, least: Role | None = None, reason: str = "") -> None:
        super().__init__(reason or permission.words)
        self.permission, self.least, self.reason = permission, least or permission.least, reason


class StepNeeded(Exception):
    """The organization that it names asks everyone for two-step verification, which this person has not turned on."""


PERMISSIONS: dict[str, Permission] = {}


def declare(name: str, least: Role, level: Level, words: str, *, on_archived: bool = True) -> Permission:
    """Name a permission, once.

    Args:
        name: in capitals, as templates say it: P.NAME.
        least: the least role that holds it.
        level: on the organization, or by the effective role on a project.
        words: what it lets one do, for the Roles page and refusals.
        on_archived: False where an archived project must be restored first.

    Raises:
        ValueError: the name is taken.
    """
    if name in PERMISSIONS:
        raise ValueError(f"The permission {name} is declared twice.")
    PERMISSIONS[name] = Permission(name, least, level, words, on_archived)
    return PERMISSIONS[name]


SEE_ORGANIZATION = declare(
    "SEE_ORGANIZATION", Role.VIEWER, Level.ORGANIZATION, "see the organization, its people and its open projects"
)
SEE_PROJECT = declare("SEE_PROJECT", Role.VIEWER, Level.PROJECT, "see a project and who can use it")
USE_PROJECT = declare(
    "USE_PROJECT", Role.OPERATOR, Level.PROJECT, "use a project and change its details", on_archived=False
)
SET_PROJECT_ROLES = declare(
    "SET_PROJECT_ROLES", Role.ADMIN, Level.PROJECT, "set and remove roles on a project", on_archived=False
)
MANAGE_PROJECT = declare("MANAGE_PROJECT", Role.ADMIN, Level.PROJECT, "archive, restore, restrict and delete a project")
CREATE_PROJECT = declare("CREATE_PROJECT", Role.ADMIN, Level.ORGANIZATION, "create a project")
MANAGE_PEOPLE = declare("MANAGE_PEOPLE", Role.ADMIN, Level.ORGANIZATION, "invite people, and change or remove members")
CHANGE_ORGANIZATION = declare(
    "CHANGE_ORGANIZATION", Role.ADMIN, Level.ORGANIZATION, "rename the organization and change its address"
)
READ_AUDIT = declare("READ_AUDIT", Role.ADMIN, Level.ORGANIZATION, "read the audit log")
OWN_ORGANIZATION = declare(
    "OWN_ORGANIZATION",
    Role.OWNER,
    Level.ORGANIZATION,
    "delete and restore the organization, offer ownership, and name or change Owners",
)


def allows(actor: Actor | None, permission: Permission, subject: Any = None) -> bool:
    """Tell whether an actor may do something. What is not known is denied.

    Args:
        actor: somebody's standing in the organization.
        permission: one of the above, or a host product's own.
        subject: for a permission on a project, the project as found by project_for(), with the actor's effective
            role in `.effective` and `.archived_at`.
    """
    if actor is None:
        return False
    if permission.level is Level.ORGANIZATION:
        return actor.role is not None and actor.role >= permission.least
    role = getattr(subject, "effective", None)
    if role is None or subject.organization_id != actor.organization_id:
        return False
    return role >= permission.least and (permission.on_archived or subject.archived_at is None)


def require(actor: Actor | None, permission: Permission, subject: Any = None) -> None:
    """Raise Denied unless allows()."""
    if not allows(actor, permission, subject):
        archived = getattr(subject, "archived_at", None) is not None and not permission.on_archived
        raise Denied(permission, reason="This project is archived. Restore it first." if archived else "")
