"""Asking every route for nonsense. The same name asks the same: what failed can be asked again."""

import io
import re
import time
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes
from wsgiref.util import setup_testing_defaults

from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import run_wsgi_app

from config import RESET_LIFE, STEP_LIFE, UNLOCK_LIFE
from models import Invitation, OneTimeToken, Role, Signup, tenant, transaction
from models.invitation import MAILED
from models.password import hash_password
from models.text import address
from models.token import RESET, SECOND_STEP, UNLOCK
from tests.access.isolation import FORM, values_of
from tests.access.rows import logged_in, put_back, session
from tests.access.tenants import OTHERS, PEOPLE, STRANGER, A
from tests.browser_like import Browser
from tests.factories import PASSWORD
from tests.fuzz import hostile
from tests.fuzz.oracle import Answer

URLENCODED = "application/x-www-form-urlencoded"
IDS = {name: [value.encode() for value in values] for (kind, name), values in values_of(A).items() if kind == "path"}
IDS |= {"mail_id": [str(A.id("mail")).encode()], "filename": [b"app.js", b"ui.css"]}
Pairs = list[tuple[bytes, bytes]]


class Asked:
    """A request on its way: at first as a browser would send it."""

    def __init__(self, method: str, path: bytes, fields: Pairs, cookies: dict[str, bytes]) -> None:
        self.method, self.path, self.fields, self.cookies = method, path, fields, cookies
        self.query: Pairs = []
        self.headers: list[tuple[str, bytes]] = []
        self.raw: tuple[bytes, str] | None = None  # a body and its type, in the place of the fields
        self.escaped = True

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
        sent += [f"{what} {str(value)[:1000]}" for what, value in vars(self).items() if what in _SHOWN and value]
        return "\n  ".join(sent)

    def _joined(self, pairs: Pairs) -> bytes:
        encode = (lambda value: quote_from_bytes(value).encode()) if self.escaped else bytes
        return b"&".join(encode(name) + b"=" + encode(value) for name, value in pairs)


_SHOWN = ("query", "fields", "cookies", "raw", "escaped")


class Fuzzer:
    """One of the tenant's people, or a visitor, who sends what they please."""

    def __init__(self, app: Flask, query: Callable[..., Any], who: str) -> None:
        self.app, self.query, self.who, self.sid = app, query, who, f"{A.word}-{who}"
        with app.app_context():
            hashed = hash_password(PASSWORD)
            key = {"stranger": STRANGER}.get(who) or A.id(f"user {who}")
            mine = [session(app, self.sid, key)] if who in (*PEOPLE, "stranger") else []
        self.worlds = [A.rows, {"users": OTHERS}, {"sessions": mine}]
        for user in (user for world in self.worlds for user in world.get("users", ())):
            user["password_hash"] = hashed
        self.begin()
        browser = logged_in(app, self.sid) if mine else Browser(app)
        browser.client.set_cookie("visitor", "somebody")
        self.cookies = {"visitor": b"somebody"} | ({"session": self.sid.encode()} if mine else {})
        self.token = browser.token().encode()

    def begin(self) -> None:
        """Put everything back to how it was, and mail every kind of link anew."""
        put_back(self.query, *self.worlds)
        user, here = A.id("user viewer"), A.id("organization")
        lives = {RESET: RESET_LIFE, UNLOCK: UNLOCK_LIFE, SECOND_STEP: STEP_LIFE}
        with self.app.app_context(), transaction():
            self.links = {kind: OneTimeToken.issue(kind, user, life).text.encode() for kind, life in lives.items()}
            self.links["signup"] = Signup.start(address("new@example.com"), "New", "-").text.encode()
        with self.app.app_context():
            tenant.enter(here)
            with transaction():
                issued = Invitation.issue(here, address("invited@example.com"), Role.VIEWER, A.id("user owner"))
                self.links["invitation"] = issued.link_text(MAILED).encode()

    def ask(self, rule: Rule, method: str, n: int) -> tuple[Asked, Answer]:
        """Ask a route once. The same rule, method and n ask the same."""
        rng = Random(f"{self.who} {method} {rule.rule} {n}")
        asked = self._good(rng, rule, method)
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            rng.choice(_ACTS)(rng, asked)
        answer = send(self.app, asked)
        if n % 4 == 0:
            self.query("DELETE FROM rate_limits")  # or soon every answer were a 429
        if asked.method != "GET" and answer.status < 400:
            self.begin()
        return asked, answer

    def _good(self, rng: Random, rule: Rule, method: str) -> Asked:
        """What would be fine."""
        places = {name: rng.choice([*ids[:1] * 3, *ids]) for name, ids in IDS.items()} | {
            "token": rng.choice(list(self.links.values()))
        }
        parts = re.split(r"<(?:\w+:)?(\w+)>", rule.rule)
        if rng.random() < 0.3 and rule.arguments:
            bent = rng.choice(sorted(rule.arguments))
            places[bent] = hostile.segment(rng, places[bent])
        path = b"".join(places[part] if n % 2 else part.encode() for n, part in enumerate(parts))
        more = {"csrf_token": self.token, "confirm": A.slug.encode(), "idem": rng.randbytes(4).hex().encode()}
        kept = {"invitation": self.links["invitation"], "step": self.links[SECOND_STEP]}
        cookies = self.cookies | {name: value for name, value in kept.items() if rng.random() < 0.5}
        asked = Asked(method, path, [*_FIELDS, *((name.encode(), value) for name, value in more.items())], cookies)
        if rng.random() < 0.3:
            asked.headers.append(("HX-Request", b"true"))
        return asked


_FIELDS = [(name.encode(), value.encode()) for name, value in FORM.items()]
_MORE = [b"version", b"member", b"user", b"project", b"message", b"description", b"theme", b"inherit", b"code"]
_MORE += [b"secret", b"invitation", b"offer", b"remember", b"reviewed", b"organization", b"former_role", b"emails[]"]


def send(app: Flask, asked: Asked) -> Answer:
    """Ask the application as a WSGI server does. Of a stream that lasts, only the beginning is awaited."""
    began = time.monotonic()
    parts, status, headers = run_wsgi_app(app.wsgi_app, asked.environ())
    streams = headers.get("Content-Type", "").startswith("text/event-stream")
    body = next(iter(parts), b"") if streams else b"".join(parts)
    parts.close()  # type: ignore[attr-defined]
    return Answer(int(status.split()[0]), headers, body, time.monotonic() - began)


def _bend_query(rng: Random, asked: Asked) -> None:
    name = rng.choice(hostile.NAMES).encode() if rng.random() < 0.9 else hostile.text(rng)
    asked.query += [(name, hostile.text(rng)) for _ in range(rng.choice([1, 1, 1, 2, 200]))]


def _bend_field(rng: Random, asked: Asked) -> None:
    """Another value, another one beside it, or none at all."""
    n = rng.randrange(len(asked.fields))
    name, _ = asked.fields[n]
    asked.fields[n : n + rng.choice([0, 1, 1, 1])] = [(name, hostile.text(rng))] if rng.random() < 0.9 else []
    asked.fields = asked.fields or [(b"", b"")]


def _add_field(rng: Random, asked: Asked) -> None:
    name = rng.choice(_MORE) if rng.random() < 0.9 else hostile.text(rng)
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
_ACTS = (*_OFTEN, *_OFTEN, _bend_path, _bend_body, _bend_method, _leave_raw)
