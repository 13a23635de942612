"""Two-step verification: turning it on and off, the second step of logging in, and recovery codes."""

import re
from base64 import b32encode
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pyotp
import pytest
from sqlalchemy import func, select

from blueprints.auth import sign_in, two_step
from models import SecondFactor, User, db, leaving, limits, transaction
from models.second_factor import STEP, new_secret
from tests.factories import PASSWORD, make_user

EMAIL = "hana.reyes@example.org"
STEP_PAGE, CODES_PAGE, ON, OFF = (
    "/login/2fa",
    "/account/security/recovery-codes",
    "/account/security/two-step",
    "/account/security/two-step/off",
)
NEW = "a new and quiet password"
NOT_RIGHT = "The code is not right."


class Phone:
    """Hana's authenticator app. Each code works once, so that it shows a later one each time it is asked."""

    def __init__(self, app, secret):
        self.app, self.totp, self.shown = app, pyotp.TOTP(secret, interval=STEP), 0

    def code(self, ahead=0):
        return self.totp.generate_otp(self.now() + ahead)

    def now(self):
        with self.app.app_context():
            return int(db.session.scalars(select(func.extract("epoch", func.clock_timestamp()))).one()) // STEP


def code_of(secret, step):
    return pyotp.TOTP(b32encode(secret).decode(), interval=STEP).generate_otp(step)


def log_in(person, password=PASSWORD, **fields):
    return person.post("/login", email=EMAIL, password=password, **fields)


def key_on(page):
    return "".join(re.search(r'id="key" value="([A-Z2-7 ]+)"', page)[1].split())


def sealed_on(page):
    return re.search(r'name="secret" value="([^"]+)"', page)[1]


def codes_on(page):
    return re.findall(r"<code>([a-z2-7]{5}-[a-z2-7]{5})</code>", page)


def is_in(person):
    return person.get("/account").status_code == 200


@pytest.fixture
def forget_steps(query):
    """forget_steps() -> codes that were taken can be taken again: no test waits for the next half minute."""
    return lambda: query("UPDATE second_factors SET last_step = 0")


@pytest.fixture
def phone(app, browser, hana, forget_steps):
    """Hana turned it on, in a browser that she closed."""
    here = browser(hana)
    page = here.get(ON).text
    phone = Phone(app, key_on(page))
    answer = here.post(ON, secret=sealed_on(page), code=phone.code(), current_password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, CODES_PAGE)
    phone.recovery = codes_on(here.get(CODES_PAGE).text)
    here.post(f"{CODES_PAGE}/saved")
    forget_steps()
    return phone


class TestTurningItOn:
    @pytest.mark.parametrize("length", [5, 60])
    def test_shows_a_whole_code_that_fits_its_place_however_long_the_address(self, length, app, browser):
        with app.app_context():
            page = browser(make_user("Long", f"{'x' * length}@example.org")).get(ON).text
        drawing = re.search(r"<svg[^>]*>(?=<path|<rect|[^<])", page[page.index('class="qr"') :])[0]
        assert re.search(r'viewBox="0 0 (\d+) \1"', drawing)
        assert "width" not in drawing

    def test_takes_a_code_of_the_app_and_the_password(self, browser, hana):
        here = browser(hana)
        page = here.get(ON).text
        phone = Phone(here.app, key_on(page))
        for code, password in (("000000", PASSWORD), (phone.code(), "not the password"), ("", PASSWORD)):
            assert here.post(ON, secret=sealed_on(page), code=code, current_password=password).status_code == 422
        assert "Turn on two-step verification" in here.get("/account/security").text

    def test_shows_a_key_that_stays_when_the_code_was_not_right(self, browser, hana):
        here = browser(hana)
        page = here.get(ON).text
        again = here.post(ON, secret=sealed_on(page), code="000000", current_password=PASSWORD).text
        assert key_on(again) == key_on(page)

    @pytest.mark.parametrize("secret", ["", "A", "é", "A" * 200])
    def test_takes_only_a_key_that_we_offered(self, browser, hana, secret):
        assert browser(hana).post(ON, secret=secret, code="1", current_password=PASSWORD).status_code == 422

    def test_takes_only_a_key_that_we_offered_to_the_same_person(self, app, as_):
        page = as_("admin").get(ON).text
        code = Phone(app, key_on(page)).code()
        answer = as_("operator").post(ON, secret=sealed_on(page), code=code, current_password=PASSWORD)
        assert answer.status_code == 422

    def test_gives_the_session_a_new_id(self, browser, hana):
        here = browser(hana)
        before, page = here.cookie("session"), here.get(ON).text
        code = Phone(here.app, key_on(page)).code()
        here.post(ON, secret=sealed_on(page), code=code, current_password=PASSWORD)
        assert here.cookie("session") != before
        assert is_in(here)

    def test_is_told_by_mail_and_noted(self, phone, query):
        assert query("SELECT message FROM outgoing_mail") == [("two_step_on",)]
        assert query("SELECT count(*) FROM audit_events WHERE action = 'two_step.on'")[0][0] == 1

    def test_shows_the_recovery_codes_until_they_are_saved_or_for_ten_minutes(self, browser, hana, query):
        here = browser(hana)
        page = here.get(ON).text
        code = Phone(here.app, key_on(page)).code()
        here.post(ON, secret=sealed_on(page), code=code, current_password=PASSWORD)
        assert len(set(codes_on(here.get(CODES_PAGE).text))) == 10
        query("UPDATE second_factors SET recovery_shown_until = now()")
        assert not codes_on(here.get(CODES_PAGE).text)
        query("UPDATE second_factors SET recovery_shown_until = now() + interval '1 minute'")
        here.post(f"{CODES_PAGE}/saved")
        assert not codes_on(here.get(CODES_PAGE).text)

    def test_leaves_nothing_in_the_database_that_makes_a_code(self, phone, query):
        rows = str(query("SELECT * FROM second_factors")).encode() + str(query("SELECT * FROM users")).encode()
        assert phone.totp.secret.encode() not in rows
        assert phone.totp.byte_secret() not in b"".join(
            bytes(row[0]) for row in query("SELECT secret FROM second_factors")
        )
        assert all(code.replace("-", "").encode() not in rows for code in phone.recovery)


class TestLoggingIn:
    def test_takes_the_password_and_then_a_code(self, browser, phone):
        person = browser()
        answer = log_in(person)
        assert (answer.status_code, answer.location) == (303, f"{STEP_PAGE}?next=/")
        assert not is_in(person)
        assert "authenticator app" in person.get(STEP_PAGE).text
        answer = person.post(f"{STEP_PAGE}?next=/orgs/northfield", code=phone.code())
        assert (answer.status_code, answer.location) == (303, "/orgs/northfield")
        assert is_in(person)
        assert person.cookie("step") is None

    def test_takes_no_code_without_the_password(self, browser, phone):
        person = browser()
        for cookie in (None, "A" * 64, "é"):
            if cookie:
                person.client.set_cookie("step", cookie)
            assert person.post(STEP_PAGE, code=phone.code()).location == "/login?why=step"

    @pytest.mark.parametrize("code", ["000000", "", "abcde-fghij", "1" * 200, "١٢٣٤٥٦", "12 34 5"])
    def test_takes_no_wrong_code(self, browser, phone, code):
        person = browser()
        log_in(person)
        assert person.post(STEP_PAGE, code=code).status_code == 422
        assert not is_in(person)

    @pytest.mark.parametrize(("ahead", "status"), [(-2, 422), (-1, 303), (0, 303), (1, 303), (3, 422)])
    def test_takes_a_code_of_a_clock_that_is_half_a_minute_off(self, browser, phone, ahead, status):
        person = browser()
        log_in(person)
        assert person.post(STEP_PAGE, code=phone.code(ahead)).status_code == status

    def test_takes_each_code_once(self, browser, phone):
        code = phone.code()
        for expected in (303, 422):
            person = browser()
            log_in(person)
            assert person.post(STEP_PAGE, code=code).status_code == expected

    def test_takes_no_code_older_than_the_last(self, browser, phone):
        later, earlier = browser(), browser()
        log_in(later), log_in(earlier)
        assert later.post(STEP_PAGE, code=phone.code()).status_code == 303
        assert earlier.post(STEP_PAGE, code=phone.code(-1)).status_code == 422

    def test_of_fifty_at_once_lets_one_in(self, app_with, browser, phone, query, monkeypatch):
        roomy = app_with(database_pool=50)
        people = [browser(app=roomy).at(f"198.51.100.{n}") for n in range(50)]
        for person in people:
            log_in(person)
            query("DELETE FROM rate_limits")
        code, tokens, start = phone.code(), [person.token() for person in people], Barrier(50)
        monkeypatch.setattr(limits, "stepping", lambda _: [])

        def enter(n):
            start.wait()
            return people[n].post(STEP_PAGE, code=code, token=tokens[n]).status_code

        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(enter, range(50)))
        assert answers.count(303) == 1

    def test_stops_who_guesses_codes(self, browser, phone):
        person = browser()
        log_in(person)
        answers = [person.post(STEP_PAGE, code=f"00000{n}").status_code for n in range(6)]
        assert answers == [422] * 5 + [429]
        assert person.post(STEP_PAGE, code=phone.code()).status_code == 429

    def test_waits_ten_minutes_for_the_code(self, browser, phone, query):
        person = browser()
        log_in(person)
        query("UPDATE one_time_tokens SET expires_at = now() WHERE purpose = 'second-step'")
        assert person.get(STEP_PAGE).location == "/login?why=step"
        assert person.post(STEP_PAGE, code=phone.code()).location == "/login?why=step"

    def test_waits_no_more_when_the_password_is_changed(self, browser, phone, hana):
        person, here = browser(), browser(hana)
        log_in(person)
        here.post("/account/security", current_password=PASSWORD, password=NEW)
        assert person.post(STEP_PAGE, code=phone.code()).location == "/login?why=step"

    def test_waits_no_more_when_the_password_is_changed_in_that_moment(self, browser, phone, hana, meanwhile):
        person, here = browser(), browser(hana)
        changed = {"current_password": PASSWORD, "password": NEW}
        meanwhile(sign_in, "verify", lambda: here.post("/account/security", **changed), after=True)
        log_in(person)
        assert person.post(STEP_PAGE, code=phone.code()).location == "/login?why=step"
        assert not is_in(person)

    def test_is_not_stopped_by_others_who_know_the_password(self, browser, phone):
        person, other = browser(), browser()
        log_in(person)
        log_in(other)
        assert person.post(STEP_PAGE, code=phone.code()).status_code == 303

    def test_is_asked_after_a_password_by_link_too(self, browser, phone, link, query):
        person = browser()
        query("DELETE FROM outgoing_mail")
        person.post("/forgot-password", email=EMAIL)
        answer = person.post(link(), password=NEW)
        assert answer.location.startswith(STEP_PAGE)
        assert not is_in(person)
        assert person.post(STEP_PAGE, code=phone.code()).status_code == 303

    def test_is_asked_before_joining_by_a_password_too(self, app, browser, northfield, invite, query):
        mateo, secret = northfield.stranger, new_secret()
        phone = Phone(app, b32encode(secret).decode())
        with app.app_context(), transaction():
            assert SecondFactor.set_up(db.session.get_one(User, mateo.id), secret, phone.code(-1))
        person = browser()
        person.get(invite(email=mateo.email))
        answer = person.post("/invitation/accept", email=mateo.email, password=PASSWORD)
        assert answer.location == f"{STEP_PAGE}?next=/invitation"
        assert query("SELECT accepted_at FROM invitations") == [(None,)]
        assert person.post(answer.location, code=phone.code()).location == "/invitation"
        assert "Join Northfield" in person.get("/invitation").text


class TestARememberedBrowser:
    @pytest.fixture
    def remembered(self, browser, phone, forget_steps):
        person = browser()
        log_in(person)
        person.post(STEP_PAGE, code=phone.code(), remember="y")
        person.post("/logout")
        forget_steps()
        return person

    def test_is_not_asked_again(self, remembered):
        assert log_in(remembered).location == "/"
        assert is_in(remembered)

    def test_is_asked_after_thirty_days(self, remembered, query):
        left = query("SELECT remembered_until - now() FROM known_browsers WHERE remembered_until IS NOT NULL")[0][0]
        assert 29 <= left.days <= 30
        query("UPDATE known_browsers SET remembered_until = now()")
        assert log_in(remembered).location.startswith(STEP_PAGE)

    def test_is_asked_after_a_new_password(self, remembered, browser, hana):
        browser(hana).post("/account/security", current_password=PASSWORD, password=NEW)
        assert log_in(remembered, NEW).location.startswith(STEP_PAGE)

    def test_is_asked_for_another_app(self, remembered, browser, hana):
        here = browser(hana)
        here.post(OFF, current_password=PASSWORD)
        page = here.get(ON).text
        code = Phone(here.app, key_on(page)).code()
        here.post(ON, secret=sealed_on(page), code=code, current_password=PASSWORD)
        assert log_in(remembered).location.startswith(STEP_PAGE)

    def test_is_one_alone(self, remembered, browser):
        assert log_in(browser()).location.startswith(STEP_PAGE)


class TestARecoveryCode:
    def test_logs_in_once_and_is_told_by_mail(self, browser, phone, query):
        for expected in (303, 422):
            person = browser()
            log_in(person)
            assert "recovery codes" in person.get(f"{STEP_PAGE}?recovery=1").text
            answer = person.post(f"{STEP_PAGE}?recovery=1", code=phone.recovery[3].upper().replace("-", " "))
            assert answer.status_code == expected
        assert query("SELECT count(*) FROM outgoing_mail WHERE message = 'recovery_code_used'")[0][0] == 1

    def test_is_counted(self, browser, phone):
        person = browser()
        log_in(person)
        person.post(STEP_PAGE, code=phone.recovery[0])
        assert "9 codes of 10" in person.get(CODES_PAGE).text

    def test_stops_working_when_there_are_new_ones(self, browser, phone, hana):
        here = browser(hana)
        assert here.post(CODES_PAGE, current_password="not the password").status_code == 422
        assert here.post(CODES_PAGE, current_password=PASSWORD).location == CODES_PAGE
        new = codes_on(here.get(CODES_PAGE).text)
        assert not set(new) & set(phone.recovery)
        person = browser()
        log_in(person)
        assert person.post(STEP_PAGE, code=phone.recovery[0]).status_code == 422
        assert person.post(STEP_PAGE, code=new[0]).status_code == 303

    def test_is_for_those_alone_who_turned_it_on(self, as_):
        assert as_("admin").get(CODES_PAGE).location == ON


class TestTurningItOff:
    def test_takes_the_password(self, browser, phone, hana):
        here = browser(hana)
        assert here.post(OFF, current_password="not the password").status_code == 422
        assert log_in(browser()).location.startswith(STEP_PAGE)
        assert here.post(OFF, current_password=PASSWORD).location == "/account/security"
        assert log_in(browser()).location == "/"

    def test_is_told_by_mail_and_noted_once(self, browser, phone, hana, query):
        here = browser(hana)
        for _ in range(2):
            here.post(OFF, current_password=PASSWORD)
        assert query("SELECT count(*) FROM outgoing_mail WHERE message = 'two_step_off'")[0][0] == 1
        assert query("SELECT count(*) FROM audit_events WHERE action = 'two_step.off'")[0][0] == 1
        assert query("SELECT count(*) FROM second_factors")[0][0] == 0

    def test_is_what_a_host_can_do_for_who_lost_everything(self, app, browser, phone, query):
        said = app.test_cli_runner().invoke(args=["users", "turn-off-two-step", "--yes", EMAIL]).output
        assert said == f"{EMAIL} logs in by the password alone.\n"
        assert log_in(browser()).location == "/"
        assert query("SELECT count(*) FROM outgoing_mail WHERE message = 'two_step_off'")[0][0] == 1

    def test_happens_with_the_account(self, app, phone, hana, query):
        with app.app_context(), transaction():
            leaving.delete_account(db.session.get_one(User, hana.id))
        assert query("SELECT count(*) FROM second_factors")[0][0] == 0


class TestAnotherOneInTheSameMoment:
    def test_an_app_of_before_stays_worthless(self, app, browser, phone, hana, meanwhile):
        def another():
            with app.app_context(), transaction():
                SecondFactor.turn_off(db.session.get_one(User, hana.id))
            key_of_another.append(new_secret())
            with app.app_context(), transaction():
                me = db.session.get_one(User, hana.id)
                assert SecondFactor.set_up(me, key_of_another[0], code_of(key_of_another[0], phone.now() - 1))

        key_of_another, person = [], browser()
        log_in(person)
        meanwhile(SecondFactor, "_spent", another)
        assert person.post(STEP_PAGE, code=phone.code()).status_code == 422
        log_in(person)
        assert person.post(STEP_PAGE, code=code_of(key_of_another[0], phone.now())).status_code == 303

    def test_recovery_codes_of_before_stay_worthless(self, app, browser, phone, hana, meanwhile):
        def renew():
            with app.app_context(), transaction():
                factor = SecondFactor.of(hana.id)
                factor.renew_recovery_codes()
                codes.extend(factor.recovery_codes)

        codes, person = [], browser()
        log_in(person)
        meanwhile(SecondFactor, "_spent", renew)
        person.post(STEP_PAGE, code=phone.code())
        other = browser()
        log_in(other)
        assert other.post(STEP_PAGE, code=codes[0]).status_code == 303

    def test_codes_that_are_said_to_be_saved_are_gone(self, app, browser, phone, hana, query, meanwhile):
        query("UPDATE second_factors SET recovery_shown_until = now() + interval '1 minute'")
        meanwhile(two_step, "transaction", lambda: query("DELETE FROM second_factors"))
        assert browser(hana).post(f"{CODES_PAGE}/saved").status_code == 404


class TestASecretKeyThatIsReplaced:
    def test_still_reads_what_the_previous_one_sealed(self, app_with, settings, browser, phone):
        new = app_with(secret_key="another key for tests, 0123456789abc", secret_key_previous=settings.secret_key)
        person = browser(app=new)
        log_in(person)
        assert person.post(STEP_PAGE, code=phone.code()).status_code == 303

    def test_can_be_put_away_once_a_code_was_taken(self, app_with, settings, browser, phone, forget_steps):
        key = "another key for tests, 0123456789abc"
        person = browser(app=app_with(secret_key=key, secret_key_previous=settings.secret_key))
        log_in(person)
        person.post(STEP_PAGE, code=phone.code())
        forget_steps()
        alone = browser(app=app_with(secret_key=key))
        log_in(alone)
        assert alone.post(STEP_PAGE, code=phone.code()).status_code == 303


def test_the_secret_has_the_bits_that_rfc_4226_asks_for():
    assert len(new_secret()) * 8 == 160
