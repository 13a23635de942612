"""Changing one's email address: proven by the new one, told to the old one, and taken back for a week (P7, P11)."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from blueprints.auth import email as email_views
from models import EmailChange, Passkey, User, db, transaction
from models.email_change import CONFIRM, UNDO
from tests.browser_like import without_tokens
from tests.factories import PASSWORD, make_user

PAGE, OLD, NEW = "/account/email", "hana.reyes@example.org", "hana@new.example.org"
CHOSEN = "a new and quiet password"


def text_of(mail):
    return mail.get_body(("plain",)).get_content()


@pytest.fixture
def here(browser, hana):
    """Hana's browser, in a fresh session."""
    person = browser()
    person.log_in(hana, fresh=True)
    return person


@pytest.fixture
def latest(mails):
    """latest("confirm-email") -> the path of the newest link of that kind."""

    def find(kind):
        texts = [text_of(mail) for mail in mails()]
        return re.findall(rf"http://localhost(/{kind}/\S+)", "\n".join(texts))[-1]

    return find


@pytest.fixture
def change(here, latest, browser):
    """change(to) -> asks for another address and confirms it, by a press in another browser."""

    def make(to=NEW):
        assert here.post(PAGE, email=to).location == PAGE
        return browser().post(latest("confirm-email"))

    return make


@pytest.fixture
def email_of(query):
    return lambda: query("SELECT email FROM users ORDER BY id")[0][0]


class TestAsking:
    def test_changes_nothing_and_tells_both_addresses(self, here, mails, email_of):
        answer = here.post(PAGE, email=NEW)
        assert (answer.status_code, answer.location) == (303, PAGE)
        assert [(mail["To"], mail["Subject"]) for mail in mails()] == [
            (NEW, "Confirm your new email address"),
            (OLD, "Another email address was asked for"),
        ]
        assert email_of() == OLD
        page = here.get(PAGE).text
        assert f"<strong>{NEW}</strong> waits to be confirmed." in page

    def test_takes_a_fresh_proof(self, browser, hana, mails):
        person = browser(hana)
        answer = person.post(PAGE, email=NEW)
        assert answer.status_code == 422
        assert "Enter your password" in answer.text
        assert person.post(PAGE, email=NEW, current_password="wrong").status_code == 422
        assert mails() == []
        assert person.post(PAGE, email=NEW, current_password=PASSWORD).status_code == 303

    @pytest.mark.parametrize(
        "typed", ["", "hana", "a@b", "x" * 300 + "@example.org", "a@example.org\r\nBcc: b@example.org", "\0"]
    )
    def test_takes_an_address(self, typed, here, mails):
        assert here.post(PAGE, email=typed).status_code in (400, 422)
        assert mails() == []

    def test_reveals_no_account_of_the_address(self, app, here, browser, mails, query):
        """The answer is the same, and so are the statements; the mail goes to whose address it is."""
        with app.app_context():
            make_user("Ana Silva", "ana.silva@example.org")
        known = here.post(PAGE, email="ana.silva@example.org")
        told = mails()
        known_page = without_tokens(here.get(PAGE).text)
        here.post(f"{PAGE}/cancel")
        here.get(PAGE)
        unknown = here.post(PAGE, email="ana.sylva@example.org")
        assert (known.status_code, known.location) == (unknown.status_code, unknown.location)
        assert known_page == without_tokens(here.get(PAGE).text).replace("sylva", "silva")
        assert [mail["To"] for mail in told] == ["ana.silva@example.org", OLD]
        assert told[0]["Subject"] == "Somebody asked for your email address"
        assert "confirm-email" not in text_of(told[0])

    def test_is_limited_by_address(self, here):
        answers = [here.post(PAGE, email=NEW).status_code for _ in range(6)]
        assert answers == [303] * 5 + [429]

    def test_again_sends_a_new_link_and_the_old_one_dies(self, here, latest, browser):
        here.post(PAGE, email=NEW)
        first = latest("confirm-email")
        assert here.post(f"{PAGE}/resend").location == PAGE
        assert browser().get(first).status_code == 410
        assert browser().get(latest("confirm-email")).status_code == 200

    def test_again_while_it_is_confirmed_leaves_the_way_back(self, here, latest, browser, query, meanwhile):
        here.post(PAGE, email=NEW)
        link = latest("confirm-email")
        meanwhile(email_views, "stop_beyond", lambda: browser().post(link))
        assert here.post(f"{PAGE}/resend").location == PAGE
        assert "No address waits to be confirmed." in here.get(PAGE).text
        assert query("SELECT expires_at > now() + interval '6 days' FROM email_changes") == [(True,)]

    def test_for_another_address_ends_the_first_wish(self, here, latest, browser):
        here.post(PAGE, email=NEW)
        first = latest("confirm-email")
        here.post(PAGE, email="hana@third.example.org")
        assert browser().get(first).status_code == 410

    def test_is_cancelled(self, here, latest, browser, email_of):
        here.post(PAGE, email=NEW)
        url = latest("confirm-email")
        assert here.post(f"{PAGE}/cancel").location == PAGE
        assert "waits to be confirmed" not in here.get(PAGE).text
        assert browser().post(url).status_code == 410
        assert here.post(f"{PAGE}/resend").location == PAGE
        assert email_of() == OLD


class TestConfirming:
    def test_takes_a_press_and_tells_the_old_address(self, here, latest, browser, email_of, mails, query):
        here.post(PAGE, email=NEW)
        phone = browser()
        assert phone.get(latest("confirm-email")).status_code == 200
        assert email_of() == OLD
        answer = phone.post(latest("confirm-email"))
        assert (answer.status_code, answer.location) == (303, "/account")
        assert email_of() == NEW
        assert (mails()[-1]["To"], mails()[-1]["Subject"]) == (OLD, "Your email address was changed")
        assert "/undo-email/" in text_of(mails()[-1])
        actions = [row[0] for row in query("SELECT action FROM audit_events WHERE action LIKE 'email%%' ORDER BY seq")]
        assert actions == ["email.change_asked", "email.changed"]

    def test_is_how_one_logs_in_from_then_on(self, change, browser):
        change()
        assert browser().post("/login", email=NEW, password=PASSWORD).status_code == 303
        assert browser().post("/login", email=OLD, password=PASSWORD).status_code == 422

    def test_gives_this_session_a_new_id_and_leaves_others(self, here, latest, browser, hana, query):
        elsewhere = browser(hana)
        here.post(PAGE, email=NEW)
        before = here.cookie("session")
        query("UPDATE sessions SET created_at = created_at - interval '1 hour'")
        here.post(latest("confirm-email"))
        assert here.cookie("session") != before
        assert here.get("/account/security/passkeys/new").status_code == 303  # it proves nothing anew
        assert elsewhere.get("/account").status_code == 200

    def test_ends_links_that_were_mailed_to_the_old_address(self, app, change, browser, latest, hana):
        browser().post("/forgot-password", email=OLD)
        reset = latest("reset-password")
        change()
        assert browser().get(reset).status_code == 410

    def test_of_fifty_at_once_changes_it_once(self, here, latest, browser, query):
        here.post(PAGE, email=NEW)
        url, gate = latest("confirm-email"), Barrier(10)
        people = [browser() for _ in range(10)]

        def press(person):
            gate.wait()
            return [person.post(url).status_code for _ in range(5)]

        with ThreadPoolExecutor(10) as pool:
            answers = [status for some in pool.map(press, people) for status in some]
        assert sorted(answers) == [303] + [410] * 49
        assert query("SELECT count(*) FROM audit_events WHERE action = 'email.changed'") == [(1,)]

    def test_ends_after_half_an_hour(self, here, latest, browser, query):
        here.post(PAGE, email=NEW)
        query("UPDATE email_changes SET expires_at = expires_at - interval '31 minutes'")
        assert browser().post(latest("confirm-email")).status_code == 410

    def test_fails_for_an_address_that_somebody_took_meanwhile(self, app, here, latest, browser, email_of):
        here.post(PAGE, email=NEW)
        url = latest("confirm-email")
        with app.app_context():
            make_user("Ana Silva", NEW)
        assert browser().post(url).status_code == 410
        assert email_of() == OLD

    def test_takes_a_link_of_ours_for_this_very_purpose(self, app, here, browser, query):
        here.post(PAGE, email=NEW)
        with app.app_context():
            waiting = db.session.scalars(db.select(EmailChange)).one()
            texts = [waiting.text(UNDO), waiting.text("password-reset"), waiting.text(CONFIRM)[:-2] + "AA", "A" * 64]
        assert {browser().post(f"/confirm-email/{text}").status_code for text in texts} == {410}

    def test_is_not_for_an_account_that_was_closed(self, here, latest, browser, query, email_of):
        here.post(PAGE, email=NEW)
        query("UPDATE users SET deactivated_at = now()")
        assert browser().post(latest("confirm-email")).status_code == 410
        assert email_of() == OLD


class TestTakingItBack:
    def test_gives_the_former_address_back_and_asks_for_a_new_password(self, change, latest, browser, here, email_of):
        change()
        phone = browser()
        assert phone.get(latest("undo-email")).status_code == 200
        assert email_of() == NEW
        answer = phone.post(latest("undo-email"))
        assert answer.status_code == 303
        assert answer.location.startswith("/reset-password/")
        assert email_of() == OLD
        assert here.get("/account").status_code == 302
        assert phone.post(answer.location, password=CHOSEN).status_code == 303
        assert browser().post("/login", email=OLD, password=CHOSEN).status_code == 303

    def test_works_for_a_week_and_once(self, change, latest, browser, query, email_of):
        change()
        url = latest("undo-email")
        query("UPDATE email_changes SET expires_at = expires_at - interval '7 days'")
        assert browser().post(url).status_code == 410
        query("UPDATE email_changes SET expires_at = now() + interval '1 minute'")
        assert [browser().post(url).status_code for _ in range(2)] == [303, 410]

    def test_survives_a_new_password_of_whoever_took_it(self, change, latest, browser, here, email_of):
        change()
        here.post("/account/security", current_password=PASSWORD, password=CHOSEN)
        assert browser().post(latest("undo-email")).status_code == 303
        assert email_of() == OLD

    def test_the_first_address_wins_over_those_that_followed(self, app, change, latest, browser, here, hana, email_of):
        """Whoever took the account and moved it on holds the second link, and gets nothing by it."""
        change("thief@example.com")
        first = latest("undo-email")
        here.log_in(hana, fresh=True)
        change("thief@another.example.com")
        second = latest("undo-email")
        here.log_in(hana, fresh=True)
        here.post(PAGE, email="thief@third.example.com")
        third = latest("confirm-email")
        assert browser().post(first).status_code == 303
        assert email_of() == OLD
        assert browser().post(second).status_code == 410
        assert browser().post(third).status_code == 410
        assert email_of() == OLD

    def test_removes_what_was_added_to_log_in_with(self, app, change, latest, browser, hana, query):
        with app.app_context(), transaction():
            user = db.session.get_one(User, hana.id)
            Passkey.add(user, b"a thief's", b"key", 0, "Thief")
            Passkey.add(user, b"her own", b"key", 0, "Laptop")
        query("UPDATE passkeys SET created_at = now() - interval '1 year' WHERE name = 'Laptop'")
        change()
        browser().post(latest("undo-email"))
        assert query("SELECT name FROM passkeys") == [("Laptop",)]
        assert query("SELECT count(*) FROM known_browsers") == [(0,)]

    def test_fails_where_another_account_has_the_address_by_now(self, app, change, latest, browser, email_of):
        change()
        with app.app_context():
            make_user("Ana Silva", OLD)
        assert browser().post(latest("undo-email")).status_code == 410
        assert email_of() == NEW


def test_no_link_lies_in_the_database(app, here, latest, query):
    here.post(PAGE, email=NEW)
    proof = latest("confirm-email").rpartition("/")[2][22:]
    for table in ("email_changes", "outgoing_mail"):
        assert proof not in query(f"SELECT array_agg(t::text)::text FROM {table} t")[0][0]


def test_a_host_without_mail_takes_the_address_at_its_word(app_with, browser, hana, email_of):
    app = app_with(email_verification="off", smtp_url="none")
    person = browser(app=app)
    person.log_in(hana, fresh=True)
    assert person.post(PAGE, email=NEW).location == "/account"
    assert email_of() == NEW
    with app.app_context():
        make_user("Ana Silva", "ana@example.org")
    answer = person.post(PAGE, email="ana@example.org")
    assert answer.status_code == 422
    assert "This address has an account already." in answer.text


def test_nothing_of_it_outlives_the_account(app, here, query):
    here.post(PAGE, email=NEW)
    here.post("/account/delete")
    assert query("SELECT count(*) FROM email_changes") == [(0,)]
