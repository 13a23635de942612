"""What people are told of limits: what is left, and when to try again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from flask import Response, after_this_request
from werkzeug.exceptions import TooManyRequests

from blueprints.forms import OurForm
from blueprints.looks import clock
from blueprints.presentation import until
from models import limits
from models.rate_limit import Claim, Limit, Refused, take_all

_ALMOST_A_MINUTE = timedelta(seconds=59)


def within(form: OurForm, claims: Sequence[Claim]) -> bool:
    """Take what a form costs, before what is costly is done; or hold() it."""
    taken = take_all(claims)
    if isinstance(taken, Refused):
        hold(form, taken)
    return not isinstance(taken, Refused)


def hold(form: OurForm, refused: Refused) -> None:
    """Say above a form when it can be tried again; its view shows it with what was typed, and the answer is a 429."""
    form.refuse("", f"Too many attempts. {try_again(refused.retry_after)}")

    @after_this_request
    def too_early(response: Response) -> Response:
        response.status_code, response.headers["Retry-After"] = 429, str(refused.retry_after)
        return response


def stop_beyond(claims: Sequence[Claim], who: str) -> None:
    """The same for a button, which has no form to show: the page of too_many()."""
    taken = take_all(claims)
    if isinstance(taken, Refused):
        too_many(taken, who)


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
    return f"Try again after {clock(moment + _ALMOST_A_MINUTE)} ({until(moment, now)})."
