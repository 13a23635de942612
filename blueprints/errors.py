"""What a refusal or a fault looks like: the same words as a page, and as a note for a fragment."""

import logging
from typing import Any

import psycopg
from flask import Flask, g, render_template, request, url_for
from sqlalchemy.exc import DBAPIError, InvalidRequestError, NoResultFound, TimeoutError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, InternalServerError, TooManyRequests

import access
from access import Denied, StepNeeded
from blueprints import csrf, once
from blueprints.fragments import TOASTS, is_fragment, note, path_of
from blueprints.gate import safe_path
from blueprints.headers import request_id
from blueprints.limits import try_again
from models import audit, db, transaction
from models.audit.actions import ACCESS_REFUSED
from models.password import Busy

log = logging.getLogger("freehold.fault")

RETRY_AFTER = "5"  # seconds; recovery from a restarted database takes less (PROMISES.md P20)
# We are busy, no connection was free, the database is gone, or it only reads.
AWAY: tuple[type[Exception], ...] = (
    Busy,
    TimeoutError,
    psycopg.OperationalError,
    psycopg.errors.ReadOnlySqlTransaction,
)
SHOWN = {400, 403, 404, 405, 408, 409, 410, 413, 414, 415, 422, 429, 431}


def init_app(app: Flask) -> None:
    """Answer every error in our own words."""
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Denied, denied)
    app.register_error_handler(StepNeeded, step_needed)
    app.register_error_handler(DBAPIError, database_error)
    for error in AWAY:
        app.register_error_handler(error, unavailable)
    app.register_error_handler(InvalidRequestError, gone)
    app.register_error_handler(StaleDataError, gone)
    app.register_error_handler(InternalServerError, fault)
    app.log_exception = log_fault  # type: ignore[method-assign]


def http_error(error: HTTPException) -> Any:
    """A status that the application or Werkzeug chose; a redirect is one too."""
    code = error.code or 500
    if code < 400:
        return error
    if code == 422:
        return stale()
    if isinstance(error, TooManyRequests) and isinstance(error.retry_after, int):
        return too_many(error, error.retry_after), 429, _kept(error)
    answer = _refuse(code if code in SHOWN else 404 if code < 500 else code)
    return answer, code, _kept(error)


def too_many(error: TooManyRequests, seconds: int) -> Any:
    """What is limited, where that is told, and when to try again; the page leads back to the one before."""
    told = error.description if error.description != TooManyRequests.description else ""
    back = safe_path(path_of(request.referrer or "").partition("?")[0])
    text = f"{told} {try_again(seconds)} Nothing was lost.".strip()
    return _refuse(429, text=text, actions=[("Back", back)] if back else None)


def denied(error: Denied) -> Any:
    """The actor's role is too low; a person without any role there is not told that there is something."""
    if g.actor is None:
        return _refuse(404), 404
    if not once.taken_before():  # its own success may be why it is refused now
        _note(error)
    if error.permission is access.SEE_PROJECT:
        return _refuse(404), 404
    if g.actor.role is None and error.permission.level is access.Level.ORGANIZATION:
        return _refuse(404), 404
    text, home = error.reason or _who_can_help(error), (f"Back to {g.org.name}", url_for("orgs.home"))
    return _refuse(403, text=text, actions=[home]), 403


def step_needed(error: StepNeeded) -> Any:
    """The organization lets nobody in without two-step verification: that, and the way to it."""
    text = f"{error} asks everyone for it. Nothing was lost: once it is on, you get in as before."
    g.org = g.actor = g.slug = None  # the page stands outside of it, with none of its tabs, links and live updates
    ways = [("Turn on two-step verification", url_for("auth.two_step")), ("My organizations", url_for("orgs.index"))]
    return _refuse(403, text=text, actions=ways, heading="Turn on two-step verification first"), 403


def stale() -> Any:
    """A button whose page was open for too long: the same button again, with a fresh token and what was posted."""
    kept = once.posted()
    if is_fragment():
        return note("errors/_stale.html", 422, kept=kept, message=csrf.STALE)
    return render_template("errors/stale.html", kept=kept, message=csrf.STALE), 422


def gone(error: InvalidRequestError | StaleDataError) -> Any:
    """What the gate found was removed by somebody else before this got its turn; or the database hangs up on us."""
    if _is_away(error):
        return unavailable(error)
    if "refresh" not in str(error) and not isinstance(error, NoResultFound | StaleDataError):
        raise error
    db.session.rollback()
    return _refuse(404), 404


def database_error(error: DBAPIError) -> Any:
    """The database is away, too slow, or was given something that it cannot hold."""
    db.session.rollback()
    if isinstance(error.orig, psycopg.DataError):
        return _refuse(400), 400
    if _is_away(error):
        return unavailable(error)
    raise error


def unavailable(_error: Exception) -> Any:
    """We cannot answer now, and say when to try again. Needs neither session nor database."""
    headers = {"Retry-After": RETRY_AFTER}
    if is_fragment():
        answer = note("errors/_note.html", 503, target=TOASTS, code=503)
        answer.headers.update(headers)
        return answer
    return render_template("errors/503.html"), 503, headers


def fault(error: InternalServerError) -> Any:
    """A fault of ours: a reference for the log, and nothing about what happened."""
    if _is_away(error.original_exception):
        return unavailable(error)
    reference = request_id()
    if is_fragment():
        return note("errors/_note.html", 500, target=TOASTS, code=500, reference=reference)
    return render_template("errors/500.html", reference=reference, not_saved=True), 500


def _is_away(error: BaseException | None) -> bool:
    """Tell whether the database is away.

    It may hang up in the midst of a statement, which the driver says in several ways; of one that hangs up on each new
    connection, the pool says only that.
    """
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    hangs_up = isinstance(error, InvalidRequestError) and str(error) == "This connection is closed"
    return lost or hangs_up or isinstance(getattr(error, "orig", error), AWAY)


def log_fault(exc_info: Any) -> None:
    """Log what went wrong, with the request's id. Flask's own line would have the path, and so a link's token."""
    log.error("A request could not be answered.", exc_info=exc_info)


def _refuse(code: int, text: str = "", actions: list[tuple[str, str]] | None = None, heading: str = "") -> Any:
    if is_fragment():
        return note("errors/_note.html", code, code=code, text=text, heading=heading)
    return render_template("errors/page.html", code=code, text=text, actions=actions, heading=heading)


def _note(error: Denied) -> None:
    """Record what somebody who belongs here tried; whatever else their request did is undone by now.

    Not a membership's id: a removal done twice finds none, and what was not found here is not kept here.
    """
    ids = {name: value for name, value in (request.view_args or {}).items() if name != "member_id"}
    project_id, subject = ids.pop("project_id", None), next(iter(ids.values()), None)
    tried = {"permission": error.permission.name, "least": error.least.name}
    with transaction():
        audit.note(
            ACCESS_REFUSED,
            organization_id=g.actor.organization_id,
            project_id=project_id,
            subject=subject,
            after=tried | {"method": request.method, "endpoint": request.endpoint},
        )


def _who_can_help(error: Denied) -> str:
    """Name the role that is needed and a few who can give it (DESIGN.md section 3); guests are told no names."""
    needed = f"This page needs {error.least.label}"
    if g.actor.role is None:
        return f"{needed}."
    helpers = ", ".join(access.helpers(g.actor.organization_id, error.least))
    mine = f"Your role in {g.org.name} is {g.actor.role.label}."
    return f"{mine} {needed}, to {error.permission.words}. These people can change your role: {helpers}."


def _kept(error: HTTPException) -> dict[str, str]:
    """The headers that belong to a status: what a 405 allows, when a 429 ends."""
    return {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
