"""Sentences that more than one answer says."""

from blueprints.presentation import plural
from models import Role


def last_owner(organization: str) -> str:
    """Say why the last Owner stays."""
    return f"{organization} needs at least one Owner. Make someone else an Owner first."


def role_changed(name: str, role: Role, revoked: int) -> str:
    """Say what changing a role did."""
    return f"Role changed to {role.label} for {name}.{_revoked(revoked)}"


def was_removed(name: str, organization: str, revoked: int) -> str:
    """Say what removing a member did."""
    return f"Removed {name} from {organization}.{_revoked(revoked)}"


def _revoked(number: int) -> str:
    if not number:
        return ""
    return f" {plural(number, 'invitation')} they sent {'was' if number == 1 else 'were'} revoked."
