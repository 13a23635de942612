"""Text that is no text: bytes in an address or a form that are not UTF-8."""

from urllib.parse import unquote_to_bytes

from flask import abort, request

FORM = "application/x-www-form-urlencoded"


def refuse_unreadable() -> None:
    """Answer 400 to what no browser sends. Werkzeug would keep the broken bytes as `%FF`, in a name for instance."""
    parts = [request.query_string]
    if request.mimetype == FORM:
        parts.append(request.get_data())
    for part in parts:
        if b"%" in part and not _readable(unquote_to_bytes(part)):
            abort(400)


def _readable(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
