"""The audit log of an organization: its page, its CSV, and a checkpoint to keep."""

from typing import Any

from flask import Blueprint, Response, abort, g, stream_with_context

import access
from blueprints.fragments import respond
from blueprints.gate import requires
from blueprints.orgs import events, export, filters, listing, sentences
from blueprints.orgs.forms import AuditFilter
from models import db
from models.audit.checkpoints import checkpoints

bp = Blueprint("audit", __name__, url_prefix="/orgs/<slug:slug>")


@bp.get("/audit")
@requires(access.READ_AUDIT)
def index() -> Any:
    """What happened, the newest first."""
    asked = filters.Asked.of(listing.shown())
    meant = filters.meant(asked)
    shown: dict[str, Any] = {
        "found": events.read(asked, meant),
        "vague": meant.vague,
        "most": filters.MOST,
        "say": sentences,
    }
    return respond("orgs/audit.html", "orgs/_audit.html", form=AuditFilter(data=_filled(asked, meant)), **shown)


@bp.get("/audit.csv")
@requires(access.READ_AUDIT)
def download() -> Response:
    """All that the same filters find."""
    asked = filters.Asked.of(listing.shown())
    lines = stream_with_context(export.lines(asked, filters.meant(asked)))
    return _file(lines, "audit.csv", "text/csv; charset=utf-8")


@bp.get("/audit/checkpoint")
@requires(access.READ_AUDIT)
def checkpoint() -> Response:
    """What the log is now, under our signature: kept elsewhere, it shows later whether that was changed."""
    now = next(checkpoints(db.session.connection(), g.org.id), None) or abort(404)
    return _file(f"{now.line()}\n", "audit-checkpoint.json", "application/json")


def _filled(asked: filters.Asked, meant: filters.Meant) -> dict[str, Any]:
    """What stands in the form: for a key that a link gave, what it means."""
    given = {"action": asked.action, "since": asked.since, "until": asked.until}
    return given | {name: meant.names.get(text, text) for name, text in filters.texts(asked)}


def _file(body: Any, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{g.org.slug}-{name}"'}
    return Response(body, content_type=kind, headers=headers)
