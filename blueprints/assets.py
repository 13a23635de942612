"""Static files by content: their address carries a hash, so that browsers keep them for a year."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, current_app

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
    return _address(current_app.static_url_path or "", current_app.static_folder or "", name)


@cache
def _address(path: str, folder: str, name: str) -> str:
    """Made once: a page names a dozen files, one for each icon."""
    content = hashlib.sha256((Path(folder) / name).read_bytes()).hexdigest()
    return f"{path}/{name}?v={content[:12]}"
