"""The limits of the product: what is counted, for whom, how many and why that many."""

from datetime import timedelta
from uuid import UUID

from models.rate_limit import Claim, Limit

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)

# Two hundred is one full form, and what UX.md 1.10 promises. An organization may have several who invite, and is
# where GitHub stops too. Five a day is an invitation, a second one, and a few who did not know of each other; more is
# mail that nobody asked for. Nobody presses a button every other second for a minute.
INVITES_OF_SENDER = Limit("invitations by a sender", 200, DAY)
INVITES_OF_ORGANIZATION = Limit("invitations by an organization", 500, DAY)
INVITES_TO_ADDRESS = Limit("invitations to an address", 5, DAY)
INVITING_AT_ONCE = Limit("inviting at once", 30, MINUTE)

TOLD = (INVITES_OF_SENDER, INVITES_OF_ORGANIZATION)  # what is left of these is shown beside the form


def at_once(sender_id: UUID) -> Claim:
    """One press of a button that invites."""
    return Claim(INVITING_AT_ONCE, sender_id)


def inviting(sender_id: UUID, organization_id: UUID, n: int = 1) -> list[Claim]:
    """N invitations, or fresh links, by one sender in the name of one organization."""
    return [Claim(INVITES_OF_SENDER, sender_id, n), Claim(INVITES_OF_ORGANIZATION, organization_id, n)]


def invited(email_key: str) -> Claim:
    """One mail to an address, whoever invites it."""
    return Claim(INVITES_TO_ADDRESS, email_key)
