"""One request, made as a browser would, then bent, then sent as a WSGI server would."""

import io
import time
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes
from wsgiref.util import setup_testing_defaults

from flask import Flask
from werkzeug.test import run_wsgi_app

from tests.fuzz import hostile
from tests.fuzz.oracle import Answer

URLENCODED = "application/x-www-form-urlencoded"
SHOWN = ("query", "fields", "cookies", "raw", "escaped")  # of a request that fails, beside its first line and headers
Pairs = list[tuple[bytes, bytes]]


class Asked:
    """A request on its way: at first as a browser would send it."""

    def __init__(self, method: str, path: bytes, fields: Pairs, cookies: dict[str, bytes]) -> None:
        self.method, self.path, self.fields, self.cookies = method, path, fields, cookies
        self.query: Pairs = []
        self.headers: list[tuple[str, bytes]] = []
        self.raw: tuple[bytes, str] | None = None  # a body and its type, in the place of the fields
        self.escaped = True
        self.names = hostile.NAMES  # to choose from for a query or a field more

    def environ(self) -> dict[str, Any]:
        """What a WSGI server makes of it."""
        body, kind = self.raw or ((self._joined(self.fields), URLENCODED) if self.method == "POST" else (b"", ""))
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": self.path.decode("latin1"),
            "QUERY_STRING": self._joined(self.query).decode("latin1"),
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": kind,
            "HTTP_HOST": "localhost",
            "HTTP_COOKIE": b"; ".join(b"%s=%s" % (k.encode(), v) for k, v in self.cookies.items()).decode("latin1"),
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
        }
        for name, value in self.headers:
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_LENGTH" else f"HTTP_{key}"] = value.decode("latin1")
        setup_testing_defaults(environ)
        return environ

    def __repr__(self) -> str:
        sent = [f"{self.method} {self.path[:200]!r}", *(f"{k}: {v[:200]!r}" for k, v in self.headers)]
        sent += [f"{what} {str(value)[:1000]}" for what, value in vars(self).items() if what in SHOWN and value]
        return "\n  ".join(sent)

    def _joined(self, pairs: Pairs) -> bytes:
        encode = (lambda value: quote_from_bytes(value).encode()) if self.escaped else bytes
        return b"&".join(encode(name) + b"=" + encode(value) for name, value in pairs)


def send(app: Flask, asked: Asked) -> Answer:
    """Ask the application as a WSGI server does. Of a stream that lasts, only the beginning is awaited."""
    began = time.monotonic()
    parts, status, headers = run_wsgi_app(app.wsgi_app, asked.environ())
    streams = headers.get("Content-Type", "").startswith("text/event-stream")
    body = next(iter(parts), b"") if streams else b"".join(parts)
    parts.close()  # type: ignore[attr-defined]
    return Answer(int(status.split()[0]), headers, body, time.monotonic() - began)


def _bend_query(rng: Random, asked: Asked) -> None:
    for times in rng.choice([[1], [1, 1], [1, 1, 1], [2], [200]]):
        name = rng.choice(asked.names).encode() if rng.random() < 0.9 else hostile.text(rng)
        asked.query += [(name, hostile.text(rng))] * times


def _bend_field(rng: Random, asked: Asked) -> None:
    """Another value, another one beside it, or none at all."""
    n = rng.randrange(len(asked.fields))
    name, _ = asked.fields[n]
    asked.fields[n : n + rng.choice([0, 1, 1, 1])] = [(name, hostile.text(rng))] if rng.random() < 0.9 else []
    asked.fields = asked.fields or [(b"", b"")]


def _add_field(rng: Random, asked: Asked) -> None:
    name = rng.choice(asked.names).encode() if rng.random() < 0.9 else hostile.text(rng)
    asked.fields += [(name, hostile.text(rng))] * rng.choice([1, 1, 1, 300])


def _bend_header(rng: Random, asked: Asked) -> None:
    name = rng.choice(hostile.HEADERS)
    asked.headers.append((name, hostile.header(rng, name)))


def _bend_cookie(rng: Random, asked: Asked) -> None:
    asked.cookies[rng.choice(hostile.COOKIES)] = hostile.header(rng, "Cookie")


def _bend_path(rng: Random, asked: Asked) -> None:
    asked.path = hostile.address(rng, asked.path)


def _bend_body(rng: Random, asked: Asked) -> None:
    asked.raw = hostile.body(rng, asked.fields)


def _bend_method(rng: Random, asked: Asked) -> None:
    asked.method = rng.choice(hostile.METHODS)


def _leave_raw(rng: Random, asked: Asked) -> None:
    asked.escaped = False


_OFTEN = (_bend_query, _bend_field, _add_field, _bend_header, _bend_cookie)
ACTS = (*_OFTEN, *_OFTEN, _bend_path, _bend_body, _bend_method, _leave_raw)
