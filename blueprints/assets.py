"""Static files by content: their address carries a hash, so that browsers keep them for a year."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, current_app, url_for

from blueprints.gate import bare


def init_app(app: Flask) -> None:
    """Give templates asset(), and let the static files through the gate."""
    app.jinja_env.globals["asset"] = asset
    bare(app.view_functions["static"])


def asset(name: str) -> str:
    """Return the address of a static file.

    Args:
        name: its path under static/.
    """
    return url_for("static", filename=name, v=_hash(Path(current_app.static_folder or "") / name))


@cache
def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
