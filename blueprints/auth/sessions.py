"""Where one is logged in, and logging out elsewhere."""

from typing import Any
from uuid import UUID

from flask import abort, g, url_for

from blueprints.auth.blueprint import bp
from blueprints.forms import OurForm
from blueprints.fragments import changed, leave, respond
from blueprints.gate import signed_in
from blueprints.presentation import plural
from models import Session, transaction
from models.device import device


@bp.get("/account/sessions")
@signed_in
def sessions() -> Any:
    """List them, this one first."""
    return respond("auth/sessions.html", "auth/_sessions.html", **_listed())


@bp.post("/account/sessions/<uuid:session_id>/revoke")
@signed_in
def revoke_session(session_id: UUID) -> Any:
    """Log out one other device; done twice, it is done. This one has its own way out."""
    if session_id == g.identity.session_id:
        abort(404)
    with transaction():
        ended = Session.end(g.identity.viewer.id, session_id)
    toast = f"{device(ended)} was logged out." if ended is not None else "That device was logged out already."
    return changed("auth/_sessions.html", url_for(".sessions"), toast, **_listed())


@bp.route("/account/sessions/revoke-others", methods=["GET", "POST"])
@signed_in
def revoke_other_sessions() -> Any:
    """Review which devices are logged out, and log them out."""
    form = OurForm()
    if form.accepted():
        with transaction():
            ended = Session.end_others(g.identity.viewer.id, g.identity.session_id)
        return leave(url_for(".sessions"), f"{plural(ended, 'other device was', 'other devices were')} logged out.")
    status = 422 if form.errors else 200
    return respond("auth/other_sessions.html", "auth/_other_sessions.html", status, form=form, **_listed())


def _listed() -> dict[str, Any]:
    """This device, and the others."""
    rows = Session.of_person(g.identity.viewer.id)
    here = g.identity.session_id
    return {"here": [r for r in rows if r.id == here], "others": [r for r in rows if r.id != here], "device": device}
