"""A lockout is no weapon (PROMISES.md P14): known browsers, the mail with a way in, and the mail about a new one."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from models import housekeeping
from tests.factories import PASSWORD

EMAIL, WRONG = "hana.reyes@example.org", "not the password"
NEW = "a new and quiet password"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def log_in(person, password=PASSWORD, email=EMAIL):
    return person.post("/login", email=email, password=password)


@pytest.fixture
def known(browser, hana):
    """A browser in which Hana logged in, and out again."""
    person = browser().at("192.0.2.1")
    log_in(person)
    person.post("/logout")
    return person


@pytest.fixture
def hammer(browser):
    """hammer(times) -> the answers to that many wrong passwords from fifty addresses."""

    def strike(times, email=EMAIL, addresses=50):
        bots = [browser().at(f"198.51.100.{number}") for number in range(addresses)]
        tokens = [bot.token() for bot in bots]

        def guess(n):
            one = n % addresses
            return bots[one].post("/login", email=email, password=WRONG, token=tokens[one])

        with ThreadPoolExecutor(4) as pool:
            return [answer.status_code for answer in pool.map(guess, range(times))]

    return strike


@pytest.fixture
def subjects(mails):
    return lambda: [str(mail["Subject"]) for mail in mails()]


NEW_LOG_IN, GUESSES = "New log-in to your account", "Somebody tries to guess your password"


# --- while others guess -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("guesses", "log_ins"), [(100, 10), pytest.param(1000, 100, marks=pytest.mark.long)])
def test_the_owner_comes_in_where_they_were_before_while_a_botnet_guesses(guesses, log_ins, known, hammer):
    hammer(60)  # the account's tries are used up
    with ThreadPoolExecutor(1) as pool:
        meanwhile = pool.submit(hammer, guesses)
        answers = []
        for _ in range(log_ins):
            answers.append(log_in(known).status_code)
            known.post("/logout")
        assert set(meanwhile.result()) == {429}
    assert answers == [303] * log_ins


def test_and_elsewhere_by_the_mailed_link(hana, hammer, browser, link, subjects, query):
    assert set(hammer(60)) == {422, 429}
    elsewhere = browser().at("203.0.113.1")
    assert log_in(elsewhere).status_code == 429
    assert subjects() == [GUESSES]
    path = link()
    assert "Let this browser log in" in elsewhere.get(path).text
    assert log_in(elsewhere).status_code == 429  # the link alone changes nothing
    answer = elsewhere.post(path)
    assert (answer.status_code, answer.location) == (303, "/login")
    assert elsewhere.get("/account").status_code == 302  # it logs nobody in
    assert "You can log in here now" in elsewhere.get("/login").text
    assert log_in(elsewhere, WRONG).status_code == 422
    assert log_in(elsewhere).status_code == 303
    assert log_in(browser().at("203.0.113.2")).status_code == 429
    assert query("SELECT message FROM outgoing_mail") == [("log_in_stopped",)]  # once a day, and it is no new browser


def test_the_link_works_once(hana, hammer, browser, link):
    hammer(60)
    path = link()
    first, second = browser(), browser()
    assert first.post(path).status_code == 303
    for answer in (first.get(path), first.post(path), second.post(path)):
        assert answer.status_code == 410
        assert "This link no longer works" in answer.text
    assert log_in(second.at("203.0.113.1")).status_code == 429


def test_the_link_leaves_an_event_and_needs_our_form(hana, hammer, browser, link, query):
    hammer(60)
    person, path = browser(), link()
    assert person.post(path, token="stale").status_code == 422
    person.post(path)
    events = query("SELECT actor_id, subject_id FROM audit_events WHERE action = 'browser.unlocked'")
    assert events == [(hana.id, hana.id)]


@pytest.mark.parametrize("change", ["expires_at = now()", "used_at = now()", "purpose = 'password-reset'"])
def test_a_link_that_is_over_lets_nobody_in(change, hana, hammer, browser, link, query):
    hammer(60)
    path = link()
    query(f"UPDATE one_time_tokens SET {change}")
    assert browser().post(path).status_code == 410
    assert query("SELECT count(*) FROM known_browsers") == [(0,)]


def test_an_address_of_nobody_is_stopped_alike_and_mails_nobody(hana, hammer, browser, query, mails, statements):
    for email in (EMAIL, "hana.rexes@example.org"):
        hammer(31, email, 31)
    assert query("SELECT message, count(*) FROM outgoing_mail GROUP BY 1") == [("log_in_stopped", 2)]
    assert len(mails()) == 1
    sent = []
    for email in (EMAIL, "hana.rexes@example.org"):
        with statements() as counted:
            log_in(browser().at("203.0.113.1"), email=email)
        sent.append(list(counted))
    assert sent[0] == sent[1]


def test_a_stolen_cookie_is_no_free_pass(known, hammer):
    hammer(60)
    answers = [log_in(known.at(f"203.0.113.{n}"), WRONG).status_code for n in range(14)]
    assert answers == [422] * 10 + [429] * 4


def test_a_browser_is_known_to_its_own_account_alone(known, hammer, account):
    other = account()
    hammer(60, other.email)
    assert log_in(known, email=other.email).status_code == 429


def test_another_network_that_others_used_up_stops_no_known_browser(known, browser):
    for number in range(50):
        log_in(browser().at("192.0.2.1"), email=f"{number}@example.org")
    assert log_in(browser().at("192.0.2.1")).status_code == 429
    assert log_in(known).status_code == 303


# --- which browsers are known -----------------------------------------------------------------------------------


def test_what_the_database_keeps_works_as_no_cookie(known, query, browser, hammer):
    value = known.cookie("browser")
    assert re.fullmatch(r"[\w-]{43}", value)
    assert value not in str(query("SELECT * FROM known_browsers"))
    hammer(60)
    ((mac,),) = query("SELECT encode(mac, 'hex') FROM known_browsers")
    for planted in (mac, mac[:43], "", "x" * 43, "é", "x" * 2000):
        person = browser().at("203.0.113.1")
        person.client.set_cookie("browser", planted)
        assert log_in(person).status_code == 429


def test_a_cookie_that_we_did_not_make_is_not_kept(browser, hana):
    person = browser()
    person.client.set_cookie("browser", "planted")
    log_in(person)
    assert re.fullmatch(r"[\w-]{43}", person.cookie("browser"))


def test_the_cookie_is_for_us_alone_and_stays(app_with, hana):
    app, at = app_with(base_url="https://id.example.org"), {"base_url": "https://id.example.org"}
    client = app.test_client()
    token = re.search(r'csrf_token" value="(\w+)"', client.get("/login", **at).text)[1]
    answer = client.post("/login", data={"csrf_token": token, "email": EMAIL, "password": PASSWORD}, **at)
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if "browser" in c)
    assert cookie.startswith("__Host-browser=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=31536000"} <= set(cookie.split("; "))


def test_a_new_password_ends_them_but_for_where_it_was_chosen(known, browser, hammer):
    here = browser().at("203.0.113.9")
    log_in(here)
    here.post("/account/security", current_password=PASSWORD, password=NEW)
    here.post("/logout")
    hammer(60)
    assert log_in(known, NEW).status_code == 429
    assert log_in(here, NEW).status_code == 303


def test_they_end_by_the_clock_of_the_database(known, hammer, query):
    assert query("SELECT expires_at - created_at = interval '90 days' FROM known_browsers") == [(True,)]
    hammer(60)
    query("UPDATE known_browsers SET expires_at = now()")
    assert log_in(known).status_code == 429


def test_they_end_with_the_account(known, query):
    log_in(known)
    known.post("/account/delete", current_password=PASSWORD)
    assert query("SELECT count(*) FROM known_browsers") == [(0,)]


def test_an_account_knows_twenty_at_most_those_used_last(browser, hana, query):
    first = browser()
    log_in(first)
    for number in range(22):
        log_in(browser().at(f"192.0.2.{number}"))
    assert query("SELECT count(*) FROM known_browsers") == [(20,)]
    ((oldest,),) = query("SELECT min(created_at) > (SELECT min(created_at) FROM sessions) FROM known_browsers")
    assert oldest


def test_what_is_over_is_swept(known, app, query):
    query("UPDATE known_browsers SET expires_at = now() - interval '1 second'")
    with app.app_context():
        assert housekeeping.prune()["known browsers"] == 1


def test_no_row_without_a_session(app, browser, hana, query, monkeypatch):
    def verify(*_):
        query("UPDATE users SET credential_epoch = 2")
        return True

    monkeypatch.setattr("blueprints.auth.sign_in.verify", verify)
    log_in(browser())
    assert query("SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM known_browsers)") == [(0, 0)]


# --- the mail about a new one -----------------------------------------------------------------------------------


def test_a_log_in_elsewhere_is_told_once(known, browser, mails, subjects):
    elsewhere = browser().at("203.0.113.7")
    elsewhere.client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    log_in(elsewhere)
    assert subjects() == [NEW_LOG_IN]
    for part in ("plain", "html"):
        body = mails()[0].get_body((part,)).get_content()
        assert "Firefox on Linux" in body
        assert "203.0.113.7" in body
        assert re.search(r"\d\d:\d\d UTC", body)
        assert "http://localhost/account/sessions" in body
        assert "http://localhost/forgot-password" in body
    assert mails()[0]["To"] == EMAIL
    for _ in range(3):
        elsewhere.post("/logout")
        log_in(elsewhere)
    log_in(known)
    assert subjects() == [NEW_LOG_IN]


def test_the_first_log_in_of_an_account_is_told_nobody(browser, hana, link, subjects):
    log_in(browser())
    person = browser()
    person.post("/signup", email="ana@example.org", name="Ana", password=NEW)
    person.post(link())
    assert NEW_LOG_IN not in subjects()


def test_a_new_password_tells_nothing_of_where_it_was_chosen_before(known, subjects):
    log_in(known)
    known.post("/account/security", current_password=PASSWORD, password=NEW)
    known.post("/logout")
    log_in(known, NEW)
    assert subjects() == ["Your password was changed"]


def test_it_is_told_although_the_password_was_changed_since(known, browser, subjects):
    thief = browser()
    log_in(thief)
    thief.post("/account/security", current_password=PASSWORD, password=NEW)
    assert subjects() == [NEW_LOG_IN, "Your password was changed"]


def test_a_wrong_password_tells_nothing(known, browser, mails):
    log_in(browser(), WRONG)
    assert mails() == []
