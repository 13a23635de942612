"""Signing up: what is asked, what is mailed, and that nobody learns who has an account."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from models import Signup, db
from models.password import verify
from tests.browser_like import without_tokens
from tests.factories import PASSWORD

HANA = {"email": "Hana.Reyes@example.org", "name": "Hana Reyes-Okafor", "password": PASSWORD}


def sign_up(person, url="/signup", **fields):
    return person.post(url, **{**HANA, **fields})


def accounts(query):
    return query("SELECT email, name, email_verified_at IS NOT NULL FROM users")


def age_links(query, minutes=31):
    query(f"UPDATE signups SET expires_at = expires_at - interval '{minutes} minutes'")


def test_signing_up_leads_to_check_your_email_and_makes_no_account(browser, mails, query):
    person = browser()
    answer = sign_up(person)
    assert (answer.status_code, answer.location) == (303, "/signup/check-email")
    page = person.get("/signup/check-email").text
    assert "Hana.Reyes@example.org" in page
    assert "work for 30 minutes" in page
    assert accounts(query) == []
    assert [mail["To"] for mail in mails()] == ["Hana.Reyes@example.org"]


def test_confirming_in_the_same_browser_logs_in(browser, link, query):
    person = browser()
    sign_up(person)
    assert person.get(link()).status_code == 200
    answer = person.post(link())
    assert (answer.status_code, answer.location) == (303, "/")
    assert accounts(query) == [("Hana.Reyes@example.org", "Hana Reyes-Okafor", True)]
    assert "Email address confirmed." in person.get("/account").text
    assert person.cookie("signup") is None


def test_confirming_goes_on_to_where_one_was_going(browser, link):
    person = browser()
    sign_up(person, "/signup?next=/orgs/northfield")
    assert person.post(link()).location == "/orgs/northfield"


def test_confirming_goes_on_to_an_invitation_that_waits(browser, link):
    person = browser()
    sign_up(person)
    person.client.set_cookie("invitation", "anything")
    assert person.post(link()).location == "/invitation"


def test_confirming_in_another_browser_leads_to_log_in(browser, link, query):
    sign_up(browser())
    phone = browser()
    answer = phone.post(link())
    assert (answer.status_code, answer.location) == (303, "/login?why=confirmed")
    assert "Your email address is confirmed." in phone.get(answer.location).text
    assert phone.get("/account").status_code == 302
    assert len(accounts(query)) == 1


def test_a_browser_that_waits_for_another_attempt_is_not_logged_in(browser, link):
    mine, theirs = browser(), browser()
    sign_up(mine)
    sign_up(theirs, name="Mallory")
    assert mine.post(link()).location == "/login?why=confirmed"
    assert mine.get("/account").status_code == 302


def test_opening_the_mailed_link_changes_nothing(browser, link, query, statements):
    sign_up(browser())
    address = link()
    before = query("SELECT * FROM signups")
    with statements() as sent:
        for _ in range(3):
            page = browser().get(address)
    assert "Confirm Hana.Reyes@<wbr>example.org" in page.text
    assert not sent.writes
    assert query("SELECT * FROM signups") == before
    assert accounts(query) == []


def test_pages_behind_a_mailed_link_tell_nobody_their_address(browser, link):
    sign_up(browser())
    page = browser().get(link())
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


def test_known_and_unknown_addresses_get_the_same_bytes_and_statements(browser, hana, statements):
    known, unknown = browser(), browser()
    with statements() as for_known:
        first = sign_up(known)
    with statements() as for_unknown:
        second = sign_up(unknown, email="Hana.Reyez@example.org")
    assert (first.data, first.status, first.location) == (second.data, second.status, second.location)
    assert len(first.headers["Set-Cookie"]) == len(second.headers["Set-Cookie"])
    assert list(for_known) == list(for_unknown)
    pages = [without_tokens(person.get("/signup/check-email").text) for person in (known, unknown)]
    assert pages[0].replace("Hana.Reyes", "Hana.Reyez") == pages[1]


def test_signing_up_takes_two_statements_beside_the_limits(browser, statements):
    with statements() as sent:
        sign_up(browser())
    assert "rate_limits" in sent.pop(0)
    assert [s.split()[:3] for s in sent] == [["INSERT", "INTO", "signups"], ["INSERT", "INTO", "outgoing_mail"]]
    assert sent.transactions == 1


def test_a_hash_is_computed_for_a_known_address_too(browser, hana, query, app):
    sign_up(browser(), password="another password of theirs")
    with app.app_context():
        assert verify(query("SELECT password_hash FROM signups")[0][0], "another password of theirs")


def test_the_owner_of_an_account_is_told_that_somebody_tried(browser, hana, mails, query):
    sign_up(browser(), name="Mallory", password="mallory's own password")
    mail = mails()[-1]
    assert (mail["To"], mail["Subject"]) == (hana.email, "You already have an account")
    assert "/verify-email/" not in mail.as_string()
    assert "Mallory" not in mail.as_string()
    assert browser().post("/login", email=hana.email, password="mallory's own password").status_code == 422


def test_a_mail_to_a_stranger_repeats_nothing_that_was_typed_but_the_address(browser, mails):
    sign_up(browser(), name="Win at evil.example")
    assert "evil.example" not in mails()[-1].as_string()


def test_each_attempt_keeps_its_own_name_and_password(browser, link, query):
    sign_up(browser(), name="Mallory", password="mallory's own password")
    hana = browser()
    sign_up(hana)
    hana.post(link())
    assert accounts(query) == [("Hana.Reyes@example.org", "Hana Reyes-Okafor", True)]
    assert browser().post("/login", email=HANA["email"], password=PASSWORD).status_code == 303


def test_every_other_attempt_ends_with_the_confirmation(browser, link):
    sign_up(browser(), name="Mallory")
    mallorys = link()
    hana = browser()
    sign_up(hana)
    hana.post(link())
    assert browser().post(mallorys).status_code == 410


def test_a_link_confirms_once(browser, link, query):
    person = browser()
    sign_up(person)
    address = link()
    person.post(address)
    again = browser().post(address)
    assert again.status_code == 410
    assert "Did you confirm your address already? Then log in." in again.text
    assert len(accounts(query)) == 1


def test_of_many_confirmations_at_once_one_makes_the_account(app, browser, mails, query):
    for name in ("Hana", "Mallory"):
        sign_up(browser(), name=name)
    with app.app_context():
        links = [f"/verify-email/{signup.text}" for signup in db.session.scalars(db.select(Signup))] * 10
    with ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(lambda path: browser().post(path).status_code, links))
    assert sorted(set(codes)) == [303, 410]
    assert codes.count(303) == 1
    assert len(accounts(query)) == 1


def test_an_old_link_says_so_and_offers_a_new_one(browser, link, query):
    sign_up(browser())
    age_links(query)
    person = browser()
    for page in (person.get(link()), person.post(link())):
        assert page.status_code == 410
        assert "This link has expired" in page.text
        assert "H•••@example.org" in page.text
    assert accounts(query) == []


def test_a_new_link_is_sent_to_where_the_old_one_was(browser, link, query):
    sign_up(browser())
    old, person = link(), browser()
    age_links(query)
    assert person.post(f"{old}/again").location == "/signup/check-email"
    new = link()
    assert new != old
    assert person.post(old).status_code == 410
    assert person.post(new).status_code == 303
    assert len(accounts(query)) == 1


def test_sending_again_replaces_the_link(browser, link, mails):
    person = browser()
    sign_up(person)
    old = link()
    answer = person.post("/signup/check-email")
    assert (answer.status_code, answer.location) == (303, "/signup/check-email")
    assert "Only the newest link and code work." in person.get("/signup/check-email").text
    assert len(mails()) == 2
    assert person.post(old).status_code == 410
    assert person.post(link()).status_code == 303


def test_sending_again_answers_the_same_once_the_address_is_confirmed(browser, link, mails):
    waiting = browser()
    sign_up(waiting)
    browser().post(link())
    before = len(mails())
    assert waiting.post("/signup/check-email").location == "/signup/check-email"
    assert len(mails()) == before


def test_sending_again_takes_a_genuine_token(browser, query):
    person = browser()
    sign_up(person)
    assert person.post("/signup/check-email", token="stale").status_code == 422
    assert query("SELECT count(*) FROM outgoing_mail") == [(1,)]


@pytest.mark.parametrize("cookie", ["", "x", "WyJhIiwiYiJd.forged", "é"])
def test_without_a_sign_up_of_this_browser_there_is_nothing_to_wait_for(browser, cookie):
    person = browser()
    person.client.set_cookie("signup", cookie)
    assert person.get("/signup/check-email").location == "/signup"
    assert person.post("/signup/check-email").location == "/signup"


def test_the_waiting_page_asks_the_database_nothing(browser, statements):
    person = browser()
    sign_up(person)
    with statements() as sent:
        person.get("/signup/check-email")
    assert not sent


def test_development_shows_where_the_mail_is_and_production_does_not(app_with, browser):
    production = app_with(freehold_env="production", base_url="http://localhost", smtp_url="smtp://mail.example.org")
    for app, shown in ((None, True), (production, False)):
        person = browser(app=app) if app else browser()
        sign_up(person)
        assert ("/dev/mail" in person.get("/signup/check-email").text) is shown


@pytest.mark.parametrize("token", ["x", "A" * 64, "é", "%00", "%ff%fe", "A" * 5000, str(UUID(int=0))])
def test_a_link_that_we_never_made_is_answered_like_an_old_one(browser, token, query):
    person = browser()
    assert person.get(f"/verify-email/{token}").status_code == 410
    assert person.post(f"/verify-email/{token}").status_code == 410
    assert person.post(f"/verify-email/{token}/again").status_code == 410
    assert accounts(query) == []


def test_a_stale_confirmation_shows_the_button_again(browser, link, query):
    sign_up(browser())
    answer = browser().post(link(), token="stale")
    assert answer.status_code == 422
    assert "This page was open for a long time." in answer.text
    assert accounts(query) == []


def test_a_dump_of_the_database_holds_no_link_that_works(browser, link, query):
    sign_up(browser())
    token = link().rsplit("/", 1)[1]
    for table in ("signups", "outgoing_mail"):
        assert token not in str(query(f"SELECT * FROM {table}"))


# --- hosts that do it otherwise -------------------------------------------------------------------------------------


def test_without_mail_the_account_exists_at_once(app_with, browser, query):
    person = browser(app=app_with(email_verification="off"))
    assert sign_up(person).location == "/"
    assert person.get("/account").status_code == 200
    assert accounts(query) == [("Hana.Reyes@example.org", "Hana Reyes-Okafor", False)]


def test_without_mail_a_taken_address_is_told(app_with, browser, hana, query):
    answer = sign_up(browser(app=app_with(email_verification="off")))
    assert answer.status_code == 422
    assert "This address has an account already." in answer.text
    assert len(accounts(query)) == 1


def test_where_one_needs_an_invitation_nobody_signs_up(app_with, browser, query):
    person = browser(app=app_with(signup="invited"))
    page = person.get("/signup")
    assert page.status_code == 200
    assert "You need an invitation" in page.text
    assert sign_up(person).status_code == 403
    assert query("SELECT count(*) FROM signups") == [(0,)]


# --- what was typed -------------------------------------------------------------------------------------------------


def test_a_refused_form_keeps_what_was_typed_but_the_password(browser):
    answer = sign_up(browser(), password="short one!")
    assert answer.status_code == 422
    assert 'value="Hana.Reyes@example.org"' in answer.text
    assert 'value="Hana Reyes-Okafor"' in answer.text
    assert "short one!" not in answer.text
    assert "Enter a password of at least 12 characters" in answer.text


WEAK = {
    "short": "eleven chrs",
    "common": "passwordpassword",
    "the address": "hana.reyes@example.org",
    "the name": "hana reyes-okafor",
    "one letter": "a" * 20,
    "too long": "long " * 205,
}


@pytest.mark.parametrize("password", WEAK.values(), ids=WEAK.keys())
def test_weak_passwords_are_refused(browser, password, query):
    answer = sign_up(browser(), password=password)
    assert answer.status_code == 422
    assert 'id="password-error"' in answer.text
    assert query("SELECT count(*) FROM signups") == [(0,)]


@pytest.mark.parametrize("password", ["x⛵Ωy" * 256, "twelve chars", " leading and trailing "])
def test_any_other_password_is_taken_whole(browser, link, password):
    person = browser()
    sign_up(person, password=password)
    person.post(link())
    assert browser().post("/login", email=HANA["email"], password=password[:-1]).status_code == 422
    assert browser().post("/login", email=HANA["email"], password=password).status_code == 303


def test_the_same_password_from_another_keyboard_logs_in(browser, link):
    person = browser()
    sign_up(person, password="Ame\u0301lie walks slowly")
    person.post(link())
    assert browser().post("/login", email=HANA["email"], password="Am\u00e9lie walks slowly").status_code == 303


BAD = {
    "nothing": dict.fromkeys(HANA, ""),
    "no domain": {"email": "hana@"},
    "two addresses": {"email": "hana@example.org, mallory@example.org"},
    "header injection": {"email": "hana@example.org\r\nBcc: all@example.org"},
    "long email": {"email": "x" * 10_000 + "@example.org"},
    "long name": {"name": "x" * 101},
    "only spaces": {"name": "   "},
    "nul": {"name": "Hana\0Reyes"},
    "line break": {"name": "Hana\nReyes"},
    "reversed text": {"name": "Hana\u202eseyeR"},
    "stale token": {"token": "stale"},
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD.keys())
def test_bad_input_gets_the_form_again(browser, fields, query):
    answer = sign_up(browser(), **fields)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert query("SELECT count(*) FROM signups") == [(0,)]


def test_a_huge_body_is_refused(browser):
    assert sign_up(browser(), name="x" * 1024 * 1024).status_code == 413


def test_names_from_everywhere_are_kept_as_they_are(browser, link, query):
    person = browser()
    name = "Nguyễn Thị Hồng 'O’Neil' <b>ｱ</b> 👩‍🚀"
    sign_up(person, name=name)
    assert "&lt;b&gt;" in person.get(link()).text
    person.post(link())
    assert accounts(query)[0][1] == name
