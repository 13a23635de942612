"""The blueprint that the pages of this package hang on."""

from typing import Any

from flask import Blueprint

from config import settings

bp = Blueprint("auth", __name__, cli_group=None)


@bp.context_processor
def offered() -> dict[str, Any]:
    """What its pages know of the host: whether they may offer an account, and how long its password must be."""
    return {"open_signup": settings().signup == "open", "password_min_length": settings().password_min_length}
