"""Undo of revoking an invitation: for ten minutes, its link works again, as far as nothing stands against it."""

import pytest

from models import Invitation, Role, db, transaction
from models.invitation import MAILED
from models.text import address
from tests.undo import press_undo, undo_on

PENDING = "/orgs/northfield/people/invitations"


@pytest.fixture
def ana(invited):
    return invited("ana@example.org")


@pytest.fixture
def revoked(as_, ana):
    """The answer to the Admin who revoked the invitation for Ana."""
    return as_("admin").post(f"{PENDING}/{ana}/revoke", hx=True).text


@pytest.fixture
def opening(app, northfield, browser, ana):
    """opening() -> the status of the page that Ana's mailed link leads to."""

    def open_it():
        with northfield.inside(app):
            link = db.session.get_one(Invitation, ana).link_text(MAILED)
        visitor = browser()
        visitor.get(f"/invitations/{link}")
        return visitor.get("/invitation").status_code

    return open_it


def test_the_link_that_was_mailed_works_again(revoked, as_, opening, query):
    assert opening() == 410
    admin = as_("admin")
    answer = press_undo(admin, revoked)
    assert (answer.status_code, answer.location) == (303, PENDING)
    page = admin.get(PENDING).text
    assert "Invitation for ana@example.org restored. Its link works again." in page
    assert "1 invitation<" in page
    assert opening() == 200
    assert query("SELECT count(*) FROM audit_events WHERE action = 'invitation.restored'") == [(1,)]


def test_restoring_twice_is_restoring_once(revoked, as_, query):
    admin = as_("admin")
    assert [press_undo(admin, revoked).status_code for _ in range(2)] == [303, 303]
    assert query("SELECT count(*) FROM audit_events WHERE action = 'invitation.restored'") == [(1,)]


def test_after_ten_minutes_it_stays_revoked(revoked, as_, query, opening):
    query("UPDATE invitations SET restorable_until = restorable_until - interval '10 minutes'")
    assert press_undo(as_("admin"), revoked).status_code == 410
    assert opening() == 410


def test_it_makes_no_second_invitation_for_an_address(revoked, as_, invited, query):
    invited("ana@example.org", "OPERATOR")
    admin = as_("admin")
    press_undo(admin, revoked)
    assert "ana@example.org has a newer invitation." in admin.get(PENDING).text
    assert query("SELECT count(*) FROM invitations WHERE revoked_at IS NULL") == [(1,)]


def test_what_ended_with_its_sender_is_not_restored(as_, invited, northfield, path, query):
    id = invited("ben@example.org", by="admin")
    owner = as_("owner")
    owner.post(f"{path('admin')}/role", role="VIEWER")
    assert query("SELECT count(*) FROM invitations WHERE revoked_at IS NOT NULL") == [(1,)]
    assert owner.post(f"{PENDING}/{id}/restore").status_code == 410


def test_nothing_is_restored_that_its_sender_could_not_give_any_more(as_, invited, path, query):
    id, owner = invited("ben@example.org", by="admin"), as_("owner")
    page = owner.post(f"{PENDING}/{id}/revoke", hx=True).text
    owner.post(f"{path('admin')}/role", role="VIEWER")
    assert press_undo(owner, page).status_code == 410
    assert query("SELECT count(*) FROM invitations WHERE revoked_at IS NULL") == [(0,)]


def test_a_guests_invitation_never_comes_back_as_a_members(app, northfield, as_, query):
    """Without its project, the row would offer the whole organization."""
    with northfield.inside(app), transaction():
        to_project = northfield.project.id
        guest = Invitation.issue(
            northfield.organization.id, address("gus@example.org"), Role.VIEWER, northfield.owner.id, "", to_project
        )
        id = guest.id
    owner = as_("owner")
    page = owner.post(f"{PENDING}/{id}/revoke", hx=True).text
    owner.post(f"/orgs/northfield/projects/{to_project}/delete", confirm="Billing pipeline")
    assert query("SELECT project_id, restorable_until FROM invitations") == [(None, None)]
    assert press_undo(owner, page).status_code == 410


def test_it_takes_the_right_to_invite(revoked, as_, query):
    url, fields = undo_on(revoked)
    query("UPDATE organization_members SET role = 'OPERATOR' WHERE role = 'ADMIN'")
    assert as_("admin").post(url, **fields).status_code == 403


def test_the_database_takes_back_no_other_end(app, northfield, ana, query):
    for end in ("declined_at = now()", "revoked_at = now()", "replaced_at = now()"):
        query(f"UPDATE invitations SET {end}")
        with pytest.raises(Exception, match="an invitation that came to its end stays so"):
            query("UPDATE invitations SET declined_at = NULL, revoked_at = NULL, replaced_at = NULL")
        query("DELETE FROM invitations")
        with northfield.inside(app), transaction():
            Invitation.issue(northfield.organization.id, address("ana@example.org"), Role.VIEWER, northfield.owner.id)
