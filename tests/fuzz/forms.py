"""What pages offer to be sent: the fields of their forms, and the names in their addresses."""

from collections import defaultdict
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

FIELDS = {"input", "select", "textarea", "button"}


class Offered(HTMLParser):
    """Reads pages, one after the other, and keeps what they offer."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self.routes = app.url_map.bind("localhost")
        self.fields: dict[str, dict[str, str]] = defaultdict(dict)  # by endpoint
        self.queries: set[str] = set()
        self.form: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.form = given.get("method", "get"), self._endpoint(given.get("action", ""))
        if tag == "a":
            self.queries |= {name for name, _ in parse_qsl(urlsplit(given.get("href", "")).query)}
        if tag in FIELDS and "name" in given and self.form:
            method, endpoint = self.form
            if method == "post":
                self.fields[endpoint].setdefault(given["name"], given.get("value", ""))
            else:
                self.queries.add(given["name"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None

    def _endpoint(self, action: str) -> str:
        try:
            return str(self.routes.match(urlsplit(action).path, method="POST")[0])
        except (HTTPException, RequestRedirect):
            return ""
