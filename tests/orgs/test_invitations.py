"""The list of pending invitations: sending again, a link to copy, revoking."""

import re
from pathlib import PurePosixPath

import pytest

from models import OutgoingMail, db, transaction
from tests.browser_like import without_tokens

PENDING = "/orgs/northfield/people/invitations"
ACTIONS = ["resend", "link", "revoke", "restore"]
NOWHERE = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def ana(invited):
    """The address of a pending invitation for ana@example.org, as Viewer."""
    return f"{PENDING}/{invited('ana@example.org')}"


def live(query):
    return query("SELECT id::text FROM invitations WHERE revoked_at IS NULL AND replaced_at IS NULL")


@pytest.mark.parametrize(("name", "status"), [("operator", 403), ("viewer", 403), ("guest", 404), ("stranger", 404)])
def test_only_those_who_manage_people_see_and_act(as_, ana, query, name, status):
    person = as_(name)
    assert person.get(PENDING).status_code == status
    assert {person.post(f"{ana}/{action}").status_code for action in ACTIONS} == {status}
    assert live(query) == [(PurePosixPath(ana).name,)]


def test_the_list_takes_two_statements(as_, ana, invited, statements):
    invited("ben@example.org", "OWNER")
    admin = as_("admin")
    with statements() as sent:
        page = admin.get(PENDING).text
    assert len(sent) == 2
    assert not sent.writes
    assert "2 invitations" in page
    assert page.count("Send again") == 1  # an Admin sends no invitation of an Owner


def test_the_fragment_is_part_of_the_page(as_, ana):
    admin = as_("admin")
    fragment, page = (without_tokens(admin.get(PENDING, hx=hx).text) for hx in (True, False))
    assert fragment.strip() in page


def test_an_empty_list_says_so(as_):
    page = as_("admin").get(PENDING).text
    assert "No one is waiting" in page
    assert "People you invite appear here until they accept." in page


def test_an_expired_invitation_is_marked(as_, ana, query):
    assert "in 7 days" in as_("admin").get(PENDING).text
    query("UPDATE invitations SET expires_at = now() - interval '1 minute'")
    assert ">Expired<" in as_("admin").get(PENDING).text


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        ("queued", None, "Waiting to be sent"),
        ("queued", "451 Try later", "Delayed"),
        ("failed", "550 No such mailbox", "Not delivered"),
    ],
)
def test_the_state_of_the_mail_is_told(as_, ana, app, state, error, words):
    with app.app_context(), transaction():
        db.session.execute(db.update(OutgoingMail).values(state=state, last_error=error))
    page = as_("admin").get(PENDING).text
    assert words in page
    assert (error or "") in page


def test_a_page_that_does_not_exist_leads_to_the_last(as_, ana):
    assert as_("admin").get(f"{PENDING}?page=9").location == f"{PENDING}?page=1"


# --- acting -----------------------------------------------------------------------------------------------------


def test_sending_again_makes_a_new_link(as_, ana, link, browser):
    first, admin = link(), as_("admin")
    answer = admin.post(f"{ana}/resend", hx=True)
    assert "Sent again to ana@example.org. The earlier link no longer works." in answer.text
    assert 'id="invitations"' in answer.text
    assert link() != first
    assert admin.post(f"{ana}/resend").status_code == 410


def test_a_link_is_shown_once_and_not_mailed(as_, ana, mails, query):
    before = len(mails())
    answer = as_("admin").post(f"{ana}/link")
    assert answer.status_code == 200
    assert re.search(r'value="http://localhost/invitations/[\w-]{64}"', answer.text)
    assert "It works once, for <strong>ana@example.org</strong> only" in answer.text
    assert "http://localhost/invitations/" not in as_("admin").get(PENDING).text
    assert "By link" in as_("admin").get(PENDING).text
    assert len(mails()) == before - 1  # the mail of the replaced invitation makes no sense any more


def test_htmx_gets_the_link_in_a_dialog_with_the_new_list(as_, ana):
    part = as_("admin").post(f"{ana}/link", hx=True).text
    assert part.strip().startswith("<dialog")
    assert '<hx-partial hx-target="#invitations"' in part
    assert "By link" in part


def test_revoking_takes_it_from_the_list_and_moves_the_focus(as_, ana, invited):
    invited("ben@example.org")
    answer = as_("admin").post(f"{ana}/revoke", hx=True)
    assert "Invitation for ana@example.org revoked." in answer.text
    button = answer.text[answer.text.index('id="revoke-ben@example.org"') :]
    assert "autofocus" in button[: button.index(">")]
    assert 'id="revoke-ana@example.org"' not in answer.text


def test_revoking_twice_is_revoking_once(as_, ana):
    admin = as_("admin")
    assert [admin.post(f"{ana}/revoke").status_code for _ in range(2)] == [303, 303]
    assert admin.post(f"{ana}/resend").status_code == 410


@pytest.mark.parametrize("action", ACTIONS)
def test_an_admin_leaves_an_owners_invitation_alone(as_, invited, query, action):
    id = invited("boss@example.org", "OWNER")
    assert as_("admin").post(f"{PENDING}/{id}/{action}").status_code == 403
    assert len(live(query)) == 1
    assert as_("owner").post(f"{PENDING}/{id}/{action}").status_code in (200, 303)


@pytest.mark.parametrize("action", ACTIONS)
def test_another_organizations_invitation_is_not_here(as_, ana, action):
    stranger = as_("stranger")
    id = PurePosixPath(ana).name
    paths = [f"/orgs/harbour-labs/people/invitations/{key}/{action}" for key in (id, NOWHERE, "7", "%00")]
    assert {stranger.post(path).status_code for path in paths} == {404}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("hx", [True, False])
def test_a_stale_token_changes_nothing(as_, ana, query, action, hx):
    answer = as_("admin").post(f"{ana}/{action}", hx=hx, token="old")
    assert answer.status_code == 422
    assert "This page was open for a long time" in answer.text
    assert live(query) == [(PurePosixPath(ana).name,)]


def test_what_was_accepted_meanwhile_is_gone(as_, invited, northfield):
    id = invited(northfield.stranger.email)
    as_("stranger").post(f"/orgs/invitations/{id}/accept")
    assert {as_("admin").post(f"{PENDING}/{id}/{action}").status_code for action in ACTIONS} == {410}
