"""One line a request, with what the host wants to know, and no secret (docs: README, "What happens")."""

import io
import json
import logging
import re

import pyotp
import pytest

from models.second_factor import STEP
from runtime import logs
from tests.factories import PASSWORD

NEW = "a new and quiet password"
EMAIL = "ana.silva@example.com"
FACTS = {"time", "level", "logger", "request_id", "user", "organization", "method", "route", "status"} | {
    *("statements", "database_ms", "ms"),
}


@pytest.fixture
def production(app_with):
    return app_with(freehold_env="production")


@pytest.fixture
def lines(capsys):
    """lines() -> what was logged since, each line read as JSON."""
    capsys.readouterr()
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture
def errors():
    """What the application's loggers write, as they do in production."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.Json())
    logging.getLogger("freehold").addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger("freehold").removeHandler(handler)


class Listener:
    """Keeps every cookie that is given out."""

    def __init__(self, app):
        self.inner, self.cookies = app, set()

    def __call__(self, environ, start_response):
        def start(status, headers, *error):
            given = [value.partition(";")[0].partition("=") for name, value in headers if name == "Set-Cookie"]
            self.cookies |= {value for _, _, value in given if len(value) > 5}
            return start_response(status, headers, *error)

        return self.inner(environ, start)


def test_a_line_says_who_asked_what_where_and_what_it_took(production, northfield, browser, lines, statements):
    amara = browser(northfield.owner, app=production)
    lines()
    with statements() as sent:
        answer = amara.get("/orgs/northfield/people?q=hana")
    [line] = lines()
    assert set(line) == FACTS
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert (line["user"], line["organization"]) == (str(northfield.owner.id), str(northfield.organization.id))
    assert (line["method"], line["route"], line["status"]) == ("GET", "/orgs/<slug:slug>/people", 200)
    assert line["statements"] == len(sent) == 2
    assert 0 < line["database_ms"] < line["ms"]


def test_a_change_and_its_commit_are_counted_too(production, northfield, browser, lines, statements):
    amara = browser(northfield.owner, app=production)
    lines()
    with statements() as sent:
        assert amara.post("/orgs/northfield/projects/new", name="Harbour").status_code == 303
    [line] = lines()
    assert line["statements"] == len(sent) > 2


def test_a_visitors_line_names_nobody(production, browser, lines):
    browser(app=production).get("/login")
    [line] = lines()
    assert (line["user"], line["organization"], line["statements"]) == (None, None, 0)


def test_static_files_and_healthz_write_no_line(production, browser, lines):
    for url in ("/static/ui.css", "/healthz"):
        assert browser(app=production).get(url).status_code == 200
    assert lines() == []


@pytest.mark.parametrize("method", ["GET", "BREW"])
def test_what_has_no_route_is_told_without_its_path(production, lines, method):
    production.test_client().open("/reset-pasword/abcdef?email=ana@example.com", method=method)
    [line] = lines()
    assert (line["route"], line["method"]) == ("", "GET" if method == "GET" else "other")
    assert line["status"] in (404, 405)


def test_in_development_people_can_read_it(app, northfield, browser, capsys):
    amara = browser(northfield.owner)
    capsys.readouterr()
    answer = amara.get("/orgs/northfield/people?q=hana")
    [line] = capsys.readouterr().err.splitlines()
    assert re.match(r"\d\d:\d\d:\d\d 200 GET /orgs/<slug:slug>/people [\d.]+ ms, 2 statements in [\d.]+ ms ", line)
    assert answer.headers["X-Request-Id"] in line


def test_no_line_of_a_tour_holds_a_secret(production, northfield, browser, link, errors, capsys, query):
    listener = production.wsgi_app = Listener(production.wsgi_app)
    secrets = {PASSWORD, NEW, "wrong guess here", EMAIL, "example.org", "example.com", "q=", "next=", "Ana", "Silva"}
    ana = browser(app=production)

    def follow(path):
        secrets.add(path.rpartition("/")[2])
        return ana.get(path)

    ana.post("/signup", email=EMAIL, name="Ana Silva", password=PASSWORD)
    confirm = link()
    assert follow(confirm).status_code == 200
    assert ana.post(confirm).status_code == 303
    ana.get("/orgs?next=/account")
    ana.post("/logout")
    ana.post("/login", email=EMAIL, password="wrong guess here")
    assert ana.post("/login?next=/account", email=EMAIL, password=PASSWORD).status_code == 303
    page = ana.get("/account/security/two-step").text
    key = "".join(re.search(r'id="key" value="([A-Z2-7 ]+)"', page)[1].split())
    sealed = re.search(r'name="secret" value="([^"]+)"', page)[1]
    code = pyotp.TOTP(key, interval=STEP).now()
    ana.post("/account/security/two-step", secret=sealed, code=code, current_password=PASSWORD)
    recovery = re.findall(r"<code>([a-z2-7]{5}-[a-z2-7]{5})</code>", ana.get("/account/security/recovery-codes").text)
    ana.post("/logout")
    assert ana.post("/login", email=EMAIL, password=PASSWORD).location.startswith("/login/2fa")
    assert ana.post("/login/2fa", code=recovery[0]).status_code == 303
    ana.post("/logout")
    ana.post("/forgot-password", email=EMAIL)
    reset = link()
    assert follow(reset).status_code == 200
    assert ana.get(f"{reset}/?mistyped={EMAIL}").status_code == 404
    assert ana.post(reset, password=NEW).status_code == 303
    amara = browser(northfield.owner, app=production)
    amara.post("/orgs/northfield/people/invite", emails="invited@example.com", role="VIEWER")
    secrets |= {"invited@"}
    invitation = link()
    assert follow(invitation).status_code == 303
    assert ana.get("/invitation").status_code == 200
    amara.get("/orgs/northfield/people?q=hana.reyes%40example.org")
    secrets |= {key, sealed, *recovery, *listener.cookies}

    text = capsys.readouterr().err + "\n".join(map(json.dumps, errors()))
    told = [json.loads(line) for line in text.splitlines()]
    assert len(told) > 20
    assert {"/reset-password/<token>", "/invitations/<token>", "/login/2fa"} <= {line.get("route") for line in told}
    assert [secret for secret in secrets if secret in text] == []
    assert len(listener.cookies) > 5


def test_an_unexpected_error_carries_the_requests_id_and_no_path(production, monkeypatch, lines, errors):
    value = "somebody"

    def faulty(**_):
        raise RuntimeError(f"what is wrong with ana@example.com\nDETAIL: Key (email_key)=({value}) exists")

    faulty.gate = "bare"
    monkeypatch.setitem(production.view_functions, "auth.reset_password", faulty)
    answer = production.test_client().get("/reset-password/abcdef?x=y")
    [line], [error] = lines(), errors()
    assert answer.status_code == line["status"] == 500
    assert line["request_id"] == error["request_id"] == answer.headers["X-Request-Id"]
    assert f"Reference {error['request_id']}" in answer.text
    assert line["level"] == "info"
    assert "RuntimeError: what is wrong with (address)" in error["exception"]
    assert "in faulty" in error["exception"]
    assert not [word for word in ("abcdef", "x=y", "ana@", "somebody") if word in json.dumps(error)]


def test_the_causes_of_an_error_are_told():
    def fail():
        try:
            raise KeyError("first")
        except KeyError as cause:
            raise ValueError("second") from cause

    with pytest.raises(ValueError, match="second") as caught:
        fail()
    error = caught.value
    told = logs.Json().formatException((type(error), error, error.__traceback__))
    assert told.index("builtins.ValueError: second") < told.index("builtins.KeyError: 'first'")


@pytest.mark.parametrize(
    ("message", "args", "told"),
    [
        ("Invalid request from ip=::1: Invalid HTTP Header: 'COOKIE: session=abc'", (), "ip=::1: Invalid HTTP Header"),
        ("Invalid request from ip=192.0.2.1: Invalid HTTP request line: 'GET /x/abc'", (), "Invalid HTTP request line"),
        ("Error handling request %s %s", ("GET", "/reset-password/abc"), "Error handling a request"),
        ("Worker (pid:%s) was sent SIGKILL!", (7,), "Worker (pid:7) was sent SIGKILL!"),
    ],
)
def test_the_web_servers_own_lines_do_not_repeat_the_client(message, args, told):
    record = logging.LogRecord("gunicorn.error", logging.WARNING, "", 1, message, args, None)
    line = json.loads(logs.Json().format(record))
    assert line["message"].endswith(told)
    assert "abc" not in line["message"]
