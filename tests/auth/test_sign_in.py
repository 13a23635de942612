"""Logging in and out: the answers, the session, and where it leads."""

import re

import pytest

from models import User, db, transaction
from models.password import needs_upgrade
from tests.browser_like import without_tokens
from tests.factories import PASSWORD, make_user

WRONG = "The email address or password is not right."
NOT_OUR_PATHS = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/%09/evil.example",
    "/%0a/evil.example",
    "/%0d%0aSet-Cookie:x=y",
    "/\r\nSet-Cookie: x=y",
    " //evil.example",
    "%20//evil.example",
    "\x01//evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/\x00",
    "orgs",
    "/" + "a" * 3000,
    "",
]


def sids(query):
    return {sid for (sid,) in query("SELECT sid FROM sessions")}


def change(app, user, **values):
    with app.app_context(), transaction():
        for name, value in values.items():
            setattr(db.session.get_one(User, user.id), name, value)


def test_the_right_password_logs_in_and_leads_on(browser, hana):
    person = browser()
    answer = person.post("/login", email="hana.reyes@example.org", password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/")
    assert person.get("/").location == "/orgs"


def test_addresses_are_compared_without_case(browser, hana):
    assert browser().post("/login", email=" HANA.Reyes@Example.ORG ", password=PASSWORD).status_code == 303


def test_next_leads_to_where_one_was_going(browser, hana):
    person = browser()
    page = person.get("/login?next=/orgs/northfield/people%3Fpage%3D2").text
    assert 'action="/login?next=/orgs/northfield/people?page%3D2"' in page
    answer = person.post("/login?next=/orgs/northfield", email=hana.email, password=PASSWORD)
    assert answer.location == "/orgs/northfield"


@pytest.mark.parametrize("target", NOT_OUR_PATHS)
def test_next_never_leads_to_another_site(app, hana, target):
    client = app.test_client()
    token = re.search(r'csrf_token" value="(\w+)"', client.get("/login").text)[1]
    form = {"email": hana.email, "password": PASSWORD, "csrf_token": token}
    answer = client.post("/login", query_string={"next": target}, data=form)
    assert answer.status_code == 303
    assert re.fullmatch(r"/([^/\\].*)?", answer.location), answer.location
    assert "x=y" not in answer.headers.get("Set-Cookie", "")


def test_who_is_logged_in_already_goes_on(browser, hana):
    person = browser(hana)
    assert person.get("/login?next=/account").location == "/account"
    assert person.get("/signup").location == "/"


def test_wrong_password_and_unknown_address_get_the_same_bytes(browser, hana):
    person = browser()
    known = person.post("/login", email=hana.email, password="not the password").text
    unknown = person.post("/login", email="hana.rex@example.org", password="not the password").text
    assert WRONG in known
    assert without_tokens(known).replace(hana.email, "hana.rex@example.org") == without_tokens(unknown)


def test_a_refused_log_in_keeps_the_address_and_never_the_password(browser, hana):
    answer = browser().post("/login", email=hana.email, password="not the password")
    assert answer.status_code == 422
    assert f'value="{hana.email}"' in answer.text
    assert "not the password" not in answer.text
    assert 'href="#email"' in answer.text
    assert "<title>Error: Log in" in answer.text


def test_known_and_unknown_addresses_cost_the_same_statements(browser, hana, statements):
    with statements() as known:
        browser().post("/login", email=hana.email, password="not the password")
    with statements() as unknown:
        browser().post("/login", email="nobody@example.org", password="not the password")
    assert known == unknown
    assert len(known) == 3  # the look, the limits, and the count of those who were turned away


def test_logging_in_takes_two_statements_beside_the_limits(browser, hana, statements):
    with statements() as sent:
        browser().post("/login", email=hana.email, password=PASSWORD)
    assert [("rate_limits" in s, s.split()[0]) for s in sent] == [
        (False, "SELECT"),
        (True, "WITH"),
        (True, "WITH"),  # a try that was right is given back
        (False, "SELECT"),
    ]
    assert "begin_session" in sent[3]  # with its audit event and its browser, or not at all


def test_a_deactivated_account_cannot_log_in(app, browser, hana):
    change(app, hana, deactivated_at=db.func.now())
    answer = browser().post("/login", email=hana.email, password=PASSWORD)
    assert answer.status_code == 422
    assert WRONG in answer.text


def test_logging_in_gives_the_browser_a_new_id(app, browser, hana, query):
    person = browser()
    token = person.token()
    person.client.set_cookie("session", "planted-by-somebody-else")
    person.post("/login", email=hana.email, password=PASSWORD, token=token)
    assert person.cookie("session") not in (None, "planted-by-somebody-else")
    assert len(sids(query)) == 1


def test_an_id_that_we_did_not_issue_is_never_adopted(browser, hana, query):
    person = browser()
    person.client.set_cookie("session", "planted-by-somebody-else")
    assert person.get("/account").location == "/login?next=/account&why=expired"
    assert sids(query) == set()


def test_neither_the_cookie_nor_anything_like_it_is_in_the_table(browser, hana, query):
    person = browser()
    person.post("/login", email=hana.email, password=PASSWORD)
    assert person.cookie("session") not in str(query("SELECT * FROM sessions"))


def test_logging_in_upgrades_a_hash_of_older_parameters(app_with, browser, hana, query):
    stronger = app_with(argon2_passes=2)
    browser(app=stronger).post("/login", email=hana.email, password=PASSWORD)
    with stronger.app_context():
        assert not needs_upgrade(query("SELECT password_hash FROM users")[0][0])
    assert browser().post("/login", email=hana.email, password=PASSWORD).status_code == 303


def test_upgrading_a_hash_never_brings_an_older_password_back(app, hana, query):
    with app.app_context():
        late = db.session.get_one(User, hana.id)
        query("UPDATE users SET password_hash = 'newer', credential_epoch = 2")
        with transaction():
            late.upgrade_hash("older, hashed anew")
    assert query("SELECT password_hash FROM users") == [("newer",)]


def test_logging_out_ends_this_session_alone(browser, hana):
    here, there = browser(hana), browser(hana)
    answer = here.post("/logout")
    assert (answer.status_code, answer.location) == (303, "/")
    assert "You are logged out." in here.get("/").text
    assert here.get("/account").status_code == 302
    assert there.get("/account").status_code == 200


def test_the_cookie_of_an_ended_session_is_worth_nothing(browser, hana):
    person = browser(hana)
    kept = person.cookie("session")
    person.post("/logout")
    person.client.set_cookie("session", kept)
    assert person.get("/account").status_code == 302


def test_logging_out_takes_a_genuine_token(browser, hana):
    person = browser(hana)
    assert person.post("/logout", token="stale").status_code == 422
    assert person.get("/account").status_code == 200


def test_logging_out_needs_a_post(browser, hana):
    person = browser(hana)
    assert person.get("/logout").status_code == 405
    assert person.get("/account").status_code == 200


def test_a_log_in_with_a_password_changed_meanwhile_leaves_no_session(app, browser, hana, query, monkeypatch):
    def verify(*_):
        change(app, hana, credential_epoch=2)
        return True

    monkeypatch.setattr("blueprints.auth.sign_in.verify", verify)
    person = browser()
    person.post("/login", email=hana.email, password=PASSWORD)
    assert person.get("/account").status_code == 302
    assert sids(query) == set()


def test_an_idle_session_ends_and_says_so(browser, hana, query):
    person = browser(hana)
    query("UPDATE sessions SET expire = now()")
    answer = person.get("/account")
    assert answer.location == "/login?next=/account&why=expired"
    assert "You were logged out." in person.get(answer.location).text


@pytest.fixture
def over_https(app_with):
    """over_https(path, shown_on, **fields) -> what a host that is reached by https answers to a form of that page."""
    app, at = app_with(base_url="https://id.example.org"), {"base_url": "https://id.example.org"}
    client = app.test_client()

    def post(path, shown_on, **fields):
        token = re.search(r'csrf_token" value="(\w+)"', client.get(shown_on, **at).text)[1]
        return client.post(path, data={"csrf_token": token, **fields}, **at)

    return post


def session_cookie(answer):
    return next(c for c in answer.headers.getlist("Set-Cookie") if "session" in c)


def test_cookies_over_https_are_bound_to_the_host(over_https, hana):
    cookie = session_cookie(over_https("/login", "/login", email=hana.email, password=PASSWORD))
    assert cookie.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


def test_logging_out_over_https_takes_the_cookie_back(over_https, hana):
    """A browser heeds only a Secure cookie of such a name."""
    over_https("/login", "/login", email=hana.email, password=PASSWORD)
    cookie = session_cookie(over_https("/logout", "/account"))
    assert cookie.startswith("__Host-session=;")
    assert {"Secure", "Path=/", "Max-Age=0"} <= set(cookie.split("; "))


BAD = {
    "nothing": {},
    "empty": {"email": "", "password": ""},
    "long password": {"email": "hana.reyes@example.org", "password": "x" * 1025},
    "long email": {"email": "x" * 10_000 + "@example.org", "password": "y"},
    "nul": {"email": "hana\0@example.org", "password": "\0"},
    "two lines": {"email": "hana@example.org\r\nBcc: all@example.org", "password": "y"},
    "stale token": {"email": "hana.reyes@example.org", "password": PASSWORD, "token": "stale"},
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD.keys())
def test_bad_input_gets_the_form_again(browser, hana, fields):
    answer = browser().post("/login", **fields)
    assert answer.status_code == 422
    assert '<form class="stack" method="post" action="/login"' in answer.text
    assert "There is a problem" in answer.text


def test_a_huge_body_is_refused(browser, hana):
    assert browser().post("/login", email="x" * 1024 * 1024).status_code == 413


def test_a_password_with_any_characters_works(app, browser):
    odd = "  ⛵ sail\0ing \u202e wide  "
    with app.app_context():
        person = make_user("Kofi Mensah", password=odd)
    assert browser().post("/login", email=person.email, password=odd).status_code == 303
    assert browser().post("/login", email=person.email, password=odd.strip()).status_code == 422


def test_a_busy_host_says_so_and_when_to_try_again(app_with, browser, hana, monkeypatch):
    monkeypatch.setattr("models.password.QUEUE", 0)
    answer = browser().post("/login", email=hana.email, password=PASSWORD)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
