"""Talking to a peer: logging people in, what is replayed, and the check that it does the work it is measured by."""

import http.client
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from bench.peers.peers import HOME, PASSWORD, Peer

ORGANIZATIONS = range(2, 102)  # a hundred of them, each seen by its Admin
WORKS = ("W1", "W2", "W3", "W4", "W5")
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
NETWORK = {"X-Forwarded-For": "10.@@A@@.@@B@@.@@C@@"}  # people come from different places


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    cookies: dict[str, str]


@dataclass(frozen=True)
class Request:
    """One request to send; `@@N@@` in it becomes a number that was not used before."""

    method: str
    path: str
    headers: dict[str, str]
    body: str = ""

    def line(self) -> str:
        """As replay.lua reads it."""
        headers = "\x1f".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{self.method}\t{self.path}\t{headers}\t{self.body}\n"

    def send(self, port: int, number: int = 0) -> Answer:
        """Send it."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {name: _numbered(value, number) for name, value in self.headers.items()}
        connection.request(self.method, self.path, _numbered(self.body, number) or None, headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        cookies = {}
        for header in answer.headers.get_all("Set-Cookie", []):
            name, _, value = header.split(";", 1)[0].partition("=")
            cookies[name] = value
        connection.close()
        return Answer(answer.status, text, cookies)


class Visits:
    """A peer with a hundred Admins logged in."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        with ThreadPoolExecutor(4) as pool:
            self.admins = dict(zip(ORGANIZATIONS, pool.map(self._admin, ORGANIZATIONS), strict=True))
            self.visitors = list(pool.map(lambda _: self._visitor(), ORGANIZATIONS))

    def requests(self, work: str) -> list[Request]:
        """Return what is sent for a work, in turn."""
        peer, admins = self.peer, self.admins.items()
        if work == "W1":
            return [Request("GET", peer.org.format(o=o), who[0]) for o, who in admins]
        if work == "W2":
            return [Request("GET", peer.check.format(o=o), who[0]) for o, who in admins]
        if work == "W4":
            return [self._post(peer.invite.format(o=o), who, self._about(peer.invitation, o)) for o, who in admins]
        if work == "W3":
            people = [dict(zip(peer.fields, (peer.admin(o), PASSWORD), strict=True)) for o in ORGANIZATIONS]
            return [self._post(peer.login, who, form) for who, form in zip(self.visitors, people, strict=True)]
        return [self._post(peer.register, who, peer.account) for who in self.visitors]

    @staticmethod
    def targets(peer: Peer, work: str) -> Path:
        """Where the load generator finds them."""
        return HOME / "targets" / f"{peer.name}.{work}"

    def write(self) -> None:
        """Write all of them for the load generator."""
        for work in WORKS:
            path = self.targets(self.peer, work)
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(request.line() for request in self.requests(work)))

    def check(self) -> None:
        """See that the page has its 25 members, and that the gate holds for who is below, elsewhere and logged out."""
        peer, o = self.peer, ORGANIZATIONS[0]
        mine, _ = self.admins[o]
        page = Request("GET", peer.org.format(o=o), mine).send(peer.port)
        assert page.status == 200, (peer.name, page.status, page.body[:300])
        assert len(re.findall(r"<tr[ >]", page.body)) == 26, (peer.name, page.body[:3000])
        assert peer.person(o, 1) in page.body, (peer.name, page.body[:3000])
        check, elsewhere = peer.check.format(o=o), peer.check.format(o=o + 1)
        below, _ = self._log_in(peer.person(o, 3))
        asked = [(check, mine, (204,)), (elsewhere, mine, (403, 404)), (check, below, (403,)), (check, {}, (302, 401))]
        for path, headers, expected in asked:
            status = Request("GET", path, headers).send(peer.port).status
            assert status in expected, (peer.name, path, status, expected)
        wrong = self._posted_log_in(peer.admin(o), "wrong password")
        assert wrong.status in (200, 400, 401, 422), (peer.name, "wrong password", wrong.status)
        assert not (peer.csrf == "origin" and wrong.status == 200), (peer.name, "wrong password")

    def _admin(self, organization: int) -> tuple[dict[str, str], str]:
        return self._log_in(self.peer.admin(organization))

    def _log_in(self, email: str) -> tuple[dict[str, str], str]:
        """Log in as somebody; return the headers that say so, and the token of their forms."""
        answer = self._posted_log_in(email, PASSWORD)
        done = answer.status == 200 if self.peer.csrf == "origin" else answer.status in (302, 303)
        assert done, (self.peer.name, email, answer.status, answer.body[:500])
        cookies = {name: value for name, value in answer.cookies.items() if value}
        headers, token = {"Cookie": _cookie(cookies)}, ""
        if self.peer.csrf in ("header", "field"):
            given = Request("GET", "/csrf", headers).send(self.peer.port)
            assert given.status == 200, (self.peer.name, given.status, given.body[:300])
            token = given.body.strip()
            headers = {"Cookie": _cookie({**cookies, **given.cookies})}
        return headers, token

    def _posted_log_in(self, email: str, password: str) -> Answer:
        form = dict(zip(self.peer.fields, (email, password), strict=True))
        return self._post(self.peer.login, self._visitor(), form).send(self.peer.port, hash(email) % 1_000_000)

    def _visitor(self) -> tuple[dict[str, str], str]:
        """Come without being known; return the headers, and the token of the log-in form."""
        if self.peer.csrf not in ("header", "field"):
            return {}, ""
        given = Request("GET", self.peer.form, {}).send(self.peer.port)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', given.body)
        return {"Cookie": _cookie(given.cookies)}, found[1] if found else given.body.strip()

    def _post(self, path: str, who: tuple[dict[str, str], str], form: dict[str, str]) -> Request:
        headers, token = who
        if self.peer.csrf == "origin":
            origin = {"Origin": f"http://127.0.0.1:{self.peer.port}"}
            return Request("POST", path, {**headers, **origin, "Content-Type": JSON}, json.dumps(form))
        sent = {**form, "csrf_token": token} if self.peer.csrf == "field" else form
        with_token = {"X-CSRFToken": token} if self.peer.csrf == "header" else {}
        headers = {**headers, **with_token, **NETWORK, "Content-Type": FORM}
        return Request("POST", path, headers, urlencode(sent, safe="@"))

    def _about(self, form: dict[str, str], organization: int) -> dict[str, str]:
        return {name: value.format(o=organization) for name, value in form.items()}


def _cookie(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _numbered(text: str, number: int) -> str:
    for sign, value in (("N", number), ("A", number >> 16 & 255), ("B", number >> 8 & 255), ("C", number & 255)):
        text = text.replace(f"@@{sign}@@", str(value))
    return text
