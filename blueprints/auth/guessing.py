"""Trying to log in: how often, and how whoever owns the account comes in while others guess at it.

What is counted is the address that was typed. Whether an account uses it shows nowhere, neither in the answer nor in
the work, also where the answer is that it was tried too often.
"""

from collections.abc import Sequence
from uuid import UUID

from flask import g, request

from blueprints.auth.forms import LogInForm
from blueprints.limits import hold
from config import UNLOCK_LIFE
from models import OneTimeToken, OutgoingMail, User, audit, limits, transaction
from models.rate_limit import Claim, Refused, Taken, take, take_all
from models.text import Address
from models.token import UNLOCK
from runtime import metrics


def let_try(form: LogInForm, browser_id: UUID | None) -> Sequence[Claim]:
    """Take one try from every limit, before the password is looked at; or hold the form.

    Args:
        form: with the address that was typed.
        browser_id: this browser, if the account of that address knows it. Then what others used up does not stop it: it
            has tries of its own, a few, so that a stolen cookie is no free pass.

    Returns:
        What a success gives back; nothing, if there is no try left.
    """
    counted = limits.trying(form.email.address.key, request.remote_addr)
    taken = take_all(counted)
    if isinstance(taken, Taken):
        return counted[:1]
    own = limits.trying_where_known(browser_id) if browser_id else None
    if own and isinstance(take_all([own]), Taken):
        return [own]
    if taken.limit is limits.TRIES_OF_ACCOUNT:
        _tell(form.email.address)
    hold(form, taken)
    metrics.LOG_INS.labels(metrics.LIMITED).inc()
    return []


def refused() -> None:
    """Count a wrong password, code or passkey; whoever is logged in only confirms by it who they are."""
    audit.count_refusal(audit.LOG_IN)
    if g.identity is None:
        metrics.LOG_INS.labels(metrics.REFUSED).inc()


def _tell(address: Address) -> None:
    """Mail the owner, once a day, a link by which another browser may try. An address of nobody costs the same."""
    told = limits.telling(address.key)
    if not isinstance(take(told.limit, told.subject), Refused):
        with transaction():
            token = OneTimeToken.issue(UNLOCK, User.id_by_email(address), UNLOCK_LIFE)
            OutgoingMail.queue("log_in_stopped", token.id)
