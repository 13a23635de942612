"""The stream of an open page: that something changed, never what (DESIGN.md section 7)."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

from flask import Blueprint, Flask, Response, current_app, g, request, session, url_for
from werkzeug.exceptions import TooManyRequests

from blueprints.gate import inside, signed_in
from models import release
from runtime.live import Hub
from runtime.sessions import STREAM, BrowserSession, by_itself
from runtime.streams import Stream, Told

bp = Blueprint("live", __name__)

HEARTBEAT = 20.0  # seconds; a browser that is gone is noticed when something is written to it
RETRY = 1000  # milliseconds until a browser that lost its stream tries again
MOST = 50  # open pages of one person in one process
HEADERS = {"X-Accel-Buffering": "no"}  # nginx would keep events back until it has a pageful


def init_app(app: Flask) -> None:
    """Give the application its open pages, and templates what they say of themselves."""
    app.extensions["live"] = Hub(app)
    app.jinja_env.globals["live_address"] = address
    app.jinja_env.globals["by_itself"] = by_itself
    app.jinja_env.filters["fingerprint"] = fingerprint


@bp.get("/live")
@signed_in
def outside() -> Response:
    """Tell a page outside of all organizations."""
    return _stream(None)


@bp.get("/orgs/<slug:slug>/live")
@inside
def organization() -> Response:
    """Tell a page of an organization."""
    return _stream(g.org.id)


def address() -> str:
    """Return where the page that is being drawn listens, and since when."""
    endpoint = "live.organization" if g.org else "live.outside"
    return url_for(endpoint, since=f"{g.began:.3f}")


_KEYS = re.compile(r'<input type="hidden" name="(?:csrf_token|idem)"[^>]*>')


def fingerprint(shown: str) -> str:
    """Return what tells a part of a page from a later one of the same: "3 hours ago" or a form's key make no other."""
    *before, rest = str(shown).split("</time>")
    lasting = "".join([part[: part.rfind(">")] for part in before]) + rest
    return hashlib.blake2b(_KEYS.sub("", lasting).encode(), digest_size=8).hexdigest()


def _stream(organization_id: UUID | None) -> Response:
    """Answer with a stream; whoever asks for another kind of answer is told what there is to tell now, and no more."""
    hub, viewer = cast("Hub", current_app.extensions["live"]), g.identity.viewer
    if sum(stream.user_id == viewer.id for stream in hub.streams) >= MOST:
        raise TooManyRequests("You have many pages open.", retry_after=60)
    cast("BrowserSession", session).touch = False  # a page that is open keeps nobody logged in
    release()  # the hub looks for itself, with a connection of its own
    stream = Stream(g.identity.sid, viewer.id, organization_id, g.identity.lives_for)
    lasting = STREAM in request.headers.get("Accept", "")
    answer = Response(_events(hub, stream, HEARTBEAT if lasting else 0.0), mimetype=STREAM, headers=HEADERS)
    answer.call_on_close(lambda: hub.close(stream))
    hub.open(stream, _drawn_at())
    return answer


def _drawn_at() -> float:
    """When the page was drawn or, after a break, told last; what cannot be a time was long ago."""
    given = request.headers.get("Last-Event-ID") or request.args.get("since", "")
    try:
        return min(float(given), g.began)
    except ValueError:
        return 0.0


def _events(hub: Hub, stream: Stream, heartbeat: float) -> Iterator[str]:
    """Tell until the stream ends. Each event's id says up to when all was told: there a broken stream is continued."""
    yield f"retry: {RETRY}\n\n"
    while stream.ended is None:
        until = hub.heard_until  # before the wait: what is heard later is in what comes next
        told = stream.wait(heartbeat)
        yield from (_event(until, "change", _change(one)) for one in told)
        if heartbeat == 0.0:
            return
        if not told:
            yield _event(until, "beat", {})
    if stream.ended:
        yield _event(hub.heard_until, "bye", {"why": stream.ended})


def _change(told: Told) -> dict[str, Any]:
    return {"topic": told.topic, "tab": told.tab, "within": round(told.within * 1000)}


def _event(until: float, kind: str, data: dict[str, Any]) -> str:
    return f"id: {until:.3f}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
