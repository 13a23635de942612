"""What people are told of limits: what is left, and when to try again."""

from datetime import UTC, datetime, timedelta
from typing import NoReturn

from werkzeug.exceptions import TooManyRequests

from blueprints.presentation import until
from models import limits
from models.rate_limit import Limit, Refused

_ALMOST_A_MINUTE = timedelta(seconds=59)


def too_many(refused: Refused, who: str) -> NoReturn:
    """Answer 429: the page or note that says what is limited, and when to try again.

    Args:
        refused: the limit that says no.
        who: the organization, or the address, that it may be about.
    """
    raise TooManyRequests(words(refused.limit, who, refused.left), retry_after=refused.retry_after)


def words(limit: Limit, who: str, left: int) -> str:
    """Say what is limited and what is left; nothing of a limit that only stops machines."""
    if limit is limits.INVITES_TO_ADDRESS:
        return f"{who} gets at most {limit.burst} invitations a day."
    if limit not in limits.TOLD:
        return ""
    sender = "You" if limit is limits.INVITES_OF_SENDER else who
    remain = {0: "None are left", 1: "1 is left"}.get(left, f"{left} are left")
    return f"{sender} can send {limit.burst} invitations a day. {remain}."


def try_again(seconds: int, now: datetime | None = None) -> str:
    """Say when: "Try again after 14:32 UTC (in 9 minutes)." The minute is rounded up, so that it is never too early.

    Args:
        seconds: from now.
        now: the present time, for tests.
    """
    now = now or datetime.now(UTC)
    moment = now + timedelta(seconds=seconds)
    return f"Try again after {moment + _ALMOST_A_MINUTE:%H:%M} UTC ({until(moment, now)})."
