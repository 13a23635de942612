"""Sentences that more than one answer says."""

from collections.abc import Mapping

from access import Lowering
from blueprints.limits import try_again, words
from blueprints.orgs.inviting import Outcome
from blueprints.presentation import counted, plural
from blueprints.receipts import receipt
from models import Role
from models.limits import INVITES_TO_ADDRESS
from models.membership import Ended
from models.rate_limit import Limit


def last_owner(organization: str) -> str:
    """Say why the last Owner stays."""
    return f"{organization} needs at least one Owner. Make someone else an Owner first."


def role_changed(name: str, role: Role, ended: Ended | None) -> str:
    """Say what changing a role did; None where somebody else had done it."""
    if ended is None:
        return f"{name} is already {role.article}."
    return receipt(f"Role changed to {role.label} for {name}", ended.at, *_ended(ended, "they"))


def was_removed(name: str, organization: str, ended: Ended | None) -> str:
    """Say what removing a member did; None where somebody else had done it."""
    if ended is None:
        return f"{name} was already removed from {organization}."
    return receipt(f"Removed {name} from {organization}", ended.at, *_ended(ended, "they"))


def several(did: str, ends: list[Ended], others: int) -> str:
    """Say what acting on several members did, and how many were left alone."""
    left = f" {plural(others, 'person', 'people')} stayed as they were." if others else ""
    if not ends:
        return f"Nobody was changed.{left}"
    total = Ended(max(e.at for e in ends), *(sum(numbers) for numbers in zip(*(e[1:] for e in ends), strict=True)))
    return receipt(f"{did} {plural(len(ends), 'person', 'people')}", total.at, *_ended(total, "they")) + left


def has_left(organization: str, ended: Ended) -> str:
    """Say what leaving did."""
    return receipt(f"You left {organization}", ended.at, *_ended(ended, "you"))


def lowers(lowering: Lowering, *, you: bool) -> str:
    """Say what another role would end for a member, or for oneself."""
    who, parts = ("you" if you else "they"), []
    if lowering.lost.number:
        parts.append(f"{who.capitalize()} can no longer use {counted(lowering.lost, 'project')}.")
    if lowering.lowered.number:
        parts.append(f"{who.capitalize()} can do less on {counted(lowering.lowered, 'project')}.")
    if lowering.invitations.number:
        verb = "is" if lowering.invitations.number == 1 else "are"
        parts.append(f"{counted(lowering.invitations, 'pending invitation')} {who} sent {verb} revoked.")
    return " ".join(parts)


def allowance(left: Mapping[Limit, int], organization: str) -> str:
    """Say what is left of the tightest limit that was begun; nothing where none was."""
    begun = [limit for limit in left if left[limit] < limit.burst]
    tightest = min(begun, key=lambda limit: left[limit], default=None)
    return words(tightest, organization, left[tightest]) if tightest else ""


def limited(outcome: Outcome) -> list[str]:
    """Say of each address that the limits stopped why, and when it can be tried again."""
    return [f"{words(INVITES_TO_ADDRESS, a.typed, 0)} {try_again(outcome.waits[a.key])}" for a in outcome.limited]


def _ended(ended: Ended, who: str) -> list[tuple[int, str, str]]:
    whom = "them" if who == "they" else who
    return [
        (ended.project_roles, "project role", "project roles"),
        (ended.invitations_sent, f"invitation {who} sent", f"invitations {who} sent"),
        (ended.invitations_to_them, f"invitation of {whom} to a project", f"invitations of {whom} to projects"),
    ]
