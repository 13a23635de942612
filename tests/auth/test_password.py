"""A forgotten password: the mailed link, and a new one by it."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import g

from models import OneTimeToken, User, db, transaction
from tests.browser_like import without_tokens
from tests.factories import PASSWORD

NEW = "a brand new sailing boat"


@pytest.fixture
def reset_link(browser, hana, link):
    browser().post("/forgot-password", email=hana.email)
    return link()


def test_a_link_is_mailed_to_the_account(browser, hana, mails):
    answer = browser().post("/forgot-password", email="HANA.reyes@example.org")
    assert answer.status_code == 200
    assert "If an account uses <strong>HANA.reyes@example.org</strong>, we sent a link" in answer.text
    assert [(mail["To"], mail["Subject"]) for mail in mails()] == [(hana.email, "Reset your password")]


def test_known_and_unknown_addresses_get_the_same_bytes_and_statements(browser, hana, mails, statements):
    with statements() as for_known:
        known = browser().post("/forgot-password", email=hana.email)
    with statements() as for_unknown:
        unknown = browser().post("/forgot-password", email="hana.reyez@example.org")
    assert without_tokens(known.text).replace("reyes", "reyez") == without_tokens(unknown.text)
    assert list(for_known) == list(for_unknown)
    assert [mail["To"] for mail in mails()] == [hana.email]


def test_a_clock_that_is_set_back_meanwhile_keeps_nobody_waiting(app_with, browser):
    app = app_with()
    app.before_request(lambda: setattr(g, "began", g.began + 24 * 3600))
    began = time.monotonic()
    assert browser(app=app).post("/forgot-password", email="nobody@example.org").status_code == 200
    assert time.monotonic() - began < 5


def test_a_token_for_nobody_opens_nothing(app, browser, query):
    browser().post("/forgot-password", email="nobody@example.org")
    assert query("SELECT user_id FROM one_time_tokens") == [(None,)]
    with app.app_context():
        text = db.session.scalar(db.select(OneTimeToken)).text
    assert browser().get(f"/reset-password/{text}").status_code == 410


def test_a_deactivated_account_gets_no_link(browser, hana, mails, query):
    query("UPDATE users SET deactivated_at = now()")
    browser().post("/forgot-password", email=hana.email)
    assert mails() == []


def test_opening_the_link_changes_nothing(browser, reset_link, statements, query):
    before = query("SELECT * FROM one_time_tokens")
    with statements() as sent:
        page = browser().get(reset_link)
    assert page.status_code == 200
    assert len(sent) == 2
    assert not sent.writes
    assert query("SELECT * FROM one_time_tokens") == before


def test_the_page_tells_nobody_its_address(browser, reset_link):
    page = browser().get(reset_link)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert 'autocomplete="username"' in page.text


def test_the_new_password_works_and_the_old_one_does_not(browser, hana, reset_link):
    answer = browser().post(reset_link, password=NEW)
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser().post("/login", email=hana.email, password=NEW).status_code == 303
    assert browser().post("/login", email=hana.email, password=PASSWORD).status_code == 422


def test_resetting_logs_in_here_and_out_everywhere_else(browser, hana, reset_link):
    elsewhere, here = [browser(hana) for _ in range(5)], browser()
    here.post(reset_link, password=NEW)
    assert "Password changed. Other devices were logged out." in here.get("/account").text
    assert [person.get("/account").status_code for person in elsewhere] == [302] * 5


def test_resetting_goes_on_to_an_invitation_that_waits(browser, reset_link):
    person = browser()
    person.client.set_cookie("invitation", "anything")
    assert person.post(reset_link, password=NEW).location == "/invitation"


def test_the_owner_is_told(browser, hana, reset_link, mails):
    browser().post(reset_link, password=NEW)
    assert (mails()[-1]["To"], mails()[-1]["Subject"]) == (hana.email, "Your password was changed")


def test_resetting_proves_the_address(browser, query, hana, reset_link):
    query("UPDATE users SET email_verified_at = NULL")
    browser().post(reset_link, password=NEW)
    assert query("SELECT email_verified_at IS NOT NULL FROM users") == [(True,)]


def test_of_fifty_at_once_one_sets_the_password(browser, hana, reset_link, query):
    def reset(number):
        return browser().post(reset_link, password=f"sailing boat number {number}").status_code

    with ThreadPoolExecutor(50) as pool:
        codes = list(pool.map(reset, range(50)))
    assert codes.count(303) == 1
    assert set(codes) <= {303, 410, 503}
    assert query("SELECT credential_epoch FROM users") == [(2,)]
    assert query("SELECT count(*) FROM sessions") == [(1,)]
    winner = codes.index(303)
    assert browser().post("/login", email=hana.email, password=f"sailing boat number {winner}").status_code == 303


def spent(browser, hana, query, link):
    browser().post(link, password=NEW)


def expired(browser, hana, query, link):
    query("UPDATE one_time_tokens SET expires_at = now()")


def replaced(browser, hana, query, link):
    browser().post("/forgot-password", email=hana.email)


def overtaken(browser, hana, query, link):
    browser(hana).post("/account/security", current_password=PASSWORD, password=NEW)


def deactivated(browser, hana, query, link):
    query("UPDATE users SET deactivated_at = now()")


@pytest.mark.parametrize("end", [spent, expired, replaced, overtaken, deactivated])
def test_a_dead_link_says_so_and_offers_another(browser, hana, query, reset_link, end):
    end(browser, hana, query, reset_link)
    before = query("SELECT password_hash FROM users")
    for page in (browser().get(reset_link), browser().post(reset_link, password="and yet another one")):
        assert page.status_code == 410
        assert "This link no longer works" in page.text
        assert 'href="/forgot-password"' in page.text
    assert query("SELECT password_hash FROM users") == before


@pytest.mark.parametrize("token", ["x", "A" * 64, "é", "%00", "%ff%fe", "A" * 5000])
def test_a_link_that_we_never_made_is_a_dead_one(browser, token):
    assert browser().get(f"/reset-password/{token}").status_code == 410
    assert browser().post(f"/reset-password/{token}", password=NEW).status_code == 410


def test_a_link_for_one_purpose_is_worth_nothing_for_another(app, browser, hana, reset_link):
    with app.app_context(), transaction():
        other = OneTimeToken.issue("something else", hana.id, db.text("interval '1 hour'"))
        text = other.text
    assert browser().get(f"/reset-password/{text}").status_code == 410
    assert browser().get(reset_link.replace("reset-password", "verify-email")).status_code == 410


def test_a_dump_of_the_database_holds_no_link_that_works(reset_link, query):
    token = reset_link.rsplit("/", 1)[1]
    for table in ("one_time_tokens", "outgoing_mail"):
        assert token not in str(query(f"SELECT * FROM {table}"))


BAD = {
    "nothing": {"password": ""},
    "short": {"password": "eleven chrs"},
    "too long": {"password": "abcde" * 205},
    "their address": {"password": "hana.reyes@example.org"},
    "common": {"password": "passwordpassword"},
    "stale token": {"password": NEW, "token": "stale"},
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD.keys())
def test_bad_input_gets_the_form_again_and_keeps_the_link(browser, reset_link, fields):
    answer = browser().post(reset_link, **fields)
    assert answer.status_code == 422
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert NEW not in answer.text
    assert browser().post(reset_link, password=NEW).status_code == 303


@pytest.mark.parametrize("email", ["", "hana", "a\0@example.org", "\ufffd@example.org", "x" * 10_000 + "@example.org"])
def test_what_is_no_address_gets_the_form_again(browser, email, query):
    answer = browser().post("/forgot-password", email=email)
    assert answer.status_code == 422
    assert "Enter an email address in the format name@example.com" in answer.text
    assert query("SELECT count(*) FROM outgoing_mail") == [(0,)]


def test_a_stale_token_keeps_the_address(browser, hana, query):
    answer = browser().post("/forgot-password", email=hana.email, token="stale")
    assert answer.status_code == 422
    assert f'value="{hana.email}"' in answer.text
    assert query("SELECT count(*) FROM outgoing_mail") == [(0,)]


def test_a_session_never_outlives_a_change_that_overtook_it(app, hana, query):
    with app.app_context():
        user = db.session.get_one(User, hana.id)
        with transaction():
            user.choose_password("one hash")
        query("UPDATE users SET credential_epoch = 9")
        assert user.credential_epoch == 2
