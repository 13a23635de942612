"""Pages are compressed where nobody could learn anything from their length (docs/decisions/0008)."""

import gzip

from flask import Flask, Response, request

LEVEL = 5  # of 9: where more effort stops making our pages smaller
LEAST = 1000  # bytes; anything below fits into one packet as it is
# Fetch Metadata: a page of ours asks, or a person who typed the address. No other site chose what is asked for.
OURS = {"same-origin", "none"}


def init_app(app: Flask) -> None:
    """Compress after every request."""
    app.after_request(compress)


def compress(response: Response) -> Response:
    """Compress a page for a browser that takes it; files and streams go as they come."""
    if response.mimetype != "text/html" or len(response.data) < LEAST:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] and request.headers.get("Sec-Fetch-Site") in OURS:
        response.data = gzip.compress(response.data, LEVEL, mtime=0)
        response.content_encoding = "gzip"
    return response
