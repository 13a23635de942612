"""The second step of logging in."""

from collections.abc import Callable
from typing import Any

from flask import g, render_template, request, url_for

from blueprints import browsers
from blueprints.auth.admission import asked, forget
from blueprints.auth.blueprint import bp
from blueprints.auth.ceremony import to_log_in
from blueprints.auth.forms import SecondStepForm
from blueprints.auth.guessing import refused
from blueprints.auth.onward import onward, wanted
from blueprints.forms import OurForm
from blueprints.fragments import leave
from blueprints.gate import log_in, public
from blueprints.limits import within
from blueprints.once import once
from models import KnownBrowser, OneTimeToken, SecondFactor, User, limits, transaction
from models.rate_limit import give_back
from runtime import metrics

WRONG = "The code is not right. Each works once, and an app shows a new one every 30 seconds."


@bp.route("/login/2fa", methods=["GET", "POST"])
@public
def second_step() -> Any:
    """Take a code of the authenticator app, or a recovery code, from who gave the right password before."""
    target, waits = wanted(), asked()
    if g.identity:
        return leave(onward(target))
    if waits is None:
        return leave(url_for(".login", next=target, why="step"))
    permit, user = waits
    form = SecondStepForm()
    if form.accepted() and _proven(form, permit, user, onward(target)):
        log_in(user)
        return forget(leave(onward(target)))
    page = render_template(
        "auth/second_step.html",
        form=form,
        target=target,
        recovery=bool(request.args.get("recovery")),
        passkey=to_log_in(),
    )
    return page, 422 if form.errors else 200


def _proven(form: SecondStepForm, permit: OneTimeToken, user: User, to: str) -> bool:
    """Take the code and the permission, if the code is right: both work once."""

    def admitted() -> bool:
        used = permit.use()
        if used:
            once(to)
        if used and form.remember.data:
            KnownBrowser.remember(user, browsers.keep(), request.remote_addr, request.user_agent.string[:300])
        return used

    return spent(form, user, admitted)


def spent(form: OurForm, user: User, then: Callable[[], bool] = lambda: True) -> bool:
    """Take one try from the limits, and the `code` of a form if it is right; a wrong one is refused at its field.

    Args:
        form: what was typed.
        user: whose app, or whose recovery codes.
        then: what else is done in the same transaction; False takes the code for a wrong one.
    """
    tries = limits.stepping(user.id)
    if not within(form, tries):
        if g.identity is None:
            metrics.LOG_INS.labels(metrics.LIMITED).inc()
        return False
    with transaction():
        factor = SecondFactor.of(user.id)
        right = factor is not None and factor.spend(form["code"].data or "") and then()
    if right:
        give_back(tries)
    else:
        refused()
        form.refuse("code", WRONG)
    return right
