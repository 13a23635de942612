"""Which pending invitations are shown, and all expired ones at once."""

import pytest

from models import Invitation, Role, limits, transaction
from models.rate_limit import take_all
from models.text import address

PENDING = "/orgs/northfield/people/invitations"


@pytest.fixture
def four(invited, query):
    """Invitations of all kinds: one that waits, two that expired (one of an Owner), one that was not delivered."""
    for name, role in (("waiting", "VIEWER"), ("late", "VIEWER"), ("boss", "OWNER"), ("bounced", "VIEWER")):
        invited(f"{name}@example.org", role)
    query("UPDATE invitations SET expires_at = now() - interval '1 day' WHERE email ~ '^(late|boss)'")
    query(
        "UPDATE outgoing_mail SET state = 'failed', last_error = '550'"
        " WHERE subject_id = (SELECT id FROM invitations WHERE email ~ '^bounced')"
    )


def addresses(page):
    return {name for name in ("waiting", "late", "boss", "bounced") if f"<strong>{name}@example.org" in page}


@pytest.mark.parametrize(
    ("show", "names", "says"),
    [
        ("", "waiting late boss bounced", "4 invitations"),
        ("waiting", "waiting bounced", "2 waiting invitations"),
        ("expired", "late boss", "2 expired invitations"),
        ("undelivered", "bounced", "1 undelivered invitation"),
        ("nonsense", "waiting late boss bounced", "4 invitations"),
    ],
)
@pytest.mark.parametrize("hx", [True, False])
def test_a_filter_shows_some(show, names, says, hx, four, as_, statements):
    admin = as_("admin")
    with statements() as sent:
        page = admin.get(f"{PENDING}?show={show}", hx=hx).text
    assert addresses(page) == set(names.split())
    assert f">{says}<" in page
    assert len(sent) == 2


def test_a_filter_that_finds_none_says_so_and_leads_back(as_, invited):
    invited("ana@example.org")
    page = as_("admin").get(f"{PENDING}?show=expired").text
    assert "No invitation is like that." in page
    assert f'href="{PENDING}"' in page
    assert "Send all" not in page


def test_all_expired_are_sent_again_but_those_of_people_above(four, as_, query, mails):
    before = len(mails())
    admin = as_("admin")
    page = admin.get(f"{PENDING}?show=expired").text
    assert "Send all 2 again" in page
    answer = admin.post(f"{PENDING}/expired/resend")
    assert (answer.status_code, answer.location) == (303, PENDING)
    assert "Sent 1 invitation again. The earlier links no longer work." in admin.get(PENDING).text
    live = query("SELECT email, expires_at > now() FROM invitations WHERE replaced_at IS NULL ORDER BY email")
    assert dict(live) == {
        "boss@example.org": False,
        "bounced@example.org": True,
        "late@example.org": True,
        "waiting@example.org": True,
    }
    assert len(mails()) == before + 1
    assert query("SELECT count(*) FROM audit_events WHERE action = 'invitation.sent_again'") == [(1,)]


def test_all_expired_are_revoked(four, as_, query):
    answer = as_("owner").post(f"{PENDING}/expired/revoke", hx=True)
    assert "Revoked 2 invitations." in answer.text
    assert query("SELECT email FROM invitations WHERE revoked_at IS NOT NULL ORDER BY email") == [
        ("boss@example.org",),
        ("late@example.org",),
    ]
    assert "No expired invitation is left." in as_("owner").post(f"{PENDING}/expired/revoke", hx=True).text


def test_no_more_are_sent_than_the_day_allows(app, northfield, as_, query):
    with northfield.inside(app), transaction():
        here, by = northfield.organization.id, northfield.owner.id
        Invitation.issue_all(here, [address(f"p{n}@example.org") for n in range(5)], Role.VIEWER, by)
    query("UPDATE invitations SET expires_at = now()")
    with app.app_context():
        take_all(limits.inviting(northfield.owner.id, northfield.organization.id, 197))
    owner = as_("owner")
    assert "Sent 3 invitations again." in owner.post(f"{PENDING}/expired/resend", hx=True).text
    refused = owner.post(f"{PENDING}/expired/resend", hx=True)
    assert refused.status_code == 429
    assert "You can send 200 invitations a day. None are left." in refused.text
    assert query("SELECT count(*) FROM invitations WHERE replaced_at IS NULL AND expires_at <= now()") == [(2,)]


def test_an_address_that_got_too_many_is_left_out_and_not_counted(app, four, as_, query):
    with app.app_context():
        for _ in range(5):
            take_all([limits.invited("late@example.org")])
    assert "Sent 1 invitation again." in as_("owner").post(f"{PENDING}/expired/resend", hx=True).text
    assert query("SELECT email FROM invitations WHERE expires_at <= now() AND replaced_at IS NULL") == [
        ("late@example.org",)
    ]


@pytest.mark.parametrize(("name", "status"), [("operator", 403), ("viewer", 403), ("guest", 404), ("stranger", 404)])
@pytest.mark.parametrize("action", ["resend", "revoke"])
def test_only_those_who_manage_people_may(name, status, action, four, as_, query):
    assert as_(name).post(f"{PENDING}/expired/{action}").status_code == status
    assert query("SELECT count(*) FROM invitations WHERE revoked_at IS NULL AND replaced_at IS NULL") == [(4,)]
