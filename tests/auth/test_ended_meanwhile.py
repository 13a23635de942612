"""What was begun does not outlive what ends it: a new password, a log-out, a deletion; in that moment neither."""

import threading

import pytest

from blueprints.auth import passkeys, two_step
from models import User, db, transaction
from tests.auth.authenticator import Authenticator, asked_on
from tests.factories import PASSWORD

ADD, OFF = "/account/security/passkeys/new", "/account/security/two-step/off"
CHANGED = {"current_password": PASSWORD, "password": "a new and quiet password"}


def is_in(person):
    return person.get("/account").status_code == 200


@pytest.fixture
def thief(browser, hana):
    """A browser in a session of Hana's that just began."""
    person = browser()
    person.log_in(hana, fresh=True)
    return person


@pytest.fixture
def new_password(browser, hana):
    """new_password() -> Hana chooses one, in another browser."""
    here = browser(hana)
    return lambda: here.post("/account/security", **CHANGED)


def test_a_passkey_is_none_that_who_is_shut_out_adds(thief, new_password, query, meanwhile):
    device = Authenticator()
    made = device.create(asked_on(thief.get(ADD)))
    meanwhile(passkeys, "transaction", new_password)
    assert thief.post(ADD, name="x", credential=made).location.startswith("/login")
    assert query("SELECT * FROM passkeys") == []
    assert not is_in(thief)


@pytest.mark.parametrize("how", ["new password", "log-out"])
def test_a_session_that_ended_does_not_come_back(how, thief, browser, hana, new_password, query, meanwhile):
    here = browser(hana)
    ends = {"new password": new_password, "log-out": lambda: here.post("/account/sessions/revoke-others")}
    meanwhile(two_step, "transaction", ends[how])
    thief.post(OFF)
    assert not is_in(thief)


def test_a_proof_lasts_ten_minutes_whatever_is_done_by_it(thief, query):
    device = Authenticator()
    ago = "UPDATE sessions SET created_at = created_at - interval '6 minutes'"
    query(ago)
    assert thief.post(OFF).location == "/account/security"
    assert thief.post(ADD, name="x", credential=device.create(asked_on(thief.get(ADD)))).location == "/account/security"
    query(ago)
    assert thief.get(ADD).location.startswith("/account/confirm")
    assert thief.post("/account/delete").status_code == 422


@pytest.mark.parametrize("how", ["changed", "by a link"])
def test_an_address_that_waits_ends_with_the_password(how, thief, browser, new_password, link, query):
    thief.post("/account/email", email="thief@example.com")
    query("DELETE FROM outgoing_mail WHERE message = 'email_change_asked'")
    confirm = link()
    if how == "changed":
        new_password()
    else:
        browser().post("/forgot-password", email="hana.reyes@example.org")
        assert browser().post(link(), password=CHANGED["password"]).status_code == 303
    assert browser().post(confirm).status_code == 410
    assert query("SELECT email FROM users") == [("hana.reyes@example.org",)]


def test_a_name_is_not_given_to_an_account_that_was_deleted(thief, browser, hana, query, meanwhile):
    meanwhile(User, "rename", lambda: thief.post("/account/delete"))
    browser(hana).post("/account", name="Hana Reyes-Smith")
    assert query("SELECT name FROM users") == [("a former member",)]


def test_a_link_to_a_new_password_is_not_mailed_when_it_is_too_old(browser, hana, mails, query):
    browser().post("/forgot-password", email=hana.email)
    query("UPDATE one_time_tokens SET expires_at = now()")
    assert mails() == []


def test_a_session_lives_no_longer_than_it_may_from_the_first(app_with, browser, hana, query):
    person = browser(app=app_with(session_max_days=1))
    assert person.post("/login", email=hana.email, password=PASSWORD).status_code == 303
    assert query("SELECT expire - created_at <= interval '1 day' FROM sessions") == [(True,)]


def test_who_signs_up_in_somebodys_name_keeps_them_from_no_link(browser, hana):
    for n in range(6):
        browser().at(f"10.0.0.{n}").post("/signup", email=hana.email, name="X", password=CHANGED["password"])
    assert browser().at("10.9.9.9").post("/forgot-password", email=hana.email).status_code < 400


def test_a_link_and_a_change_of_password_do_not_wait_for_each_other(
    app, browser, hana, link, somebody_waits, monkeypatch
):
    """The link has the account when the change begins, which waits for it, and holds nothing that the link needs."""
    browser().post("/forgot-password", email=hana.email)
    person, path, prove = browser(), link(), User.prove_address

    def change():
        with app.app_context(), transaction():
            db.session.get_one(User, hana.id).log_out_everywhere()

    def prove_later(user, key):
        changing.start()
        while changing.is_alive() and not somebody_waits():
            pass
        return prove(user, key)

    changing = threading.Thread(target=change)
    monkeypatch.setattr(User, "prove_address", prove_later)
    assert person.post(path, password=CHANGED["password"]).status_code == 303
    changing.join(20)
    assert not changing.is_alive()
