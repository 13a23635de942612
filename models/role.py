"""The four roles, the same on organizations and on projects."""

from enum import Enum
from functools import total_ordering


@total_ordering
class Role(Enum):
    """A rank, from the least to the greatest. Posted and stored by name; Postgres orders its enum the same way."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3
    OWNER = 4

    def __lt__(self, other: "Role") -> bool:
        return self.value < other.value

    @property
    def label(self) -> str:
        """The role's name as people read it."""
        return self.name.capitalize()

    @property
    def article(self) -> str:
        """The label with its article: "an Admin", "a Viewer"."""
        return f"{'an' if self.name[0] in 'AO' else 'a'} {self.label}"

    @property
    def description(self) -> str:
        """One line on what the role means; the same text wherever a role is chosen (UX.md 1.10)."""
        return DESCRIPTIONS[self]

    @property
    def and_below(self) -> list["Role"]:
        """This role and every lesser one, from the least up: what its holder may give."""
        return [role for role in Role if role <= self]

    def may_give(self, role: "Role") -> bool:
        """True if the holder of this role in an organization may invite somebody as `role`, or make them that."""
        return self >= Role.ADMIN and self >= role


DESCRIPTIONS = {
    Role.VIEWER: "sees projects and people. Cannot change anything.",
    Role.OPERATOR: "runs and changes work in projects. Cannot manage people.",
    Role.ADMIN: "invites people, changes roles, manages projects. Cannot delete the organization.",
    Role.OWNER: "everything, including deleting the organization and naming other Owners.",
}
