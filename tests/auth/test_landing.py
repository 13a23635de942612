"""The first page: what a visitor sees, and where somebody who is logged in is led."""

import pytest

from models import Organization, db, transaction
from tests.factories import make_user


def test_a_visitor_is_told_what_this_is_and_the_two_ways_on(browser, statements):
    with statements() as sent:
        page = browser().get("/")
    assert page.status_code == 200
    assert "Know who can do what, and why." in page.text
    assert 'href="/signup"' in page.text
    assert 'href="/login"' in page.text
    assert not sent


def test_who_has_one_organization_goes_straight_to_it(browser, northfield, statements):
    person = browser(northfield.viewer)
    with statements() as sent:
        answer = person.get("/")
    assert (answer.status_code, answer.location) == (303, "/orgs/northfield")
    assert len(sent) == 2


def test_who_has_several_or_none_goes_to_the_list(app, browser, northfield):
    with northfield.inside(app), transaction():
        Organization.create("Second", "second", northfield.viewer.id)
    assert browser(northfield.viewer).get("/").location == "/orgs"
    assert browser(northfield.guest).get("/").location == "/orgs"


def test_a_deleted_organization_is_nowhere_to_go(app, browser, northfield):
    with northfield.inside(app), transaction():
        db.session.get_one(Organization, northfield.organization.id).delete()
    assert browser(northfield.viewer).get("/").location == "/orgs"


def test_a_host_by_invitation_offers_no_account(app_with, browser):
    page = browser(app=app_with(signup="invited")).get("/")
    assert 'href="/signup"' not in page.text
    assert 'href="/login"' in page.text


@pytest.mark.parametrize("path", ["/", "/login", "/signup", "/forgot-password"])
def test_a_visitor_leaves_nothing_behind(app, browser, query, path):
    visitor = browser()
    visitor.get(path)
    visitor.post(path, email="nobody@example.org", password="wrong password")
    assert query("SELECT count(*) FROM sessions")[0][0] == 0
    assert visitor.cookie("session") is None


def test_pages_hold_up_without_any_cookie(app, browser):
    with app.app_context():
        make_user("Hana Reyes")
    fresh = app.test_client()
    page = fresh.get("/login")
    assert page.status_code == 200
    assert "visitor" in page.headers["Set-Cookie"]


@pytest.mark.parametrize("path", ["/login", "/signup", "/forgot-password", "/account", "/account/security"])
def test_bytes_that_are_not_utf8_are_refused(browser, northfield, path):
    person = browser(northfield.viewer) if path.startswith("/account") else browser()
    broken = b"&".join(b"%s=a\xff\xc3" % name for name in (b"email", b"name", b"password", b"current_password"))
    body = broken + b"&csrf_token=" + person.token().encode()
    answer = person.client.post(path, data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400
