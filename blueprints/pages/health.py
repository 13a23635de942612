"""For whoever watches the host: that it lives, whether it is ready, and what it counted."""

import hmac
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST

from blueprints.errors import RETRY_AFTER
from blueprints.gate import bare
from config import settings
from runtime import metrics
from runtime.readiness import FAILING

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@bare
def healthz() -> Any:
    """The process answers; nothing else is touched."""
    return {"status": "alive"}


@bp.get("/readyz")
@bare
def readyz() -> Any:
    """The database is reachable, can be written to, and is migrated to what this code expects; and how mail fares."""
    found = current_app.extensions["readiness"].look()
    checks = {name: asdict(check) for name, check in found.items()}
    if any(check.state == FAILING for check in found.values()):
        return {"status": "not ready", "checks": checks}, 503, {"Retry-After": RETRY_AFTER}
    return {"status": "ready", "checks": checks}


@bp.get("/metrics")
@bare
def exposed() -> Any:
    """What this host counted, for who holds METRICS_TOKEN; for everybody else there is no such page."""
    token, given = settings().metrics_token, request.headers.get("Authorization", "")
    if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        abort(404)
    return Response(metrics.exposed(), content_type=CONTENT_TYPE_LATEST)
