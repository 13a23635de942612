"""A fresh proof of who one is, before what cannot be undone: asked for once in ten minutes."""

from base64 import b32encode

import pyotp
import pytest

from models import SecondFactor, User, db, transaction
from models.second_factor import new_secret
from tests.factories import PASSWORD

CONFIRM = "/account/confirm"
NEEDS = {  # what cannot be undone, or decides who gets in
    "delete the organization": ("/orgs/northfield/settings/delete", {"confirm": "northfield"}),
    "delete the account": ("/account/delete", {}),
    "turn two steps off": ("/account/security/two-step/off", {}),
    "transfer": ("/orgs/northfield/settings/transfer", {"member": "{member}", "role": "ADMIN"}),
    "make new recovery codes": ("/account/security/recovery-codes", {}),
}


@pytest.fixture
def totp(app, northfield):
    """The app of Amara, who has two-step verification on and saved her recovery codes."""
    secret = new_secret()
    totp = pyotp.TOTP(b32encode(secret).decode())
    with app.app_context(), transaction():
        assert SecondFactor.set_up(db.session.get_one(User, northfield.owner.id), secret, totp.now())
        factor = SecondFactor.of(northfield.owner.id)
        factor.last_step, factor.recovery_shown_until = 0, None
    return totp


@pytest.fixture
def act(northfield):
    """act(person, what, **fields) -> the answer."""

    def post(person, what, **more):
        url, fields = NEEDS[what]
        member = str(northfield.member("admin").id)
        return person.post(url, **{name: text.format(member=member) for name, text in fields.items()}, **more)

    return post


@pytest.mark.parametrize("what", NEEDS)
def test_without_one_nothing_is_done_and_the_password_is_asked_for(what, act, browser, northfield, totp):
    who = northfield.viewer if what == "delete the account" else northfield.owner  # the last Owner cannot
    answer = act(browser(who), what)
    assert answer.status_code == 422
    assert "Enter your password" in answer.text
    assert 'name="current_password"' in answer.text


@pytest.mark.parametrize("what", [what for what in NEEDS if what != "delete the account"])
def test_in_a_fresh_session_nothing_more_is_asked(what, act, browser, northfield, totp):
    amara = browser()
    amara.log_in(northfield.owner, fresh=True)
    page = amara.get(NEEDS[what][0].replace("/transfer", f"/transfer?member={northfield.member('admin').id}")).text
    assert 'name="current_password"' not in page
    assert act(amara, what).status_code == 303


def test_a_wrong_password_is_wrong_in_a_fresh_session_too(act, browser, northfield):
    amara = browser()
    amara.log_in(northfield.owner, fresh=True)
    answer = act(amara, "delete the organization", current_password="not my password")
    assert answer.status_code == 422
    assert "The password is not right." in answer.text
    assert 'name="current_password"' in answer.text


def test_a_new_password_takes_the_present_one_always(browser, northfield):
    amara = browser()
    amara.log_in(northfield.owner, fresh=True)
    answer = amara.post("/account/security", password="a new and quiet password")
    assert answer.status_code == 422
    assert "Enter your password" in answer.text


def test_ten_minutes_later_it_is_asked_for_again(act, browser, northfield, query):
    amara = browser()
    amara.log_in(northfield.owner, fresh=True)
    query("UPDATE sessions SET created_at = created_at - interval '10 minutes'")
    assert act(amara, "delete the organization").status_code == 422


def test_is_given_by_the_password_with_a_new_session_id(act, browser, northfield):
    amara = browser(northfield.owner)
    before = amara.cookie("session")
    answer = amara.post(f"{CONFIRM}?next=/orgs/northfield/settings/delete", current_password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/orgs/northfield/settings/delete")
    assert amara.cookie("session") != before
    assert act(amara, "delete the organization").status_code == 303


def test_is_given_by_a_code(act, browser, northfield, totp):
    amara = browser(northfield.owner)
    assert "Or by your second step" in amara.get(CONFIRM).text
    assert amara.post(CONFIRM, code=totp.now()).location == "/account/security"
    assert act(amara, "turn two steps off").status_code == 303


def test_a_code_works_once(browser, northfield, totp):
    code = totp.now()
    assert browser(northfield.owner).post(CONFIRM, code=code).status_code == 303
    answer = browser(northfield.owner).post(CONFIRM, code=code)
    assert answer.status_code == 422
    assert "The code is not right." in answer.text


@pytest.mark.parametrize("fields", [{}, {"current_password": "wrong"}, {"code": "000000"}, {"code": ""}], ids=str)
def test_nothing_wrong_gives_one(fields, act, browser, northfield):
    amara = browser(northfield.owner)
    before = amara.cookie("session")
    assert amara.post(CONFIRM, **fields).status_code == 422
    assert amara.cookie("session") == before
    assert act(amara, "delete the organization").status_code == 422


def test_guesses_are_counted_with_those_elsewhere(browser, northfield):
    amara = browser(northfield.owner)
    answers = [amara.post(CONFIRM, current_password="wrong").status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_leads_nowhere_else(target, browser, northfield):
    answer = browser(northfield.owner).post(f"{CONFIRM}?next={target}", current_password=PASSWORD)
    assert answer.location == "/account/security"
