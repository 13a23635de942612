"""Asking every route for what belongs to somebody else, and looking at whatever comes of it."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import uuid5

from flask import Flask
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.routing import Rule

import emails
from models import OutgoingMail, db
from models.password import hash_password
from tests.access.rows import everything, logged_in, put_back, session
from tests.access.tenants import OTHERS, PEOPLE, STRANGER, A, B, Tenant
from tests.browser_like import Browser
from tests.factories import PASSWORD

PRINCIPALS = (*PEOPLE, "stranger", "former", "visitor")  # of the one tenant or of none, asking about the other
NEVER = Tenant("opossum", version=770088)  # of the same shape, and there was none
FORM = {  # good for every form, so that each button gets as far as it can
    "name": "Fresh name",
    "slug": "fresh-address",
    "access": "organization",
    "role": "VIEWER",
    "emails": "fresh@example.com",
    "email": "fresh@example.com",
    "password": "another cargo ship paper",
    "current_password": PASSWORD,
}
# What is new in each answer: keys of new rows, links, times, signatures on them, and what an app is offered.
CHANCE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<=since=)[\d.]+|(?<=data-version=\")\w+"
    r"|(?<=\nid: )[\d.]+|(?<=/invitations/)[\w.-]{40,}|(?<=expires=)[^;]+|\d{4}-\d\d-\d\dT[\d:.+]+Z?"
    r"|\d\d:\d\d:\d\d UTC|(?<=\"sig\": \")[0-9a-f]+|(?<=name=\"idem\" value=\")\w+|(?<=data-options=\")[^\"]+"
    r"|(?<=name=\"secret\" value=\")[\w=-]+|(?<=id=\"key\" value=\")[A-Z2-7 ]+|(?<=stroke=\"#000\" d=\")[^\"]+",
    flags=re.I,
)
ATOM = re.compile(rf"[0-9a-f-]{{36}}|(?:{A.word}|{B.word}|{NEVER.word})-\w+|7700[678]{{2}}")
UNSTABLE = ("Date", "X-Request-Id", "Content-Length")

Position = tuple[str, str]  # ("path", "project_id"), ("query", "next"), ("form", "member"), ("header", "Referer")
Sent = dict[Position, str]


class Answer(NamedTuple):
    """What a browser is told, without what it sent and without chance."""

    status: int
    headers: str
    body: str


def values_of(tenant: Tenant) -> dict[Position, list[str]]:
    """What can stand in each position; the first is the one that works for those who belong to the tenant."""
    path: dict[str, Any] = {
        "slug": tenant.slugs,
        "project_id": [tenant.id("open"), tenant.id("restricted"), tenant.id("archived")],
        "member_id": [tenant.id("member viewer"), tenant.id("member owner")],
        "user_id": [tenant.id("user viewer"), tenant.id("user guest")],
        "invitation_id": [tenant.id("pending"), tenant.id("to a project"), tenant.id("accepted")],
        "session_id": [uuid5(tenant.id("user viewer"), f"{tenant.word}-viewer")],
        "passkey_id": [uuid5(tenant.id("user viewer"), "passkey")],
        "organization_id": [tenant.id("closed"), tenant.id("organization")],
        "token": ["A" * 64],  # a link is nobody's id: whoever has it may follow it
    }
    page = f"/orgs/{tenant.slug}/people"
    named = {name: tenant.id(name) for name in ("invitation", "organization")} | {
        "project": tenant.id("restricted"),
        "member": tenant.id("member viewer"),
        "user": tenant.id("user viewer"),
        "version": tenant.version,
        "next": page,
    }
    headers = dict.fromkeys(("Referer", "HX-Current-URL"), f"http://localhost{page}?q={tenant.slug}")
    return {
        **{("path", name): list(map(str, values)) for name, values in path.items()},
        **{(kind, name): [str(value)] for kind in ("query", "form") for name, value in named.items()},
        **{("header", name): [value] for name, value in headers.items()},
    }


VALUES = {tenant.word: values_of(tenant) for tenant in (A, B, NEVER)}


def changes(rule: Rule, method: str, *, apart: bool) -> list[tuple[Position, ...]]:
    """Which positions are somebody else's: each of the path's alone and all of them; all names of a query, and so on.

    Args:
        rule: the route.
        method: GET sends no form.
        apart: every name alone, too.
    """
    path = tuple(("path", name) for name in sorted(rule.arguments) if name != "token")
    kinds = ("query", "header") if method == "GET" else ("query", "header", "form")
    together = [tuple(position for position in VALUES[A.word] if position[0] == kind) for kind in kinds]
    alone = [(position,) for position in (*path, *(sum(together, ()) if apart else ()))]
    return [change for change in (*alone, path, *together) if change]


class Isolation:
    """Two tenants, and whoever asks. Every answer is looked at; whatever was changed is put back."""

    def __init__(self, app: Flask, query: Callable[..., Any]) -> None:
        self.app, self.query, self.asked = app, query, 0
        self.tokens: dict[str, str] = {}
        self.worlds = [A.rows, B.rows, {"users": OTHERS}]
        with app.app_context():
            hashed = hash_password(PASSWORD)
            self.worlds.append({"sessions": [self._session(mine, who) for mine in (A, B) for who in PRINCIPALS[:-1]]})
        for user in (user for world in self.worlds for user in world.get("users", ())):
            user["password_hash"] = hashed
        self.begin()

    def begin(self) -> None:
        """Put everything back to how it was."""
        put_back(self.query, *self.worlds)
        self.before = everything(self.query)

    def probe(self, rule: Rule, who: str, mine: Tenant, theirs: Tenant, *, apart: bool) -> None:
        """Ask a route for what is theirs, in every position.

        Raises:
            AssertionError: something was told or changed, or could be told from what never existed.
        """
        for method in sorted({"GET", "POST"} & (rule.methods or set())):
            self.answer(rule, method, who, mine, theirs, {})
            for change in changes(rule, method, apart=apart):
                for n in range(max(len(VALUES[theirs.word][position]) for position in change)):
                    sent = [{place: _pick(tenant, place, n) for place in change} for tenant in (theirs, NEVER)]
                    foreign, never = (self.answer(rule, method, who, mine, theirs, one) for one in sent)
                    assert foreign == never, f"{method} {rule.rule}, as {who}: they can be told apart by {sent}"
        self.see_no_change(theirs)

    def answer(self, rule: Rule, method: str, who: str, mine: Tenant, theirs: Tenant, sent: Sent) -> Answer:
        """Ask once, and see that nothing of theirs is told or changed."""
        self.asked += 1
        response = self._ask(rule, method, who, mine, sent)
        headers = "\n".join(
            f"{name}: {_readable(name, value)}" for name, value in response.headers if name not in UNSTABLE
        )
        atoms = re.compile("|".join({atom for value in sent.values() for atom in ATOM.findall(value)}) or "(?!)")
        said = Answer(response.status_code, atoms.sub("<sent>", headers), atoms.sub("<sent>", response.text))
        assert said.status < 500, said.body
        assert not re.search("Traceback|psycopg|werkzeug|jinja2", str(said))
        assert not (leak := theirs.secrets.search(str(said))), f"{leak} in {said}, asked by {who} for {sent}"
        if method == "POST":
            self.see_no_change(theirs)
        return said._replace(headers=CHANCE.sub("<new>", said.headers), body=CHANCE.sub("<new>", said.body))

    def see_no_change(self, theirs: Tenant) -> None:
        """Look at every row, and at new mail; then put back what was changed."""
        after = everything(self.query)
        if after == self.before:
            return
        # Who deletes their account is taken out of what they accepted; everything else of theirs stays as it is.
        gone = [str(id) for (id,) in self.query("SELECT id FROM users WHERE deactivated_at IS NOT NULL")]
        now, then = (_concerning(theirs, rows, gone) for rows in (after, self.before))
        assert now == then, "something of theirs was changed"
        with self.app.app_context():
            known = [A.id("mail"), B.id("mail")]
            new = db.session.scalars(db.select(OutgoingMail).where(OutgoingMail.id.not_in(known))).all()
            assert not any(theirs.secrets.search(str(emails.render(mail))) for mail in new)
        self.begin()

    def _ask(self, rule: Rule, method: str, who: str, mine: Tenant, sent: Sent) -> Any:
        given = {place: values[0] for place, values in VALUES[mine.word].items() if place[0] == "path"} | sent
        of = {kind: {name: value for (k, name), value in given.items() if k == kind} for kind, _ in VALUES[mine.word]}
        sid = f"{mine.word}-{who}"
        browser = Browser(self.app) if who == "visitor" else logged_in(self.app, sid)
        browser.client.set_cookie("visitor", "somebody")
        token = self.tokens[sid] = self.tokens.get(sid) or browser.token()
        form = {**FORM, "confirm": mine.slug, "csrf_token": token, **of["form"]} if method == "POST" else None
        url = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: of["path"][found[1]], rule.rule)
        headers = {**({"HX-Request": "true"} if "HX-Current-URL" in of["header"] else {}), **of["header"]}
        return browser.client.open(url, method=method, query_string=of["query"], data=form, headers=headers)

    def _session(self, mine: Tenant, who: str) -> dict[str, Any]:
        """The row of a log-in. `former` was removed from the other tenant, and is nothing in this one."""
        other = B if mine is A else A
        key = {"stranger": STRANGER, "former": other.former}.get(who) or mine.id(f"user {who}")
        return session(self.app, f"{mine.word}-{who}", key)


def _pick(tenant: Tenant, place: Position, n: int) -> str:
    values = VALUES[tenant.word][place]
    return values[n % len(values)]


def _readable(name: str, value: str) -> str:
    """A header as it is; of a cookie, what our own signature wraps, and nothing of what is random."""
    if name != "Set-Cookie":
        return value
    cookie, _, rest = value.partition("=")
    content, _, attributes = rest.partition(";")
    with suppress(BadData):
        return f"{cookie}={URLSafeSerializer('-').load_payload(content.rpartition('.')[0].encode())};{attributes}"
    return f"{cookie};{attributes}"


def _concerning(tenant: Tenant, rows: list[str], gone: list[str]) -> list[str]:
    accepted = [row for row in rows if row.startswith("invitations ") and any(id in row for id in gone)]
    return [row for row in rows if tenant.secrets.search(row) and row not in accepted]
