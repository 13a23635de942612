"""Sentences that more than one answer says."""

from collections.abc import Mapping

from blueprints.limits import try_again, words
from blueprints.orgs.inviting import Outcome
from blueprints.presentation import plural
from models import Role
from models.limits import INVITES_TO_ADDRESS
from models.rate_limit import Limit


def last_owner(organization: str) -> str:
    """Say why the last Owner stays."""
    return f"{organization} needs at least one Owner. Make someone else an Owner first."


def role_changed(name: str, role: Role, revoked: int) -> str:
    """Say what changing a role did."""
    return f"Role changed to {role.label} for {name}.{_revoked(revoked)}"


def was_removed(name: str, organization: str, revoked: int) -> str:
    """Say what removing a member did."""
    return f"Removed {name} from {organization}.{_revoked(revoked)}"


def allowance(left: Mapping[Limit, int], organization: str) -> str:
    """Say what is left of the tightest limit that was begun; nothing where none was."""
    begun = [limit for limit in left if left[limit] < limit.burst]
    tightest = min(begun, key=lambda limit: left[limit], default=None)
    return words(tightest, organization, left[tightest]) if tightest else ""


def limited(outcome: Outcome) -> list[str]:
    """Say of each address that the limits stopped why, and when it can be tried again."""
    return [f"{words(INVITES_TO_ADDRESS, a.typed, 0)} {try_again(outcome.waits[a.key])}" for a in outcome.limited]


def _revoked(number: int) -> str:
    if not number:
        return ""
    return f" {plural(number, 'invitation')} they sent {'was' if number == 1 else 'were'} revoked."
