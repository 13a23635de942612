"""Static files by content: their address carries a hash, so that browsers keep them for a year.

Each is read once by a process and compressed then: address, ETag and content always belong together.
"""

import gzip
import hashlib
import re
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from flask import Flask, Response, abort, current_app, request, send_file
from werkzeug.security import safe_join

from blueprints.gate import bare

_COMMENTS = re.compile(rb"^ *//.*\n| {2,}// .*$", re.M)  # lines of their own, and what follows two spaces


class Asset(NamedTuple):
    """A static file, as it is and as it travels."""

    version: str
    plain: bytes
    compressed: bytes


def init_app(app: Flask) -> None:
    """Give templates asset(), and serve the static files: through the gate, and compressed."""
    app.jinja_env.globals["asset"] = asset
    app.view_functions["static"] = bare(serve)


@cache
def asset(name: str) -> str:
    """Return the address of a static file.

    Args:
        name: its path under static/.
    """
    return f"{current_app.static_url_path}/{name}?v={_read(f'{current_app.static_folder}/{name}').version}"


def serve(filename: str) -> Response:
    """Send a static file, compressed for a browser that takes it."""
    path = safe_join(current_app.static_folder or "", filename)
    if path is None or not _is_file(path):
        abort(404)
    file = _read(path)
    compressed = request.accept_encodings["gzip"] > 0
    response = send_file(
        BytesIO(file.compressed if compressed else file.plain),
        download_name=Path(filename).name,
        etag=f"{file.version}-gzip" if compressed else file.version,
    )
    response.vary.add("Accept-Encoding")
    if compressed:
        response.content_encoding = "gzip"
    return response


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # a name that is too long for any
        return False


@cache
def _read(path: str) -> Asset:
    """Read a file; a script goes without its comments, a fifth of what travels."""
    plain = Path(path).read_bytes()
    if path.endswith(".js"):
        plain = _COMMENTS.sub(b"", plain)
    return Asset(hashlib.sha256(plain).hexdigest()[:8], plain, gzip.compress(plain, 9, mtime=0))
