"""Joining by an invitation's link: as a new person, with one's password, or with one button."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from blueprints.auth import sign_in
from models import Invitation, Role, db, tenant, transaction
from models.invitation import MAILED
from models.text import address
from tests.auth.conftest import NEW
from tests.factories import PASSWORD

TYPED = {"name": "Ana Silva", "password": PASSWORD}
HOME = "/orgs/northfield"


# --- the link -------------------------------------------------------------------------------------------------


def test_the_link_only_moves_its_token_into_a_cookie(browser, invite, statements):
    visitor, path = browser(), invite()
    with statements() as sent:
        answer = visitor.get(path)
    assert (answer.status_code, answer.location, len(sent)) == (303, "/invitation", 0)
    assert visitor.cookie("invitation") == path.rpartition("/")[2]
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age=1800" in cookie


def test_neither_the_link_nor_the_page_is_kept_or_told_to_others(browser, invite):
    visitor = browser()
    for answer in (visitor.get(invite()), visitor.get("/invitation"), browser().get("/invitation")):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer.headers["Cache-Control"]


def test_looking_changes_nothing(opened, statements):
    visitor = opened()
    with statements() as sent:
        visitor.get("/invitation")
    assert not sent.writes
    assert len(sent) <= 3  # which tenant, the invitation, whether there is an account


def test_over_https_the_cookie_is_bound_to_the_host(app_with, browser, invite):
    visitor = browser(app=app_with(base_url="https://id.example.org"))
    cookie = visitor.get(invite(), base_url="https://id.example.org").headers["Set-Cookie"]
    assert cookie.startswith("__Host-invitation=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


@pytest.mark.parametrize("token", ["A" * 64, "nonsense", "%00", "%ff", "é", "A" * 3000, "=" * 64])
def test_a_link_that_never_existed_is_not_found_and_names_nobody(browser, northfield, token):
    visitor = browser()
    assert visitor.get(f"/invitations/{token}").status_code == 303
    page = visitor.get("/invitation")
    assert page.status_code == 404
    assert "Northfield" not in page.text


def test_a_wrong_link_is_not_answered_with_the_one_before(opened):
    visitor = opened()
    visitor.get("/invitations/nonsense")
    assert visitor.get("/invitation").status_code == 404


def test_a_link_with_one_character_changed_is_worth_nothing(browser, invite):
    path = invite()
    visitor = browser()
    visitor.get(path[:-1] + ("A" if path[-1] != "A" else "B"))
    assert visitor.get("/invitation").status_code == 404


# --- A: no account --------------------------------------------------------------------------------------------


def test_a_new_person_sees_who_invites_them_and_as_what(opened):
    page = opened(message="Welcome <b>aboard</b>").get("/invitation")
    assert page.status_code == 200
    for words in (
        "Join Northfield",
        "Amara Okafor",
        "Operator",
        "runs and changes work",
        NEW,
        "Create account and join",
    ):
        assert words in page.text
    assert "Welcome &lt;b&gt;aboard&lt;/b&gt;" in page.text


def test_a_new_person_joins_with_a_name_and_a_password(opened, membership):
    visitor = opened()
    answer = visitor.post("/invitation/accept", **TYPED)
    assert (answer.status_code, answer.location) == (303, HOME)
    assert membership() is Role.OPERATOR
    assert "You joined Northfield as Operator." in visitor.get(HOME).text
    assert visitor.cookie("invitation") is None


def test_the_mailed_link_proves_the_address(opened, query):
    opened().post("/invitation/accept", **TYPED)
    [(proven,)] = query("SELECT email_verified_at IS NOT NULL FROM users WHERE email_key = %(key)s", key=NEW)
    assert proven
    assert query("SELECT count(*) FROM outgoing_mail WHERE message = 'signup'") == [(0,)]


def test_the_address_cannot_be_changed(opened, membership, query):
    opened().post("/invitation/accept", **TYPED, email="mallory@example.com")
    assert membership() is Role.OPERATOR
    assert query("SELECT count(*) FROM users WHERE email_key = 'mallory@example.com'") == [(0,)]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "", "password": PASSWORD}, "Enter your name"),
        ({"name": "Ana", "password": "short"}, "at least 12 characters"),
        ({"name": "Ana", "password": NEW}, "harder to guess"),
        ({"name": "A\x00na", "password": PASSWORD}, "cannot be used"),
        ({}, "Enter your name"),
    ],
)
def test_what_cannot_be_used_is_said_and_kept(opened, membership, typed, said):
    page = opened().post("/invitation/accept", **typed)
    assert page.status_code == 422
    assert said in page.text
    assert PASSWORD not in page.text
    assert membership() is None


def test_nobody_gets_an_account_without_the_membership(opened, query):
    visitor = opened()
    query("UPDATE invitations SET revoked_at = now()")
    assert visitor.post("/invitation/accept", **TYPED).location == "/invitation"
    assert query("SELECT count(*) FROM users WHERE email_key = %(key)s", key=NEW) == [(0,)]


def test_a_double_click_makes_one_account_and_both_lead_in(opened, query):
    visitor = opened()
    token = visitor.cookie("invitation")
    first = visitor.post("/invitation/accept", **TYPED)
    visitor.client.delete_cookie("session")  # the browser had sent the second before it had the first answer
    visitor.client.set_cookie("invitation", token)
    second = visitor.post("/invitation/accept", **TYPED)
    assert first.location == second.location == HOME
    assert query("SELECT count(*) FROM users WHERE email_key = %(key)s", key=NEW) == [(1,)]


def test_used_links_do_not_log_anybody_in_without_the_password(opened):
    visitor = opened()
    token = visitor.cookie("invitation")
    visitor.post("/invitation/accept", **TYPED)
    visitor.client.delete_cookie("session")
    visitor.client.set_cookie("invitation", token)
    assert visitor.post("/invitation/accept", **TYPED | {"password": "another cargo ship"}).status_code == 410
    assert visitor.cookie("session") is None


# --- A2: an account, signed out -------------------------------------------------------------------------------


def test_who_has_an_account_logs_in_and_joins_at_once(opened, account, membership):
    account()
    visitor = opened()
    page = visitor.get("/invitation")
    assert "Log in to join Northfield" in page.text
    assert NEW in page.text
    assert visitor.post("/invitation/accept", password=PASSWORD).location == HOME
    assert membership() is Role.OPERATOR
    assert visitor.get(HOME).status_code == 200


def test_a_wrong_password_joins_nobody(opened, account, membership):
    account()
    page = opened().post("/invitation/accept", password="not the right password")
    assert page.status_code == 422
    assert "The email address or password is not right." in page.text
    assert membership() is None


def test_a_deactivated_account_gets_the_same_answer(opened, account, membership, query):
    account()
    query("UPDATE users SET deactivated_at = now() WHERE email_key = %(key)s", key=NEW)
    page = opened().post("/invitation/accept", password=PASSWORD)
    assert "The email address or password is not right." in page.text
    assert membership() is None


def test_joining_confirms_an_address_that_was_not(opened, account, query):
    account()
    query("UPDATE users SET email_verified_at = NULL WHERE email_key = %(key)s", key=NEW)
    opened().post("/invitation/accept", password=PASSWORD)
    assert query("SELECT email_verified_at IS NULL FROM users WHERE email_key = %(key)s", key=NEW) == [(False,)]


def test_a_forgotten_password_does_not_lose_the_invitation(opened, account, link):
    account()
    visitor = opened()
    visitor.post("/forgot-password", email=NEW)
    assert visitor.post(link(), password="another cargo ship paper").location == "/invitation"
    assert "Join Northfield" in visitor.get("/invitation").text


# --- B: the right account -------------------------------------------------------------------------------------


def test_who_is_logged_in_joins_with_one_button(opened, account, membership):
    member = opened(account())
    page = member.get("/invitation")
    assert "You are logged in as" in page.text
    assert "Decline" in page.text
    answer = member.post("/invitation/accept")
    assert (answer.status_code, answer.location) == (303, HOME)
    assert membership() is Role.OPERATOR


def test_addresses_are_compared_without_case(opened, account, membership):
    opened(account(email="Ana.Silva@Example.com")).post("/invitation/accept")
    assert membership() is Role.OPERATOR


def test_joining_gives_the_browser_a_new_session(opened, account, browser):
    member = opened(account())
    before = member.cookie("session")
    member.post("/invitation/accept")
    stolen = browser()
    stolen.client.set_cookie("session", before)
    assert member.cookie("session") != before
    assert member.get(HOME).status_code == 200
    assert stolen.get(HOME).status_code == 302


def test_joining_by_a_session_proves_nothing_anew(opened, account, query):
    member = opened(account(), copied=True)
    began = query("SELECT created_at FROM sessions")
    assert member.post("/invitation/accept").location == HOME
    assert query("SELECT created_at FROM sessions") == began
    assert member.get("/account/security/passkeys/new").location.startswith("/account/confirm")
    assert member.post("/account/delete").status_code == 422


def test_a_link_proves_no_address_that_its_account_took_meanwhile(app_with, browser, invite, account, query, meanwhile):
    host_without_mail, me = app_with(email_verification="off"), account()
    query("UPDATE users SET email_verified_at = NULL WHERE id = %(id)s", id=me.id)
    visitor, mine = browser(app=host_without_mail), browser(app=host_without_mail)
    mine.log_in(me, fresh=True)
    visitor.get(invite())
    meanwhile(sign_in, "verify", lambda: mine.post("/account/email", email="victim@example.com"))
    assert visitor.post("/invitation/accept", password=PASSWORD).location == HOME
    mine = query("SELECT email, email_verified_at IS NOT NULL FROM users WHERE id = %(id)s", id=me.id)
    assert mine == [("victim@example.com", False)]


def test_a_session_that_a_new_password_ended_does_not_come_back(opened, account, query, statements, app):
    member = opened(account())
    ended = []

    def change_password(_connection, _cursor, statement, *_):
        if "FROM invitations" in statement and not ended:  # after the gate, before the change
            ended.append(query("UPDATE users SET credential_epoch = credential_epoch + 1"))

    with app.app_context():
        db.event.listen(db.engine, "before_cursor_execute", change_password)
    member.post("/invitation/accept")
    with app.app_context():
        db.event.remove(db.engine, "before_cursor_execute", change_password)
    assert ended
    assert member.get("/account").status_code == 302


def test_joining_twice_is_joining_once(opened, account, query):
    member = opened(account())
    token = member.cookie("invitation")
    member.post("/invitation/accept")
    for _ in range(2):
        member.client.set_cookie("invitation", token)
        assert member.get("/invitation").location == HOME
        assert member.post("/invitation/accept").location == HOME
    assert query("SELECT count(*) FROM invitations WHERE accepted_at IS NOT NULL") == [(1,)]


def test_a_member_stays_what_they_are(opened, northfield, membership):
    member = opened(northfield.operator, email=northfield.operator.email, role=Role.VIEWER)
    assert member.post("/invitation/accept").location == HOME
    assert "You are a member of Northfield already." in member.get(HOME).text
    assert membership(northfield.operator.email) is Role.OPERATOR
    assert member.get("/invitation").status_code == 404  # the cookie went with the answer


def test_a_member_who_only_looks_is_led_in(opened, northfield):
    member = opened(northfield.viewer, email=northfield.viewer.email)
    assert member.get("/invitation").location == HOME


def test_fifty_at_once_are_one_membership(app, invite, account, browser, query):
    user, path = account(), invite()
    browsers = [browser(user) for _ in range(50)]
    for member in browsers:
        member.get(path)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda member: member.post("/invitation/accept"), browsers))
    assert {(a.status_code, a.location) for a in answers} == {(303, HOME)}
    joined = query("SELECT count(*) FROM organization_members WHERE user_id = %(id)s", id=user.id)
    assert joined == [(1,)]


def test_thirty_new_people_at_once_are_one_account(invite, browser, query):
    path = invite()
    browsers = [browser().at(f"192.0.2.{number}") for number in range(30)]
    for visitor in browsers:
        visitor.get(path)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda visitor: visitor.post("/invitation/accept", **TYPED), browsers))
    assert {(a.status_code, a.location) for a in answers} == {(303, HOME)}
    assert query("SELECT count(*) FROM users WHERE email_key = %(key)s", key=NEW) == [(1,)]


def test_the_page_answers_for_the_invitation_that_it_showed(opened, account, app, northfield, membership):
    member = opened(account())
    shown = member.get("/invitation").text.split('name="invitation" value="')[1].split('"')[0]
    with app.app_context(), transaction():
        tenant.enter(northfield.harbour.id)
        other = Invitation.issue(northfield.harbour.id, address(NEW), Role.VIEWER, northfield.stranger.id)
        path = f"/invitations/{other.link_text(MAILED)}"
    member.get(path)
    assert member.post("/invitation/accept", invitation=shown).location == "/invitation"
    assert "Join Harbour Labs" in member.get("/invitation").text
    assert membership() is None


def test_another_site_cannot_press_the_button(opened, account, membership):
    member = opened(account())
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert (
        member.client.post("/invitation/accept", data={"csrf_token": member.token()}, headers=headers).status_code
        == 403
    )
    assert member.post("/invitation/accept", token="forged").status_code == 422
    assert membership() is None


def test_a_browser_that_does_not_say_where_the_button_was_may_press_it(opened, account, membership):
    """A page without a referrer sends this Origin, and older browsers nothing else."""
    member = opened(account())
    member.client.post("/invitation/accept", data={"csrf_token": member.token()}, headers={"Origin": "null"})
    assert membership() is Role.OPERATOR
