"""A client that behaves like a browser with our pages: it sends their token, and looks at every page it is given."""

import json
import re
import secrets
from html.parser import HTMLParser
from typing import Any, Self

from flask import Flask, session
from sqlalchemy import text
from werkzeug.test import TestResponse

from blueprints import csrf
from models import User, db, transaction

HX = {"HX-Request": "true"}
AGED = "UPDATE sessions SET created_at = created_at - interval '1 hour' WHERE sid = :sid"
BEGIN = text("""
    SELECT begin_session(:sid, CAST(:data AS jsonb), :user, :epoch, interval '1 hour', NULL, NULL, NULL, true)
""")


class Browser:
    """One browser. `get` and `post` follow nothing; `hx=True` asks as HTMX does."""

    def __init__(self, app: Flask, user: User | None = None) -> None:
        self.app = app
        self.client = app.test_client()
        self.client.set_cookie("visitor", secrets.token_urlsafe(8))
        if user:
            self.log_in(user)

    def at(self, ip: str) -> Self:
        """Ask from another address from now on."""
        self.client.environ_base["REMOTE_ADDR"] = ip
        return self

    def log_in(self, user: User, *, fresh: bool = False) -> None:
        """Begin a session as log-in did an hour ago or, `fresh`, just now, without the price of a password."""
        sid = secrets.token_urlsafe(16)
        interface: Any = self.app.session_interface
        with self.app.app_context(), transaction():
            epoch = db.session.get_one(User, user.id).credential_epoch
            data = json.dumps({"_user_id": str(user.id), "_fresh": True})
            values = {"sid": interface._get_store_id(sid), "data": data, "user": user.id, "epoch": epoch}
            db.session.execute(BEGIN, values)
            if not fresh:
                db.session.execute(text("SET LOCAL ROLE none"))
                db.session.execute(text(AGED), {"sid": values["sid"]})
        self.client.set_cookie("session", sid)

    def get(self, url: str, *, hx: bool = False, **kwargs: Any) -> TestResponse:
        """GET, and look at the page."""
        return _inspected(self.client.get(url, headers=_headers(hx, kwargs), **kwargs), fragment=hx)

    def post(self, url: str, *, hx: bool = False, token: str | None = None, **fields: Any) -> TestResponse:
        """POST fields with this browser's token (or another: `token=""`), and look at the page."""
        data = {"csrf_token": self.token() if token is None else token, **fields}
        return _inspected(self.client.post(url, data=data, headers=HX if hx else {}), fragment=hx)

    def token(self) -> str:
        """The CSRF token that a page would show to this browser now."""
        cookies = {name: cookie.value for name in ("session", "visitor") if (cookie := self.client.get_cookie(name))}
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        with self.app.test_request_context(headers={"Cookie": header}):
            assert session is not None
            return csrf.csrf_token()

    def cookie(self, name: str) -> str | None:
        """The value of a cookie, if this browser has it."""
        cookie = self.client.get_cookie(name)
        return cookie.value if cookie else None


def words(html: str) -> str:
    """A page's text without its tags."""
    return re.sub(r" ([.,])", r"\1", " ".join(re.sub("<[^>]*>", " ", html).split()))


def without_tokens(html: str) -> str:
    """A page as it is whoever asks for it, and each time they do."""
    return re.sub(r'(name="(csrf_token|idem)" value|data-options)="[^"]*"|(?<=since=)[\d.]+', "", html)


def _headers(hx: bool, kwargs: dict[str, Any]) -> dict[str, str]:
    return {**(HX if hx else {}), **kwargs.pop("headers", {})}


def _inspected(response: TestResponse, *, fragment: bool) -> TestResponse:
    """Check what is true of every answer (PROMISES.md section 1), and of every page."""
    assert response.status_code < 500 or response.status_code == 503, response.text
    assert "Content-Security-Policy" in response.headers
    assert b"Traceback" not in response.data
    if response.mimetype == "text/html" and not 300 <= response.status_code < 400 and response.data:
        _Page(response.text).check(fragment=fragment)
    return response


class _Page(HTMLParser):
    """Just enough of a parser to see what goes wrong in templates."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.headings = self.titles = 0
        self.forms: list[dict[str, Any]] = []
        self.bad: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.headings += tag == "h1"
        self.titles += tag == "title"
        self.bad += [name for name in given if name == "style" or name.startswith(("on", "hx-on"))]
        if tag == "form":
            self.forms.append({**given, "token": given.get("method") != "post"})
        if tag == "input" and given.get("name") == "csrf_token" and self.forms:
            self.forms[-1]["token"] = True

    def check(self, *, fragment: bool) -> None:
        assert len(self.ids) == len(set(self.ids)), f"ids used twice: {[i for i in self.ids if self.ids.count(i) > 1]}"
        assert not self.bad, f"inline code or style: {self.bad}"
        for form in self.forms:
            if form.get("method") == "dialog":
                continue  # it closes its dialog and asks no server
            assert form.get("action"), f"a form without an action: {form}"
            assert form["token"], f"a POST form without a token: {form}"
            assert form.get("hx-post") in (None, form["action"])
        if not fragment:
            assert self.headings == 1, f"{self.headings} h1"
            assert self.titles == 1, f"{self.titles} titles"
