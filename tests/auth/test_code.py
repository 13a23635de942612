"""The six-digit code of a sign-up's mail, and the page that waits for it (PROMISES.md P7: single use, five tries)."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from models import Signup, db
from tests.browser_like import without_tokens
from tests.factories import PASSWORD

ANA = {"email": "ana@example.org", "name": "Ana Silva", "password": PASSWORD}
PAGE, CODE, MOVED = "/signup/check-email", "/signup/check-email/code", "/signup/check-email/confirmed"
WRONG = "The code is not right, or too many were tried."


@pytest.fixture
def waiting(browser):
    """waiting(**fields) -> a browser that signed up, and waits."""

    def sign_up(url="/signup", **fields):
        person = browser()
        assert person.post(url, **ANA | fields).location == PAGE
        return person

    return sign_up


@pytest.fixture
def code(mails):
    """code() -> that of the newest mail."""

    def read():
        body = mails()[-1].get_body(("plain",)).get_content()
        return re.search(r"^(\d{6})$", body, re.MULTILINE)[1]

    return read


def wrong(code):
    return f"{(int(code) + 1) % 1_000_000:06}"


def accounts(query):
    return query("SELECT count(*) FROM users")[0][0]


def test_it_confirms_and_logs_in_where_somebody_signed_up(waiting, code, query):
    person = waiting("/signup?next=/orgs/new")
    answer = person.post(CODE, code=code())
    assert (answer.status_code, answer.location) == (303, "/orgs/new")
    assert "Email address confirmed." in person.get("/account").text
    assert query("SELECT name, email_verified_at IS NOT NULL FROM users") == [("Ana Silva", True)]
    assert person.cookie("signup") is None


def test_it_may_be_typed_with_a_space(waiting, code):
    person = waiting()
    assert person.post(CODE, code=f" {code()[:3]} {code()[3:]} ").location == "/"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\0", "9" * 2000])
def test_what_is_no_code_is_wrong(typed, waiting, query):
    answer = waiting().post(CODE, code=typed)
    assert answer.status_code in (400, 422)
    assert accounts(query) == 0


def test_five_are_tried_and_no_more(waiting, code, query):
    person, right = waiting(), code()
    for _ in range(5):
        answer = person.post(CODE, code=wrong(right))
        assert answer.status_code == 422
        assert WRONG in answer.text
    assert person.post(CODE, code=right).status_code == 422
    assert accounts(query) == 0


def test_of_fifty_at_once_five_are_tried(app, waiting, code, query):
    person, right = waiting(), code()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: person.post(CODE, code=wrong(right)).status_code, range(50)))
    assert query("SELECT tries FROM signups") == [(5,)]
    assert person.post(CODE, code=right).status_code == 422


def test_the_right_one_fifty_times_at_once_makes_one_account(waiting, code, query):
    person, right = waiting(), code()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: person.post(CODE, code=right).status_code, range(50)))
    assert accounts(query) == 1
    assert query("SELECT count(*) FROM audit_events WHERE action = 'account.created'") == [(1,)]


def test_a_new_mail_has_a_new_code_and_five_new_tries(waiting, code, query):
    person, old = waiting(), code()
    for _ in range(5):
        person.post(CODE, code=wrong(old))
    person.post(PAGE)
    assert code() != old
    assert person.post(CODE, code=old).status_code == 422
    assert person.post(CODE, code=code()).location == "/"


def test_it_is_dead_after_half_an_hour(waiting, code, query):
    person, right = waiting(), code()
    query("UPDATE signups SET expires_at = expires_at - interval '31 minutes'")
    assert person.post(CODE, code=right).status_code == 422


def test_it_is_dead_after_the_link_and_the_link_after_it(waiting, code, link, browser):
    person, right, url = waiting(), code(), link()
    browser().post(url)
    assert person.post(CODE, code=right).status_code == 422
    other = waiting(email="ben@example.org")
    right, url = code(), link()
    other.post(CODE, code=right)
    assert browser().get(url).status_code == 410


def test_it_works_in_no_other_browser(waiting, code, browser):
    waiting()
    assert browser().post(CODE, code=code()).location == "/signup"
    assert waiting(email="ben@example.org").post(CODE, code="").status_code == 422


def test_it_is_bound_to_its_attempt(waiting, code):
    waiting()
    first, other = code(), waiting(email="ben@example.org")
    assert first != code()
    assert other.post(CODE, code=first).status_code == 422


def test_an_address_with_an_account_gets_the_same_page_and_no_code(waiting, hana, mails):
    known, unknown = waiting(email=hana.email), waiting(email="hana.rexes@example.org")
    assert "account" in mails()[0]["Subject"]
    assert not re.search(r"^\d{6}$", mails()[0].get_body(("plain",)).get_content(), re.MULTILINE)
    answers = [person.post(CODE, code="123456").text.replace("rexes", "reyes") for person in (known, unknown)]
    assert without_tokens(answers[0]) == without_tokens(answers[1])


def test_nothing_in_the_database_gives_it(app, waiting, code, query):
    waiting()
    assert code() not in query("SELECT array_agg(s::text)::text FROM signups s")[0][0]
    with app.app_context():
        signup = db.session.scalars(db.select(Signup)).one()
        assert signup.code == code()


def test_the_name_and_password_of_an_attempt_do_not_outlive_it(waiting, code, query):
    waiting().post(CODE, code=code())
    assert query("SELECT name, password_hash, confirmed_at IS NOT NULL FROM signups") == [("", "", True)]


class TestThePageThatWaits:
    def test_goes_on_to_log_in_once_the_link_was_opened_elsewhere(self, waiting, link, browser):
        person = waiting("/signup?next=/orgs/new")
        assert person.get(MOVED).status_code == 204
        browser().post(link())
        assert person.get(MOVED).json == {"to": "/login?next=/orgs/new&why=confirmed"}
        assert person.get("/account").status_code == 302

    def test_goes_on_where_another_tab_logged_in(self, waiting, link):
        person = waiting()
        person.post(link())
        assert person.get(MOVED).json == {"to": "/"}

    def test_is_told_nothing_of_other_attempts_for_the_address(self, waiting, link, browser):
        mine, other = waiting(), waiting()
        browser().post(link())
        assert other.get(MOVED).status_code == 200
        assert mine.get(MOVED).status_code == 204

    def test_is_told_nothing_of_an_account_that_was_there(self, waiting, hana):
        assert waiting(email=hana.email).get(MOVED).status_code == 204

    def test_is_nobodys_without_its_cookie(self, browser):
        assert browser().get(MOVED).status_code == 404

    def test_writes_nothing_and_asks_once(self, waiting, statements):
        person = waiting()
        with statements() as sent:
            person.get(MOVED)
        assert len(sent) == 1
        assert not sent.writes
