"""Invitations that are not simply accepted: another account, a copied link, a no, and every way to be over."""

import pytest

from models import Invitation, Role, db
from models.invitation import MAILED
from tests.auth.conftest import NEW
from tests.factories import PASSWORD

TYPED = {"name": "Ana Silva", "password": PASSWORD}
HOME = "/orgs/northfield"


def end(query, column):
    query(f"UPDATE invitations SET {column} = now()")


# --- C: the wrong account -------------------------------------------------------------------------------------


def test_the_wrong_account_is_told_so_without_the_whole_address(opened, northfield):
    page = opened(northfield.stranger).get("/invitation")
    assert page.status_code == 200
    assert "This invitation is for another address" in page.text
    assert "a•••@example.com" in page.text
    assert NEW not in page.text
    assert northfield.stranger.email in page.text


def test_the_wrong_account_cannot_join_or_decline(opened, northfield, membership, query):
    other = opened(northfield.stranger)
    assert other.post("/invitation/accept").status_code == 200
    other.post("/invitation/decline")
    assert membership(northfield.stranger.email) is None
    assert query("SELECT count(*) FROM invitations WHERE declined_at IS NOT NULL") == [(0,)]


def test_switching_the_account_keeps_the_invitation(opened, northfield, account, membership):
    account()
    person = opened(northfield.stranger)
    assert person.post("/invitation/switch").location == "/invitation"
    assert "Log in to join Northfield" in person.get("/invitation").text
    person.post("/invitation/accept", password=PASSWORD)
    assert membership() is Role.OPERATOR
    assert membership(northfield.stranger.email) is None


# --- declining ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["visitor", "account"])
def test_declining_ends_it(opened, account, query, who):
    person = opened(account() if who == "account" else None)
    assert person.post("/invitation/decline").location == "/invitation"
    page = person.get("/invitation")
    assert page.status_code == 410
    assert "You declined this invitation" in page.text
    assert person.post("/invitation/decline").location == "/invitation"
    assert person.post("/invitation/accept", **TYPED).location == "/invitation"


# --- a copied link --------------------------------------------------------------------------------------------


def test_a_copied_link_looks_the_same_with_and_without_an_account(browser, invite, account):
    visitor = browser()
    visitor.get(invite(copied=True))
    before = visitor.get("/invitation").text
    account()
    assert visitor.get("/invitation").text == before
    assert "Create an account" in before
    assert "Log in" in before
    assert "password" not in before


def test_a_copied_link_gives_a_visitor_nothing(opened, membership, query):
    visitor = opened(copied=True)
    assert visitor.post("/invitation/accept", **TYPED).status_code == 200
    visitor.post("/invitation/decline")
    assert query("SELECT count(*) FROM users WHERE email_key = %(key)s", key=NEW) == [(0,)]
    assert query("SELECT count(*) FROM invitations WHERE declined_at IS NOT NULL") == [(0,)]


def test_a_copied_link_joins_an_account_whose_address_is_confirmed(opened, account, membership):
    account()
    person = opened(copied=True)
    assert person.post("/login", email=NEW, password=PASSWORD).location == "/invitation"
    assert person.post("/invitation/accept").location == HOME
    assert membership() is Role.OPERATOR


def test_a_copied_link_joins_no_account_whose_address_is_not(opened, account, membership, query):
    user = account()
    query("UPDATE users SET email_verified_at = NULL WHERE email_key = %(key)s", key=NEW)
    person = opened(user, copied=True)
    assert "not confirmed yet" in person.get("/invitation").text
    person.post("/invitation/accept")
    assert membership() is None


def test_a_copied_link_survives_signing_up_with_the_confirmation_mail(opened, link, membership):
    visitor = opened(copied=True)
    visitor.post("/signup", email=NEW, **TYPED)
    assert visitor.post(link()).location == "/invitation"
    visitor.post("/invitation/accept")
    assert membership() is Role.OPERATOR


def test_a_copied_link_is_not_the_mailed_one(app, invite, northfield):
    copied = invite(copied=True)
    with northfield.inside(app):
        row = db.session.scalar(db.select(Invitation))
        assert not copied.endswith(row.link_text(MAILED))


def test_where_addresses_are_not_confirmed_a_copied_link_is_enough(app_with, opened, membership, query):
    visitor = opened(app=app_with(email_verification="off", smtp_url="none"), copied=True)
    assert "Create account and join" in visitor.get("/invitation").text
    visitor.post("/invitation/accept", **TYPED)
    assert membership() is Role.OPERATOR
    assert query("SELECT email_verified_at FROM users WHERE email_key = %(key)s", key=NEW) == [(None,)]


def test_where_only_the_invited_sign_up_a_mailed_link_lets_in(app_with, opened, membership):
    invited = app_with(signup="invited")
    opened(app=invited).post("/invitation/accept", **TYPED)
    assert membership() is Role.OPERATOR


@pytest.fixture
def invited_only(app_with, opened):
    """A browser that opened a copied link, on a host where only invited people sign up."""
    return opened(app=app_with(signup="invited"), copied=True)


def test_where_only_the_invited_sign_up_a_copied_link_lets_in_after_the_confirmation_mail(
    invited_only, link, membership
):
    assert "Create an account" in invited_only.get("/invitation").text
    page = invited_only.get("/signup?next=/invitation")
    assert (page.status_code, f'value="{NEW}"' in page.text, "readonly" in page.text) == (200, True, True)
    answer = invited_only.post("/signup?next=/invitation", email=NEW, **TYPED)
    assert answer.location == "/signup/check-email"
    assert membership() is None
    assert invited_only.post(link()).location == "/invitation"
    assert invited_only.post("/invitation/accept").location == HOME
    assert membership() is Role.OPERATOR


def test_there_it_lets_in_exactly_the_invited_address(invited_only, query):
    invited_only.post("/signup", email="mallory@example.com", **TYPED)
    assert query("SELECT email FROM signups") == [(NEW,)]


def test_there_it_does_not_tell_whether_the_address_has_an_account(invited_only, account, mails):
    account()
    answer = invited_only.post("/signup", email=NEW, **TYPED)
    assert answer.location == "/signup/check-email"
    assert mails()[-1]["Subject"] == "You already have an account"


@pytest.mark.parametrize("column", ["expires_at", "revoked_at", "declined_at", "replaced_at"])
def test_there_an_invitation_that_is_over_lets_nobody_sign_up(invited_only, query, column):
    end(query, column)
    assert "You need an invitation" in invited_only.get("/signup").text
    assert invited_only.post("/signup", email=NEW, **TYPED).status_code == 403
    assert query("SELECT count(*) FROM signups") == [(0,)]


def test_there_nobody_else_signs_up(browser, app_with, query):
    visitor = browser(app=app_with(signup="invited"))
    visitor.client.set_cookie("invitation", "A" * 64)
    assert visitor.post("/signup", email=NEW, **TYPED).status_code == 403
    assert query("SELECT count(*) FROM signups") == [(0,)]


# --- D: over --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("expires_at", "This invitation expired on"),
        ("revoked_at", "This invitation was withdrawn"),
        ("declined_at", "You declined this invitation"),
        ("replaced_at", "There is a newer invitation"),
        ("accepted_at", "You already joined with this invitation"),
    ],
)
def test_an_invitation_that_is_over_says_why(opened, query, column, said):
    visitor = opened()
    end(query, column)
    page = visitor.get("/invitation")
    assert page.status_code == 410
    assert said in page.text
    assert visitor.post("/invitation/accept", **TYPED).status_code in (303, 410)


def test_a_deleted_organization_is_named_as_gone(opened, query):
    visitor = opened()
    query("UPDATE organizations SET deleted_at = now() WHERE slug = 'northfield'")
    page = visitor.get("/invitation")
    assert (page.status_code, "Northfield no longer exists" in page.text) == (410, True)
    assert visitor.post("/invitation/accept", **TYPED).location == "/invitation"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE organization_members SET role = 'OPERATOR' WHERE user_id = %(id)s",
        "DELETE FROM organization_members WHERE user_id = %(id)s",
        "UPDATE users SET deactivated_at = now() WHERE id = %(id)s",
    ],
)
def test_an_inviter_who_could_not_invite_any_more_lets_nobody_in(opened, northfield, query, membership, change):
    visitor = opened(by=northfield.admin)
    query(change, id=northfield.admin.id)
    page = visitor.get("/invitation")
    assert (page.status_code, "This invitation no longer counts" in page.text) == (410, True)
    assert visitor.post("/invitation/accept", **TYPED).location == "/invitation"
    assert membership() is None


def test_an_admin_who_was_an_owner_lets_no_owner_in(opened, northfield, query, membership):
    query("UPDATE organization_members SET role = 'OWNER' WHERE user_id = %(id)s", id=northfield.admin.id)
    visitor = opened(by=northfield.admin, role=Role.OWNER)
    query("UPDATE organization_members SET role = 'ADMIN' WHERE user_id = %(id)s", id=northfield.admin.id)
    visitor.post("/invitation/accept", **TYPED)
    assert membership() is None


def test_a_used_invitation_names_nobody_to_another_account(opened, northfield, account, browser):
    member = opened(account())
    token = member.cookie("invitation")
    member.post("/invitation/accept")
    other = browser(northfield.stranger)
    other.client.set_cookie("invitation", token)
    page = other.get("/invitation")
    assert (page.status_code, "This invitation was already used" in page.text) == (410, True)
    assert "Northfield" not in page.text
    assert "Ana" not in page.text


def test_who_was_removed_cannot_come_back_by_the_old_link(opened, account, query, membership):
    user = account()
    member = opened(user)
    token = member.cookie("invitation")
    member.post("/invitation/accept")
    query("DELETE FROM organization_members WHERE user_id = %(id)s", id=user.id)
    member.client.set_cookie("invitation", token)
    assert member.get("/invitation").status_code == 410
    member.post("/invitation/accept")
    assert membership() is None


def test_a_signed_in_page_asks_four_times_at_most(opened, account, statements):
    member = opened(account())
    with statements() as sent:
        member.get("/invitation")
    assert len(sent) <= 4
