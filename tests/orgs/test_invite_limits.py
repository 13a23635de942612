"""Limits on inviting, over HTTP."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest

from models import limits
from models.rate_limit import Claim, left_of, take_all
from runtime import database

INVITE = "/orgs/northfield/people/invite"
PENDING = "/orgs/northfield/people/invitations"
TIME = r"Try again after \d\d:\d\d UTC \(in [\w ]+\)\."


@pytest.fixture
def used(app):
    """used(limit, subject, n) -> that many were taken from a limit before."""

    def use(limit, subject, n):
        with app.app_context():
            take_all([Claim(limit, subject, n)])

    return use


@pytest.fixture
def left(app, northfield):
    """left(by="admin") -> how many that sender and Northfield have left."""

    def look(by="admin"):
        with northfield.inside(app):
            return list(left_of(limits.inviting(northfield.person(by).id, northfield.organization.id)).values())

    return look


@pytest.fixture
def sent(query):
    """sent() -> how many invitations there are."""
    return lambda: query("SELECT count(*) FROM invitations")[0][0]


def people(count, name="person"):
    return "\n".join(f"{name}{n}@example.org" for n in range(count))


def box(answer):
    """What is in the form's box of addresses."""
    return re.search(r"<textarea[^>]*>(.*?)</textarea>", answer.text, re.DOTALL)[1].split()


def waits(answer):
    """The seconds after which to try again; the text says when that is."""
    assert answer.status_code == 429
    assert re.search(TIME, answer.text)
    return int(answer.headers["Retry-After"])


@pytest.mark.parametrize("hx", [True, False])
def test_a_sender_is_told_what_is_left_and_keeps_the_text(as_, northfield, used, sent, left, hx):
    used(limits.INVITES_OF_SENDER, northfield.admin.id, 160)
    answer = as_("admin").post(INVITE, hx=hx, emails=people(50), role="OPERATOR", message="Kept")
    assert 0 < waits(answer) <= 10 * 432
    assert "You can send 200 invitations a day. 40 are left." in answer.text
    assert box(answer) == people(50).split()
    assert 'value="OPERATOR" checked' in answer.text
    assert "Kept" in answer.text
    assert sent() == 0
    assert left() == [40, 500]


def test_as_many_as_are_left_are_sent(as_, northfield, used, sent):
    used(limits.INVITES_OF_SENDER, northfield.admin.id, 160)
    admin = as_("admin")
    assert admin.post(INVITE, emails=people(40), role="VIEWER").status_code == 303
    assert "None are left." in admin.post(INVITE, emails="ana@example.org", role="VIEWER").text
    assert sent() == 40


def test_the_hint_says_what_is_left_once_some_are_gone(as_):
    admin = as_("admin")
    assert "invitations a day" not in admin.get(INVITE).text
    admin.post(INVITE, emails=people(3), role="VIEWER")
    assert "You can send 200 invitations a day. 197 are left." in admin.get(INVITE).text
    for emails, number in (("sam@", 197), ("ana@example.org sam@", 196)):
        assert f"{number} are left." in admin.post(INVITE, emails=emails, role="VIEWER").text


def test_the_hint_tells_the_tighter_limit(as_, northfield, used):
    used(limits.INVITES_OF_ORGANIZATION, northfield.organization.id, 499)
    assert "Northfield can send 500 invitations a day. 1 is left." in as_("admin").get(INVITE).text


def test_an_organization_has_a_limit_of_its_own(as_, northfield, used, sent, left):
    used(limits.INVITES_OF_ORGANIZATION, northfield.organization.id, 498)
    answer = as_("admin").post(INVITE, emails=people(3), role="VIEWER")
    assert waits(answer) > 0
    assert "Northfield can send 500 invitations a day. 2 are left." in answer.text
    assert sent() == 0
    assert left() == [200, 2]


def test_another_organization_and_sender_have_their_own(browser, northfield, used):
    used(limits.INVITES_OF_ORGANIZATION, northfield.organization.id, 500)
    used(limits.INVITES_OF_SENDER, northfield.owner.id, 200)
    stranger = browser(northfield.stranger)
    assert stranger.post("/orgs/harbour-labs/people/invite", emails=people(5), role="VIEWER").status_code == 303


def test_an_addresss_limit_stops_its_line_and_no_other(as_, used, sent, left):
    used(limits.INVITES_TO_ADDRESS, "ana@example.org", 5)
    answer = as_("admin").post(INVITE, hx=True, emails="Ana@Example.org ben@example.org", role="VIEWER")
    assert answer.status_code == 200
    assert "Sent 1 invitation. 1 address needs attention:" in answer.text
    assert re.search(rf"Ana@example.org gets at most 5 invitations a day\. {TIME}", answer.text)
    assert box(answer) == ["Ana@example.org"]
    assert sent() == 1
    assert left() == [199, 499]


def test_where_no_address_may_get_more_it_is_429(as_, used, sent, left):
    used(limits.INVITES_TO_ADDRESS, "ana@example.org", 5)
    answer = as_("admin").post(INVITE, emails="ana@example.org", role="VIEWER")
    assert 4 * 3600 < waits(answer) <= 24 * 720
    assert sent() == 0
    assert left() == [200, 500]


def test_what_is_not_sent_is_not_counted(as_, invited, northfield, left, app):
    invited("ben@example.org")
    emails = "ana@example.org ben@example.org sven.weber@example.org nonsense"
    answer = as_("admin").post(INVITE, emails=emails, role="VIEWER")
    assert left() == [199, 499]
    assert "You can send 200 invitations a day. 199 are left." in answer.text
    with northfield.inside(app):
        assert list(left_of([limits.invited("ben@example.org")]).values()) == [5]
        assert list(left_of([limits.invited("ana@example.org")]).values()) == [4]


def test_the_same_form_sent_twice_sends_once_and_says_so(as_, sent, mails, left):
    """Also where sending it again would be over the limit."""
    admin = as_("admin")
    answers = [admin.post(INVITE, emails=people(120), role="VIEWER") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 200]
    assert "No invitation was sent. 120 addresses need attention:" in answers[1].text
    assert sent() == len(mails()) == 120
    assert left() == [80, 380]


def test_the_same_form_with_more_sends_what_is_new(as_, sent, left):
    admin = as_("admin")
    admin.post(INVITE, emails=people(150), role="VIEWER")
    assert "Sent 5 invitations." in admin.post(INVITE, emails=people(155), role="VIEWER").text
    assert left() == [45, 345]
    assert "45 are left" in admin.post(INVITE, emails=people(150) + "\n" + people(46, "new"), role="VIEWER").text
    assert sent() == 155


def test_two_senders_at_once_share_the_organizations_limit(as_, northfield, used, sent, left):
    used(limits.INVITES_OF_ORGANIZATION, northfield.organization.id, 490)
    senders = {name: as_(name) for name in ("owner", "admin")}
    start = Barrier(10)

    def invite(number):
        name = "owner" if number % 2 else "admin"
        start.wait()
        return senders[name].post(INVITE, emails=people(3, f"p{number}."), role="VIEWER").status_code

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(invite, range(10)))
    assert set(answers) == {303, 429}
    assert sent() == 3 * answers.count(303) <= 10
    assert left("owner")[1] == 10 - sent()


def test_who_presses_without_end_is_stopped(as_, northfield, used, sent):
    used(limits.INVITING_AT_ONCE, northfield.admin.id, 30)
    answer = as_("admin").post(INVITE, emails="ana@example.org", role="VIEWER")
    assert waits(answer) <= 2
    assert "Too many attempts." in answer.text
    assert box(answer) == ["ana@example.org"]
    assert sent() == 0


# --- sending again, and links -----------------------------------------------------------------------------------


@pytest.fixture
def ana(invited):
    """The address of a pending invitation for ana@example.org."""
    return lambda action: f"{PENDING}/{invited('ana@example.org')}/{action}"


@pytest.fixture
def one_left(northfield, used):
    """The admin has one invitation left."""
    used(limits.INVITES_OF_SENDER, northfield.admin.id, 199)


def live(query):
    return query("SELECT id::text FROM invitations WHERE replaced_at IS NULL AND revoked_at IS NULL")[0][0]


def test_an_address_gets_five_mails_a_day_resends_included(as_, query, mails):
    admin = as_("admin")
    admin.post(INVITE, emails="ana@example.org", role="VIEWER")
    answers = [admin.post(f"{PENDING}/{live(query)}/resend") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [303] * 4 + [429]
    assert waits(answers[-1]) > 4 * 3600
    assert "ana@example.org gets at most 5 invitations a day." in answers[-1].text
    assert query("SELECT count(*) FROM outgoing_mail") == [(5,)]
    assert admin.post(f"{PENDING}/{live(query)}/link").status_code == 200


@pytest.mark.parametrize("action", ["resend", "link"])
@pytest.mark.parametrize("hx", [True, False])
@pytest.mark.usefixtures("one_left")
def test_sending_again_counts_as_sending(as_, ana, query, left, action, hx):
    as_("admin").post(ana(action), hx=hx)
    assert left() == [0, 499]
    before = live(query)
    answer = as_("admin").post(f"{PENDING}/{before}/{action}", hx=hx)
    assert waits(answer) <= 432
    assert "Too many attempts" in answer.text
    assert "You can send 200 invitations a day. None are left." in answer.text
    assert answer.headers.get("HX-Retarget") == ("#notices" if hx else None)
    assert live(query) == before


def test_what_cannot_be_sent_again_is_not_counted(as_, ana, left):
    url, admin = ana("resend"), as_("admin")
    assert [admin.post(url).status_code for _ in range(2)] == [303, 410]
    assert left() == [199, 499]


def test_the_page_leads_back(as_, ana, northfield, used):
    used(limits.INVITES_OF_SENDER, northfield.admin.id, 200)
    admin = as_("admin")
    fields = {"data": {"csrf_token": admin.token()}, "headers": {"Referer": f"http://localhost{PENDING}?page=1"}}
    answer = admin.client.post(ana("resend"), **fields)
    assert answer.status_code == 429
    assert re.search(rf'href="{PENDING}"[^>]*>\s*Back', answer.text)


# --- trouble ----------------------------------------------------------------------------------------------------


def test_a_limit_that_cannot_be_asked_lets_nothing_through(app_with, browser, northfield, query, sent, monkeypatch):
    monkeypatch.setattr(database, "LOCK_TIMEOUT", 100)
    app = app_with()
    admin = browser(northfield.admin, app=app)
    with psycopg.connect(app.config["SETTINGS"].database_url) as other:
        other.execute("LOCK TABLE rate_limits IN ACCESS EXCLUSIVE MODE")
        answer = admin.post(INVITE, emails="ana@example.org", role="VIEWER")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert sent() == 0


def test_a_change_that_fails_gives_nothing_back(as_, left, sent):
    assert as_("admin").post(INVITE, emails="ana@example.org", role="OWNER").status_code == 403
    assert left() == [199, 499]
    assert sent() == 0
