"""Asking every route for nonsense. The same name asks the same: what failed can be asked again."""

import re
from collections.abc import Callable
from random import Random
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

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
from tests.doors import routes, shows
from tests.factories import PASSWORD
from tests.fuzz import hostile
from tests.fuzz.asked import ACTS, Asked, send
from tests.fuzz.forms import Offered
from tests.fuzz.oracle import Answer

IDS = {name: [value.encode() for value in values] for (kind, name), values in values_of(A).items() if kind == "path"}
IDS |= {"mail_id": [str(A.id("mail")).encode()], "filename": [b"app.js", b"ui.css"]}
FULL = 1_000_000  # bytes, a little less than a request may have


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
        self.good = FORM | {"csrf_token": browser.token(), "confirm": A.slug}
        self.offered, self.names = Offered(app), hostile.NAMES
        self._look_around()

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
            rng.choice(ACTS)(rng, asked)
        answer = send(self.app, asked)
        if n % 4 == 0:
            self.query("DELETE FROM rate_limits")  # or soon every answer were a 429
        if asked.method != "GET" and answer.status < 400:
            self.begin()
        return asked, answer

    def flood(self, rule: Rule) -> tuple[Asked, Answer]:
        """Fill a form to the brim with marks that take hours to normalise."""
        asked = self._good(Random(rule.rule), rule, "POST", bent=0)
        marks = hostile.MARKS * (FULL // len(hostile.MARKS) // len(asked.fields))
        filled = [(name, value if name == b"csrf_token" else marks) for name, value in asked.fields]
        asked.raw = hostile.multipart(filled), "multipart/form-data; boundary=b"
        answer = send(self.app, asked)
        self.begin()
        return asked, answer

    def _look_around(self) -> None:
        """Open every page, and see what it offers to be sent."""
        for rule in filter(shows, routes()):
            page = send(self.app, self._good(Random(rule.rule), rule, "GET", bent=0)).body
            self.offered.feed(page.decode("utf-8", "replace"))
        fields = {name for form in self.offered.fields.values() for name in form}
        self.names = sorted({*hostile.NAMES, *self.offered.queries, *fields, *FORM})

    def _good(self, rng: Random, rule: Rule, method: str, bent: float = 0.3) -> Asked:
        """What would be fine but for an id, now and then."""
        places = {name: rng.choice([*ids[:1] * 3, *ids]) for name, ids in IDS.items()}
        places["token"] = rng.choice(list(self.links.values()))
        parts = re.split(r"<(?:\w+:)?(\w+)>", rule.rule)
        if rng.random() < bent and rule.arguments:
            name = rng.choice(sorted(rule.arguments))
            places[name] = hostile.segment(rng, places[name])
        path = b"".join(places[part] if n % 2 else part.encode() for n, part in enumerate(parts))
        offered = self.offered.fields.get(rule.endpoint, self.good)
        filled = {name: self.good.get(name, value) for name, value in offered.items()}
        filled["idem"] = rng.randbytes(4).hex()
        kept = {"invitation": self.links["invitation"], "step": self.links[SECOND_STEP]}
        cookies = self.cookies | {name: value for name, value in kept.items() if rng.random() < 0.5}
        asked = Asked(method, path, [(name.encode(), value.encode()) for name, value in filled.items()], cookies)
        asked.names = self.names
        if rng.random() < 0.3:
            asked.headers.append(("HX-Request", b"true"))
        return asked
