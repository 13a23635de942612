"""A form that is sent twice, by a double click or because its answer was lost, is taken once.

Every form carries a key, `idem`. A change that would happen again, or would be refused the second time, notes it in
its own transaction: the same form again is rolled back, or was refused for what the first one did, and either way leads
where the first one led. What does no harm twice, like saving the same name, needs no note.
"""

import hashlib
import hmac
import json
from typing import TypeVar
from uuid import UUID

from flask import Flask, Response, g, request
from sqlalchemy import insert, select
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from blueprints.fragments import leave
from blueprints.gate import viewer
from config import settings
from models import IdempotencyKey, Repeated, db
from models.base import direct

DONE = "This was done already."
Made = TypeVar("Made")
REFUSALS = {403, 404, 409, 410, 422, 429}


def init_app(app: Flask) -> None:
    """Answer a form that was taken before as it was answered then, not with a refusal."""
    app.register_error_handler(Repeated, lambda repeated: (str(repeated), 409))
    app.after_request(_unless_taken)


def once(to: str, made: UUID | None = None) -> None:
    """Note inside a change's transaction that its form was taken.

    Args:
        to: the address where the change leads.
        made: the id of what was made, for a view whose answer shows it; see made_before().

    Raises:
        Repeated: by the surrounding transaction, if it was taken before.
    """
    keys = _keys()
    if keys:
        direct(insert(IdempotencyKey), {"key": keys[0], "leads_to": to, "made": made})
        g.taken_now = True


def taken_before() -> bool:
    """Tell whether this form was taken."""
    return _taken() is not None


def made_before(model: type[Made]) -> Made | None:
    """Return what this form made when it was taken; None if it was not, or if that is no more."""
    taken = _taken()
    return db.session.get(model, taken.made) if taken and taken.made else None


def posted() -> list[tuple[str, str]]:
    """Return what was posted, without the token, which may be renewed meanwhile, and without passwords.

    So two forms that differ in their passwords alone are the same: a fast digest of a password would be worth guessing.
    """
    fields = request.form.items(multi=True)
    return [(name, value) for name, value in fields if name != "csrf_token" and "password" not in name]


def _unless_taken(response: Response) -> AnyResponse:
    """Lead where a form led when it was taken; the answer to that time itself may say what else is wrong in it."""
    refused = request.method == "POST" and response.status_code in REFUSALS and "taken_now" not in g
    taken = _taken() if refused else None
    return leave(taken.leads_to, DONE) if taken else response


def _taken() -> IdempotencyKey | None:
    keys = _keys()
    return db.session.scalar(select(IdempotencyKey).where(IdempotencyKey.key.in_(keys)).limit(1)) if keys else None


def _keys() -> list[bytes]:
    """Digest who sends what where: first as who is logged in, then as the visitor who may have been logged in by it."""
    try:
        if not request.form.get("idem"):
            return []
    except RequestEntityTooLarge:  # it was refused before anybody read it
        return []
    me, visitor = viewer(), request.cookies.get(settings().cookie_name("visitor"))
    sent = json.dumps([request.path, posted()])
    key = settings().keys("idem")[0]
    return [_digest(key, f"{who} {sent}") for who in (me and f"user:{me.id}", visitor and f"visitor:{visitor}") if who]


def _digest(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8", "replace"), hashlib.sha256)
