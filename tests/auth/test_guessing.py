"""Guessing is capped, exactly, wherever it is tried (PROMISES.md P13); who is stopped is told, and loses no text."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest

from models import limits, password
from models.network import networks
from models.rate_limit import Taken, take_all
from runtime import database
from tests.factories import PASSWORD

EMAIL, WRONG = "hana.reyes@example.org", "not the password"
NEW = "a new and quiet password"
AT_ONCE = 60
MINUTE = 60.0  # seconds


@pytest.fixture
def hashed(monkeypatch):
    """The passwords that reached the hash."""
    seen, matches = [], password._matches
    monkeypatch.setattr(password, "_matches", lambda known, typed: (seen.append(typed), matches(known, typed))[1])
    return seen


@pytest.fixture
def crowd():
    """crowd(function) -> what it returned to each of sixty threads that began together, with their number."""

    def together(function):
        start = Barrier(AT_ONCE)

        def one(number):
            start.wait()
            return function(number)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(one, range(AT_ONCE)))

    return together


def ip(number):
    return f"198.51.100.{number}"


HERE = ip(1)
NOBODY = UUID(int=0)
COUNTED = {
    "one account from one network": (lambda _: limits.trying(EMAIL, HERE), 5),
    "one account from many": (lambda n: limits.trying(EMAIL, ip(n)), 30),
    "many accounts from one network": (lambda n: limits.trying(f"{n}@example.org", HERE), 50),
    "a known browser": (lambda _: [limits.trying_where_known(NOBODY)], 10),
    "a present password": (lambda _: [limits.proving(NOBODY)], 10),
    "passwords from one network": (lambda _: limits.choosing(HERE), 50),
    "mails to one address": (lambda n: limits.mailing("sign-up", EMAIL, ip(n)), 5),
    "mails from one network": (lambda n: limits.mailing("reset", f"{n}@example.org", HERE), 50),
    "mails about guesses": (lambda _: [limits.telling(EMAIL)], 1),
}


@pytest.mark.parametrize(("claims", "allowed"), COUNTED.values(), ids=COUNTED)
def test_of_sixty_at_once_exactly_as_many_as_there_are_get_one(claims, allowed, app, crowd):
    def one(number):
        with app.app_context():
            return isinstance(take_all(claims(number)), Taken)

    assert sum(crowd(one)) == allowed


@pytest.fixture
def guessers(app_with, browser, hana, monkeypatch):
    """As many browsers, of an application with connections for all and time to open them."""
    monkeypatch.setattr(database, "POOL_TIMEOUT", MINUTE)
    roomy = app_with(database_pool=30)
    return [browser(app=roomy) for _ in range(AT_ONCE)]


@pytest.mark.parametrize("email", [EMAIL, "nobody.here@example.org"])
@pytest.mark.parametrize(("address", "allowed"), [(lambda _: HERE, 5), (ip, 30)], ids=["one network", "many"])
def test_of_sixty_guesses_at_once_as_many_reach_the_hash(email, address, allowed, guessers, hashed, crowd):
    tokens = [guesser.at(address(number)).token() for number, guesser in enumerate(guessers)]

    def guess(n):
        return guessers[n].post("/login", email=email, password=WRONG, token=tokens[n])

    answers = [answer.status_code for answer in crowd(guess)]
    assert len(hashed) == allowed
    assert (answers.count(422), answers.count(429)) == (allowed, AT_ONCE - allowed)


def test_at_most_a_hundred_guesses_a_day_at_one_account_all_doors_together():
    doors = (limits.TRIES_OF_ACCOUNT, limits.TRIES_OF_BROWSER, limits.PROOFS_OF_ACCOUNT)
    assert sum(2 * limit.burst for limit in doors) <= 100
    assert {limit.period for limit in doors} == {limits.DAY}


def test_at_most_ten_guesses_in_five_minutes_from_one_network(browser, hana, hashed, query):
    guesser = browser()
    for _ in range(5 * 60):  # a guess each second, as the counts know the time
        guesser.post("/login", email=EMAIL, password=WRONG)
        query("UPDATE rate_limits SET tat = tat - interval '1 second'")
    assert 9 <= len(hashed) <= 10


@pytest.mark.parametrize("hx", [False, True])
def test_who_is_stopped_is_told_until_when_and_keeps_what_was_typed(browser, hana, hx):
    guesser = browser()
    for _ in range(5):
        assert guesser.post("/login", email=EMAIL, password=WRONG, hx=hx).status_code == 422
    answer = guesser.post("/login", email=EMAIL, password=PASSWORD, hx=hx)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert re.search(r"Too many attempts\. Try again after \d\d:\d\d UTC \(in [\w ]+\)\.", answer.text)
    assert f'value="{EMAIL}"' in answer.text
    assert PASSWORD not in answer.text
    assert guesser.get("/login").status_code == 200


def test_a_right_password_is_no_guess(browser, hana):
    for _ in range(12):
        assert browser().post("/login", email=EMAIL, password=PASSWORD).status_code == 303


def test_a_right_password_gives_nothing_back_to_the_network(browser, hana, query):
    for number in range(50):
        browser().post("/login", email=f"{number}@example.org", password=WRONG)
    query("UPDATE rate_limits SET tat = tat - interval '6 seconds'")
    assert browser().post("/login", email=EMAIL, password=PASSWORD).status_code == 303
    assert browser().post("/login", email=EMAIL, password=PASSWORD).status_code == 429


def test_spelling_the_address_otherwise_is_no_other_account(browser, hana, hashed):
    for n in range(8):
        browser().post("/login", email=f" HANA.{'Reyes' if n % 2 else 'REYES'}@example.org", password=WRONG)
    assert len(hashed) == 5


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", (False, None)),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::1", (True, True)),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", (False, True)),
        ("2001:db8:1::1", "2001:db8:2::1", (False, False)),
        ("::ffff:192.0.2.1", "192.0.2.1", (True, None)),
        ("fe80::1%eth0", "fe80::1%eth1", (True, True)),
        (None, "", (True, None)),
        ("unknown", "192.0.2.1", (False, None)),
    ],
)
def test_networks(one, other, same):
    (near, around), (other_near, other_around) = networks(one), networks(other)
    assert (near == other_near, around == other_around if around and other_around else None) == same


def test_a_walk_through_a_48_meets_the_wider_limit(app):
    with app.app_context():
        taken = [isinstance(take_all(limits.choosing(f"2001:db8:0:{n:x}::1")), Taken) for n in range(510)]
    assert taken.index(False) in (500, 501)


def test_behind_a_proxy_it_is_the_clients_address_that_counts(app_with, browser, hana, hashed):
    trusting = browser(app=app_with(trusted_proxies=1))
    form = {"email": EMAIL, "password": WRONG, "csrf_token": trusting.token()}
    for n in range(12):
        forged = {"X-Forwarded-For": f"203.0.113.{n}, {ip(n % 2)}"}  # the last one is the proxy's word
        trusting.client.post("/login", data=form, headers=forged)
    assert len(hashed) == 10


def test_without_a_trusted_proxy_nobody_chooses_their_address(browser, hana, hashed):
    guesser = browser()
    form = {"email": EMAIL, "password": WRONG, "csrf_token": guesser.token()}
    for n in range(12):
        guesser.client.post("/login", data=form, headers={"X-Forwarded-For": ip(n)})
    assert len(hashed) == 5


SESSIONS = {
    "/account/security": {"password": NEW},
    "/account/delete": {},
    "/orgs/northfield/settings/delete": {"confirm": "northfield"},
}


@pytest.mark.parametrize("door", SESSIONS)
def test_a_session_has_ten_tries_of_the_password_a_day(door, as_, hashed):
    owner = as_("owner")
    answers = [owner.post(door, current_password=WRONG, **SESSIONS[door]) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429] * 2
    assert len(hashed) == 10
    assert "Too many attempts. Try again after" in answers[-1].text


def test_a_right_present_password_is_no_guess(as_):
    viewer = as_("viewer")
    current, other = PASSWORD, NEW
    for _ in range(12):
        answer = viewer.post("/account/security", current_password=current, password=other)
        assert answer.status_code == 303
        current, other = other, current


@pytest.mark.parametrize("email", [EMAIL, "nobody.here@example.org"])
@pytest.mark.parametrize("door", ["/forgot-password", "/signup"])
def test_a_mailbox_is_not_flooded(door, email, browser, hana, query):
    fields = {"/forgot-password": {}, "/signup": {"name": "Hana", "password": NEW}}[door]
    answers = [browser().at(ip(n)).post(door, email=email, **fields) for n in range(7)]
    assert [answer.status_code for answer in answers[5:]] == [429] * 2
    assert f'value="{email}"' in answers[-1].text
    assert query("SELECT count(*) FROM outgoing_mail") == [(5,)]


def test_the_mail_of_a_sign_up_is_sent_again_a_few_times(browser, query):
    person = browser()
    person.post("/signup", email=EMAIL, name="Hana", password=NEW)
    answers = [person.post("/signup/check-email") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [303] * 4 + [429]
    assert "Try again after" in answers[-1].text
    assert query("SELECT count(*) FROM outgoing_mail") == [(5,)]


def test_so_is_one_that_came_too_late(browser, link, query):
    browser().post("/signup", email=EMAIL, name="Hana", password=NEW)
    answers = []
    for _ in range(5):
        query("UPDATE signups SET expires_at = now()")
        answers.append(browser().post(f"{link()}/again").status_code)
    assert answers == [303] * 4 + [429]


def test_a_network_chooses_so_many_passwords_by_links(opened, query):
    for _ in range(50):
        visitor = opened()
        assert visitor.post("/invitation/accept", name="Ana", password=NEW).status_code == 303
        query("DELETE FROM organization_members WHERE user_id IN (SELECT id FROM users WHERE name = 'Ana')")
        query("UPDATE users SET email_key = 'ana-' || id, email = email_key WHERE name = 'Ana'")
    answer = opened().post("/invitation/accept", name="Ana", password=NEW)
    assert (answer.status_code, 'value="Ana"' in answer.text) == (429, True)
