"""Passkeys: adding one, logging in with it alone, in place of a code, and to confirm who one is."""

import json
from base64 import b32encode
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pyotp
import pytest

from blueprints.auth import passkeys
from models import SecondFactor, User, db, leaving, limits, transaction
from models.passkey import MOST
from models.second_factor import new_secret
from tests.auth.authenticator import ORIGIN, PRESENT, Authenticator, asked_on, challenge, with_challenge
from tests.factories import PASSWORD, make_user

SECURITY = "/account/security"
ADD = f"{SECURITY}/passkeys/new"
LOG_IN = "/login/passkey"


def is_in(person):
    return person.get("/account").status_code == 200


def log_in(person, device, **fields):
    return person.post(LOG_IN, credential=device.get(asked_on(person.get("/login"))), **fields)


def turn_on(app, user):
    """Two-step verification, with an app."""
    secret = new_secret()
    with app.app_context(), transaction():
        code = pyotp.TOTP(b32encode(secret).decode()).now()
        assert SecondFactor.set_up(db.session.get_one(User, user.id), secret, code)


LIES = {
    "another site's": lambda device: setattr(device, "origin", "https://evil.example"),
    "without its owner": lambda device: setattr(device, "flags", PRESENT),
    "unknown": lambda device: setattr(device, "id", bytes(32)),
    "signed by another": lambda device: setattr(device, "key", Authenticator().key),
}


@pytest.fixture
def fresh(browser):
    """fresh(user) -> a browser in which they just logged in."""

    def begin(user, **how):
        person = browser(**how)
        person.log_in(user, fresh=True)
        return person

    return begin


@pytest.fixture
def add(fresh):
    """add(device, user, name) -> the answer to who added it."""

    def add_it(device, user, name="Laptop", **how):
        here = fresh(user, **how)
        return here.post(ADD, name=name, credential=device.create(asked_on(here.get(ADD))))

    return add_it


@pytest.fixture
def device(add, hana):
    """A device that logs Hana in."""
    device = Authenticator()
    answer = add(device, hana)
    assert (answer.status_code, answer.location) == (303, SECURITY)
    return device


@pytest.fixture
def keys(query):
    return lambda: query("SELECT name, sign_count FROM passkeys ORDER BY id")


class TestAddingOne:
    def test_is_shown_told_by_mail_and_in_the_log(self, device, fresh, hana, mails, query):
        page = fresh(hana).get(SECURITY).text
        assert "<bdi>Laptop</bdi>" in page
        assert "Never" in page
        assert "A passkey was added to your account" in mails()[-1]["Subject"]
        assert query("SELECT count(*) FROM audit_events WHERE action = 'passkey.added'") == [(1,)]

    def test_takes_a_fresh_proof(self, browser, hana, keys):
        here = browser(hana)
        for answer in (here.get(ADD), here.post(ADD, name="Laptop", credential="{}")):
            assert (answer.status_code, answer.location) == (303, f"/account/confirm?next={ADD}")
        answer = here.post(f"/account/confirm?next={ADD}", current_password=PASSWORD)
        assert (answer.status_code, answer.location) == (303, ADD)
        assert here.get(ADD).status_code == 200
        assert keys() == []

    def test_gives_the_session_a_new_id(self, fresh, hana):
        here, device = fresh(hana), Authenticator()
        before = here.cookie("session")
        here.post(ADD, name="Laptop", credential=device.create(asked_on(here.get(ADD))))
        assert here.cookie("session") != before
        assert is_in(here)

    def test_takes_no_device_that_is_here_already(self, device, add, hana, app, keys):
        with app.app_context():
            ana = make_user("Ana Silva")
        for user in (hana, ana):
            answer = add(device, user)
            assert answer.status_code == 422
            assert "This passkey is here already." in answer.text
        assert len(keys()) == 1

    def test_asks_a_device_for_no_second_one(self, device, fresh, hana):
        excluded = json.loads(asked_on(fresh(hana).get(ADD)))["excludeCredentials"]
        assert len(excluded) == 1

    def test_ends_at_twenty(self, add, hana, keys):
        answers = [add(Authenticator(), hana).status_code for _ in range(MOST + 1)]
        assert answers == [303] * MOST + [422]
        assert len(keys()) == MOST

    @pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "\0"])
    def test_needs_a_name(self, name, add, hana, keys):
        assert add(Authenticator(), hana, name).status_code in (400, 422)
        assert keys() == []

    @pytest.mark.parametrize("lie", ["origin", "challenge", "no finger", "old page", "other person", "nothing"])
    def test_believes_no_device_that_lies(self, lie, fresh, hana, app, keys, monkeypatch):
        here = fresh(hana)
        asked = asked_on(here.get(ADD))
        device = Authenticator("https://evil.example" if lie == "origin" else ORIGIN)
        if lie == "challenge":
            asked = with_challenge(asked, bytes(56))
        elif lie == "no finger":
            device.flags = PRESENT
        elif lie == "old page":
            later = 3601 + int.from_bytes(challenge(asked)[16:24])
            monkeypatch.setattr("blueprints.auth.ceremony.time.time", lambda: later)
        elif lie == "other person":
            with app.app_context():
                here = fresh(make_user("Ana Silva"))
        answer = here.post(ADD, name="Laptop", credential="" if lie == "nothing" else device.create(asked))
        assert answer.status_code == 422
        assert "The passkey could not be added." in answer.text
        assert keys() == []


class TestLoggingIn:
    def test_takes_nothing_else(self, device, browser, keys):
        person = browser()
        answer = log_in(person, device)
        assert (answer.status_code, answer.location) == (303, "/")
        assert is_in(person)
        assert keys() == [("Laptop", 1)]

    def test_leads_on_to_where_one_wanted_to_go(self, device, browser):
        person = browser()
        asked = asked_on(person.get("/login?next=/account/sessions"))
        answer = person.post(f"{LOG_IN}?next=/account/sessions", credential=device.get(asked))
        assert answer.location == "/account/sessions"
        assert browser().post(f"{LOG_IN}?next=//evil.example", credential="").location == "/login?why=passkey"

    def test_stands_for_the_second_step_too(self, device, browser, hana, app):
        turn_on(app, hana)
        person = browser()
        assert log_in(person, device).location == "/"
        assert is_in(person)

    @pytest.mark.parametrize("lie", LIES)
    def test_believes_no_device_that_lies(self, lie, device, browser):
        person = browser()
        LIES[lie](device)
        answer = log_in(person, device)
        assert (answer.status_code, answer.location) == (303, "/login?why=passkey")
        assert "That passkey did not log you in." in person.get(answer.location).text
        assert not is_in(person)

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE passkeys SET sign_count = 9",  # a copy of the device was used meanwhile
            "UPDATE users SET deactivated_at = now()",
        ],
    )
    def test_ends_with_the_account_and_with_a_copy_of_the_device(self, change, device, browser, query):
        query(change)
        assert log_in(browser(), device).location == "/login?why=passkey"

    def test_answers_what_the_same_browser_was_asked(self, device, browser):
        asked = asked_on(browser().get("/login"))
        assert browser().post(LOG_IN, credential=device.get(asked)).location == "/login?why=passkey"

    def test_answers_what_we_asked(self, device, browser):
        person = browser()
        asked = asked_on(person.get("/login"))
        made_up = with_challenge(asked, challenge(asked)[:24] + bytes(32))
        assert person.post(LOG_IN, credential=device.get(made_up)).location == "/login?why=passkey"

    def test_answers_within_an_hour(self, device, browser, monkeypatch):
        person = browser()
        asked = asked_on(person.get("/login"))
        later = 3601 + int.from_bytes(challenge(asked)[16:24])
        monkeypatch.setattr("blueprints.auth.ceremony.time.time", lambda: later)
        assert person.post(LOG_IN, credential=device.get(asked)).location == "/login?why=passkey"

    @pytest.mark.parametrize(
        "credential",
        [
            "",
            "{",
            "[]",
            "null",
            "1",
            '{"id": 1}',
            "[" * 9000,
            "x" * 20_000,
            '{"id":"a","rawId":"a","type":"public-key"}',
        ],
        ids=lambda text: text[:12],
    )
    def test_what_cannot_be_read_is_no_passkey(self, credential, browser):
        assert browser().post(LOG_IN, credential=credential).location == "/login?why=passkey"

    def test_an_answer_is_taken_once_of_fifty_at_once(self, device, browser, keys):
        device.counts = False
        asked = browser()
        page = asked.get("/login")
        answer, gate = device.get(asked_on(page)), Barrier(10)
        people = [browser() for _ in range(10)]
        for person in people:  # one browser with many tabs
            person.client.set_cookie("visitor", asked.cookie("visitor"))

        def press(person):
            gate.wait()
            return [person.post(LOG_IN, credential=answer).location for _ in range(5)]

        with ThreadPoolExecutor(10) as pool:
            led = [place for places in pool.map(press, people) for place in places]
        assert sum(is_in(person) for person in people) == 1
        assert led.count("/") == 1

    def test_a_device_that_does_not_count_logs_in_again(self, device, browser):
        device.counts = False
        for _ in range(2):
            assert log_in(browser(), device).location == "/"

    def test_is_counted_by_network(self, device, browser, app):
        burst = limits.TRIES_FROM_NETWORK.burst
        wrong = Authenticator()
        person = browser()
        for _ in range(burst):
            log_in(person, wrong)
        assert log_in(person, device).location == "/login?why=passkey"
        assert log_in(browser().at("203.0.113.9"), device).location == "/"


class TestTheSecondStep:
    @pytest.fixture
    def waiting(self, app, browser, hana, device):
        turn_on(app, hana)
        person = browser()
        assert person.post("/login", email=hana.email, password=PASSWORD).location.startswith("/login/2fa")
        return person

    def test_takes_a_passkey_in_place_of_a_code(self, waiting, device):
        answer = waiting.post("/login/2fa/passkey", credential=device.get(asked_on(waiting.get("/login/2fa"))))
        assert answer.location == "/"
        assert is_in(waiting)

    def test_takes_nobody_elses(self, waiting, add, app):
        other = Authenticator()
        with app.app_context():
            add(other, make_user("Ana Silva"))
        answer = waiting.post("/login/2fa/passkey", credential=other.get(asked_on(waiting.get("/login/2fa"))))
        assert answer.location == "/login/2fa?why=passkey"
        assert "That passkey is not yours" in waiting.get(answer.location).text
        assert not is_in(waiting)

    def test_takes_none_without_a_password_before(self, device, browser):
        person = browser()
        answer = person.post("/login/2fa/passkey", credential=device.get(asked_on(person.get("/login"))))
        assert answer.location == "/login?why=step"


class TestConfirming:
    def test_takes_ones_own_passkey_and_leads_back(self, device, browser, hana):
        here = browser(hana)
        asked = asked_on(here.get(f"/account/confirm?next={ADD}"))
        answer = here.post(f"/account/confirm/passkey?next={ADD}", credential=device.get(asked))
        assert answer.location == ADD
        assert here.get(ADD).status_code == 200

    def test_takes_nobody_elses(self, add, browser, hana, app):
        other = Authenticator()
        with app.app_context():
            add(other, make_user("Ana Silva"))
        here = browser(hana)
        answer = here.post("/account/confirm/passkey", credential=other.get(asked_on(here.get("/account/confirm"))))
        assert answer.location == "/account/confirm?why=passkey"
        assert here.get(ADD).status_code == 303


class TestOnesOwn:
    @pytest.fixture
    def page_of(self, device, query):
        return f"{SECURITY}/passkeys/{query('SELECT id FROM passkeys')[0][0]}"

    def test_is_renamed(self, page_of, browser, hana, keys):
        here = browser(hana)
        assert "Never" in here.get(page_of).text
        assert here.post(page_of, name="Old laptop").location == SECURITY
        assert keys() == [("Old laptop", 0)]
        assert here.post(page_of, name="").status_code == 422

    def test_is_not_found_where_it_was_removed_in_that_moment(self, page_of, browser, hana, query, meanwhile):
        meanwhile(passkeys, "transaction", lambda: query("DELETE FROM passkeys"))
        assert browser(hana).post(page_of, name="Old laptop").status_code == 404

    def test_is_removed_by_a_fresh_proof(self, page_of, browser, fresh, hana, device, keys):
        here = browser(hana)
        assert here.post(f"{page_of}/remove").location == f"/account/confirm?next={page_of}"
        assert len(keys()) == 1
        here = fresh(hana)
        assert [here.post(f"{page_of}/remove").location for _ in range(2)] == [SECURITY, SECURITY]
        assert keys() == []
        assert log_in(browser(), device).location == "/login?why=passkey"

    def test_of_which_one_is_removed_is_told_by_mail_and_in_the_log(self, page_of, fresh, hana, mails, query):
        fresh(hana).post(f"{page_of}/remove")
        assert "A passkey of your account was removed" in mails()[-1]["Subject"]
        assert query("SELECT count(*) FROM audit_events WHERE action = 'passkey.removed'") == [(1,)]

    def test_is_nobody_elses(self, page_of, fresh, app, keys):
        with app.app_context():
            ana = fresh(make_user("Ana Silva"))
        assert {ana.get(page_of).status_code, ana.post(page_of, name="Mine").status_code} == {404}
        ana.post(f"{page_of}/remove")
        assert keys() == [("Laptop", 0)]

    def test_ends_with_the_account(self, page_of, app, hana, keys):
        with app.app_context(), transaction():
            leaving.delete_account(db.session.get_one(User, hana.id))
        assert keys() == []


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8000", "http://[::1]:8000", "http://freehold.example.org"])
def test_there_are_none_where_browsers_have_none(base_url, app_with, hana, fresh):
    app = app_with(base_url=base_url)
    here = fresh(hana, app=app)
    assert "Passkeys need an address with a name and https." in here.get(SECURITY).text
    assert here.get(ADD).status_code == 404
    assert "data-passkey" not in fresh(hana, app=app).client.application.test_client().get("/login").text


def test_the_database_holds_nothing_that_logs_in(device, query):
    """The public key and what the device calls it: neither answers a challenge."""
    row = query("SELECT to_jsonb(p)::text FROM passkeys p")[0][0]
    private = device.key.private_numbers().private_value
    assert f"{private:x}" not in row
    assert set(json.loads(row)) == {
        *("id", "created_at", "user_id", "credential_id", "public_key", "sign_count", "name", "last_used_at")
    }
