"""What is true of every answer, whatever was asked (PROMISES.md section 1: G1, G2, G4, G7)."""

import re
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from werkzeug.datastructures import Headers

from blueprints.headers import ALWAYS
from tests.fuzz.hostile import ELEMENT, SUM

STATUSES = {*range(200, 400), 400, 401, 403, 404, 405, 406, 409, 410, 413, 414, 415, 422, 429, 431}
STATUSES.add(416)  # a part that a static file has not; the list does not think of files
SLOWEST = 5.0  # seconds
# No value of hostile.py has any of this in it, so it can only come from us.
BETRAYS = re.compile(
    r"Traceback|psycopg|werkzeug|jinja2?\b|sqlalchemy|wtforms|itsdangerous|gunicorn|postgres"
    r"|(?-i:\bSELECT\b.+\bFROM\b|\bINSERT INTO\b|\bUPDATE \w+ SET\b)|violates|duplicate key"
    r"|\w+_(?:pkey|fkey|key_check)\b|\.py\b|site-packages|/usr/|/home/|/tmp/|\bPython[ /]\d",
    re.I,
)


class Answer(NamedTuple):
    """An answer as it left the application."""

    status: int
    headers: Headers
    body: bytes
    took: float

    def faults(self) -> list[str]:
        """What is wrong with it."""
        text = self.body.decode("utf-8", "replace")
        html = "html" in self.headers.get("Content-Type", "")
        headers = "\n".join(f"{name}: {value}" for name, value in self.headers)
        lines = any(control in value for _, value in self.headers for control in "\r\n\0")
        places = [self.headers[name] for name in ("Location", "HX-Redirect") if name in self.headers]
        found = {
            f"the status {self.status}": self.status not in STATUSES,
            f"{self.took:.1f} seconds": self.took > SLOWEST,
            "a header over two lines": lines or "X-Injected" in self.headers,
            "the server's name or version": bool(
                {"Server", "X-Powered-By"} & {name.title() for name, _ in self.headers}
            ),
            "markup that was sent": html and ELEMENT in text,
            "a template that was sent": SUM in text,
            "no Cache-Control": "Cache-Control" not in self.headers,
            "no X-Request-Id": "X-Request-Id" not in self.headers,
        }
        found |= {f"no {name}": name not in self.headers for name in ALWAYS}
        found |= {f"it leads to {place!r}": not _is_here(place) for place in places}
        if betrayed := BETRAYS.search(f"{headers}\n{text}"):
            found[f"it tells {betrayed[0]!r}"] = True
        return [fault for fault, is_so in found.items() if is_so]


def _is_here(place: str) -> bool:
    """Tell whether a browser stays on this site."""
    if not place.startswith("/") or "\\" in place[:2] or re.search(r"[\x00-\x20\x7f]", place):
        return False
    return urlsplit(urljoin("http://localhost/", place)).netloc == "localhost"
