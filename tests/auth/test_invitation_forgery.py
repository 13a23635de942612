"""Links and cookies that are not what they claim to be, and everybody at once."""

import base64
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from models import Invitation, Role, db, tenant, transaction
from models.invitation import COPIED, MAILED
from models.text import address
from tests.auth.conftest import NEW
from tests.factories import PASSWORD, make_user

TYPED = {"name": "Ana Silva", "password": PASSWORD}
HOME = "/orgs/northfield"


@pytest.fixture
def token(app, northfield):
    """token(organization, inviter, email) -> what a mailed link to it carries."""

    def make(organization=northfield.organization, inviter=northfield.owner, email=NEW):
        with northfield.inside(app), transaction():
            tenant.enter(organization.id)
            row = Invitation.issue(organization.id, address(email), Role.OPERATOR, inviter.id)
            return row.link_text(MAILED)

    return make


def raw(token):
    return base64.urlsafe_b64decode(token)


def text(raw):
    return base64.urlsafe_b64encode(raw).decode()


def test_a_token_with_another_invitations_id_opens_neither(browser, token, account, query):
    user, mine, theirs = account(), token(), token(email="bo@example.com")
    for forged in (text(raw(mine)[:16] + raw(theirs)[16:]), text(raw(theirs)[:16] + raw(mine)[16:])):
        person = browser(user)
        person.client.set_cookie("invitation", forged)
        assert person.get("/invitation").status_code == 404
        person.post("/invitation/accept")
        person.post("/invitation/decline")
    assert query("SELECT count(*) FROM invitations WHERE num_nonnulls(accepted_at, declined_at) > 0") == [(0,)]


@pytest.mark.parametrize("place", [0, 15, 16, 40, 63])
def test_an_altered_cookie_opens_nothing(browser, token, account, membership, place):
    person, good = browser(account()), token()
    bad = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
    person.client.set_cookie("invitation", bad)
    assert person.get("/invitation").status_code == 404
    assert person.post("/invitation/accept").location == "/invitation"
    assert membership() is None


def test_a_copied_link_cannot_be_made_a_mailed_one(browser, app, northfield, token, query):
    mailed = token()
    with northfield.inside(app):
        copied = db.session.scalars(db.select(Invitation)).one().link_text(COPIED)
    assert raw(mailed)[:16] == raw(copied)[:16]
    assert raw(mailed)[16:] != raw(copied)[16:]
    visitor = browser()
    visitor.client.set_cookie("invitation", copied)
    visitor.post("/invitation/accept", **TYPED)
    assert query("SELECT count(*) FROM users WHERE email_key = %(key)s", key=NEW) == [(0,)]


def test_a_link_of_another_organization_joins_that_one_alone(browser, token, account, membership, northfield, query):
    token()
    user = account()
    person = browser(user)
    person.get(f"/invitations/{token(northfield.harbour, northfield.stranger)}")
    assert "Join Harbour Labs" in person.get("/invitation").text
    assert person.post("/invitation/accept").location == "/orgs/harbour-labs"
    assert membership() is None
    found = query("SELECT organization_id FROM organization_members WHERE user_id = %(id)s", id=user.id)
    assert found == [(northfield.harbour.id,)]


def test_what_the_database_holds_makes_no_link(browser, token, query):
    """Somebody with a dump knows ids and nonces, but not the key."""
    token()
    [(id, nonce)] = query("SELECT id, nonce FROM invitations")
    visitor = browser()
    for proof in (bytes(nonce), bytes(32)):
        visitor.client.set_cookie("invitation", text(id.bytes + proof))
        assert visitor.get("/invitation").status_code == 404


def test_an_inviter_who_is_demoted_while_the_page_is_open_lets_nobody_in(opened, northfield, browser, membership):
    visitor = opened(by=northfield.admin)
    assert visitor.get("/invitation").status_code == 200
    member = northfield.member("admin").id
    browser(northfield.owner).post(f"/orgs/northfield/people/{member}/role", role="OPERATOR")
    assert visitor.post("/invitation/accept", **TYPED).location == "/invitation"
    assert "This invitation was withdrawn" in visitor.get("/invitation").text
    assert membership() is None


def test_everybody_at_once_is_one_membership_and_an_answer_for_each(app, browser, token, account, northfield, query):
    user, path = account(), f"/invitations/{token()}"
    with northfield.inside(app):
        others = [make_user(f"Other {number}") for number in range(20)]
    right = [(browser(user), {}, {(303, HOME)}) for _ in range(10)]
    by_password = [(browser(), TYPED, {(303, HOME)}) for _ in range(10)]
    answers_to_wrong = {(422, None), (410, None)}
    by_a_wrong_one = [(browser(), TYPED | {"password": "nor this one"}, answers_to_wrong) for _ in range(10)]
    wrong_account = [(browser(other), {}, {(200, None), (410, None)}) for other in others]
    everybody = [*right, *by_password, *by_a_wrong_one, *wrong_account]
    random.Random(3).shuffle(everybody)
    for number, (person, _, _) in enumerate(everybody):
        person.at(f"192.0.2.{number}").get(path)

    def accept(entry):
        person, fields, expected = entry
        answer = person.post("/invitation/accept", **fields)
        if answer.status_code == 503:  # a busy machine has no connection free in time, and says when to try again
            return "Retry-After" in answer.headers, answer.status_code, answer.location
        return (answer.status_code, answer.location) in expected, answer.status_code, answer.location

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(accept, everybody))
    assert [answer for answer in answers if not answer[0]] == []
    operators = query("SELECT user_id FROM organization_members WHERE role = 'OPERATOR'")
    assert sorted(operators) == sorted([(northfield.operator.id,), (user.id,)])
    assert query("SELECT accepted_by FROM invitations") == [(user.id,)]


def test_the_wrong_account_switches_and_comes_back_as_the_right_one(opened, northfield, account, membership):
    account()
    person = opened(northfield.stranger)
    token = person.cookie("invitation")
    assert person.post("/invitation/switch").location == "/invitation"
    assert person.cookie("invitation") == token
    assert person.post("/login", email=northfield.stranger.email, password=PASSWORD).location == "/invitation"
    assert "This invitation is for another address" in person.get("/invitation").text
    person.post("/invitation/switch")
    assert person.post("/login", email=NEW, password=PASSWORD).location == "/invitation"
    assert person.post("/invitation/accept").location == HOME
    assert membership() is Role.OPERATOR
