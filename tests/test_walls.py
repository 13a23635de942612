"""What keeps other sites out of ours, on every kind of answer (PROMISES.md G4, P23)."""

import pytest

from blueprints.headers import ALWAYS
from tests.doors import door_id, routes, shows
from tests.factories import PASSWORD

EVIL = "evil.example"
KINDS = {  # method, address, who asks, and the status
    "page": ("GET", "/login", "visitor", 200),
    "script": ("GET", "/static/app.js", "visitor", 200),
    "health": ("GET", "/healthz", "visitor", 200),
    "signed in": ("GET", "/account", "viewer", 200),
    "to the log-in": ("GET", "/account", "visitor", 302),
    "broken text": ("GET", "/login?next=%ff", "visitor", 400),
    "not permitted": ("GET", "/orgs/northfield/people/invite", "viewer", 403),
    "not here": ("GET", "/nowhere", "visitor", 404),
    "no such file": ("GET", "/static/../app.py", "visitor", 404),
    "a file's wrong method": ("POST", "/static/app.js", "visitor", 405),
    "wrong method": ("DELETE", "/login", "visitor", 405),
    "what is possible": ("OPTIONS", "/login", "visitor", 200),
    "without a token": ("POST", "/logout", "viewer", 422),
}


@pytest.mark.parametrize(("method", "url", "who", "status"), KINDS.values(), ids=KINDS)
def test_every_kind_of_answer_carries_the_security_headers(method, url, who, status, as_):
    answer = as_(who).client.open(url, method=method)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
    assert "Cache-Control" in answer.headers


def test_a_body_that_is_too_large_is_answered_with_them_too(as_):
    answer = as_("viewer").client.post("/account", data={"name": "x" * 5_000_000})
    assert answer.status_code == 413
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS


@pytest.mark.parametrize(("url", "status"), [("/static/new.css?v=1", 404), ("/static/app.js?\xff", 400)])
def test_what_is_missing_is_not_missed_for_a_year(url, status, as_):
    """A new file that an old process is asked for, in the middle of an update."""
    path, _, query = url.partition("?")
    answer = as_("visitor").client.get(path, environ_overrides={"QUERY_STRING": query})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (status, "no-store")
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS


def test_no_page_can_be_framed():
    assert "frame-ancestors 'none'" in ALWAYS["Content-Security-Policy"]
    assert ALWAYS["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("rule", [rule for rule in routes() if shows(rule)], ids=door_id)
def test_nothing_that_somebody_logged_in_was_shown_is_kept(rule, as_, url_of, app):
    """After logging out, going back asks again, and is asked to log in."""
    answer = as_("owner").get(url_of(rule))
    assert "no-store" in answer.headers["Cache-Control"] or rule.endpoint == "health.healthz"


# --- the names that a request gives to its server ------------------------------------------------------------------


@pytest.fixture
def told(as_):
    """told(who, method, url, headers) -> the answer; the cookies are sent whatever host is asked."""

    def ask(who, method, url, headers, **fields):
        someone = as_(who)
        cookies = "; ".join(f"{name}={someone.cookie(name)}" for name in ("session", "visitor"))
        form = {"csrf_token": someone.token(), **fields} if fields else None
        client = someone.app.test_client(use_cookies=False)
        return client.open(url, method=method, data=form, headers={"Cookie": cookies, **headers})

    return ask


@pytest.mark.parametrize("url", ["/orgs//northfield", "//evil.example/orgs", "//evil.example//", "/login/"])
def test_an_address_that_is_almost_one_leads_nowhere(url, as_):
    """Werkzeug would lead to the right one, on the host that the request names."""
    answer = as_("owner").client.get("/", environ_overrides={"PATH_INFO": url})
    assert (answer.status_code, answer.location) == (404, None)


def test_an_address_without_a_path_is_the_first_page(as_):
    """As in `GET http://evil.example HTTP/1.1`; Werkzeug would lead there."""
    answer = as_("visitor").client.get("/", environ_overrides={"PATH_INFO": "", "HTTP_HOST": EVIL})
    assert (answer.status_code, answer.location) == (200, None)


@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host", "Forwarded", "X-Original-URL"])
@pytest.mark.parametrize(("who", "url"), [("visitor", "/account"), ("owner", "/"), ("owner", "/account")])
def test_another_host_in_a_request_shows_up_nowhere(who, url, name, told):
    answer = told(who, "GET", url, {name: f"host={EVIL}" if name == "Forwarded" else EVIL})
    assert answer.status_code == (200 if (who, url) == ("owner", "/account") else 302 if who == "visitor" else 303)
    assert EVIL not in f"{answer.headers}{answer.text}"


@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host"])
def test_a_mailed_link_leads_here_whatever_host_was_asked(name, told, link):
    assert told("visitor", "POST", "/forgot-password", {name: EVIL}, email="hana.reyes@example.org").status_code == 200
    assert link().startswith("/reset-password/")  # after http://localhost


# --- forms of other sites ------------------------------------------------------------------------------------------

LOG_IN = {"email": "hana.reyes@example.org", "password": PASSWORD}
ELSEWHERE = [
    {"Origin": f"https://{EVIL}"},
    {"Origin": "http://["},  # which urlsplit() cannot read
    {"Origin": f"http://localhost@{EVIL}"},
    {"Origin": "localhost"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
]


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
@pytest.mark.parametrize(("who", "url", "fields"), [("visitor", "/login", LOG_IN), ("viewer", "/logout", {})])
def test_no_other_site_logs_anybody_in_or_out(who, url, fields, headers, as_):
    someone = as_(who)
    answer = someone.client.post(url, data={"csrf_token": someone.token(), **fields}, headers=headers)
    assert answer.status_code == 403
    assert (someone.get("/account").status_code == 200) == (who == "viewer")


@pytest.mark.parametrize("token", ["", "0" * 64, "ü\0"])
@pytest.mark.parametrize(("who", "url", "fields"), [("visitor", "/login", LOG_IN), ("viewer", "/logout", {})])
def test_nobody_is_logged_in_or_out_without_the_token(who, url, fields, token, as_):
    someone = as_(who)
    assert someone.post(url, token=token, **fields).status_code == 422
    assert (someone.get("/account").status_code == 200) == (who == "viewer")


def test_the_token_of_another_browser_is_none(as_, browser):
    assert as_("viewer").post("/logout", token=as_("owner").token()).status_code == 422
    assert browser().post("/login", token=browser().token(), **LOG_IN).status_code == 422
