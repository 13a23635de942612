"""For whoever watches the host: alive, and ready."""

from typing import Any

from flask import Blueprint
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from blueprints.gate import bare
from models import db
from runtime import checks

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@bare
def healthz() -> Any:
    """The process answers; nothing else is touched."""
    return {"status": "alive"}


@bp.get("/readyz")
@bare
def readyz() -> Any:
    """The database is reachable, and migrated to what this code expects."""
    try:
        applied = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:  # no such table yet, or none that the web role may read
        applied = None
    ready = applied == checks.head()
    return {"status": "ready" if ready else "not migrated"}, 200 if ready else 503
