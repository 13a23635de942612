"""Organizations that were deleted long ago go for good, with everything that is theirs, and nothing else goes."""

import pytest

from config import RESTORABLE
from models import (
    Invitation,
    OutgoingMail,
    OwnershipOffer,
    Project,
    Role,
    db,
    housekeeping,
    transaction,
)
from models.invitation import MAILED
from models.project import RESTRICTED
from models.text import address

CANARY = "canary"


@pytest.fixture
def planted(app, northfield, query):
    """Northfield with a mark in every text, and a row of everything; returns the path of an invitation's link."""
    here = northfield.organization.id
    with northfield.inside(app), transaction():
        db.session.get_one(type(northfield.organization), here).rename(
            f"{CANARY} Ltd", f"{CANARY}-ltd", northfield.owner.id
        )
        project = Project.create(here, f"{CANARY} project", f"{CANARY} words", RESTRICTED, northfield.owner.id)
        project.set_role(northfield.guest.id, Role.VIEWER, northfield.owner.id)
        issued = [
            Invitation.issue(
                here, address(f"{CANARY}{n}@example.org"), Role.VIEWER, northfield.owner.id, f"{CANARY} {n}"
            )
            for n in range(4)
        ]
        for_guest = address(f"{CANARY}-guest@example.org")
        Invitation.issue(here, for_guest, Role.VIEWER, northfield.owner.id, CANARY, project.id)
        issued[1].revoke()
        issued[2].decline()
        OwnershipOffer.offer(here, northfield.member("viewer").id, Role.ADMIN, northfield.owner.id)
        link = f"/invitations/{issued[0].link_text(MAILED)}"
    with northfield.inside(app), transaction():
        issued[3] = db.session.get_one(Invitation, issued[3].id)
        issued[3].accepted_at, issued[3].accepted_by = db.func.now(), northfield.stranger.id
        db.session.get_one(type(northfield.organization), here).delete()
        for mail in db.session.scalars(db.select(OutgoingMail).limit(1)):
            mail.failed(f"550 no such mailbox {CANARY}", None)
    return link


@pytest.fixture
def age(query):
    """age(days) makes what was deleted deleted that long ago."""
    return lambda days: query(
        f"UPDATE organizations SET deleted_at = now() - interval '{days} days' WHERE deleted_at IS NOT NULL"
    )


def tenants(query):
    """The tables that belong to an organization."""
    return {
        t for (t,) in query("SELECT table_name FROM information_schema.columns WHERE column_name = 'organization_id'")
    }


def prune(app):
    with app.app_context():
        return housekeeping.prune()


def test_nothing_of_it_is_left_in_any_table(app, northfield, planted, age, query, said):
    here = str(northfield.organization.id)
    assert set(said(here)) >= tenants(query)
    assert {"organizations", "organization_slugs", "projects", "invitations", "outgoing_mail"} <= {*said(CANARY)}
    age(RESTORABLE.days + 1)
    assert prune(app)["organizations"] == 1
    for trace in (CANARY, str(northfield.project.id)):
        assert said(trace) == []
    assert said(here) == ["audit_tombstones"]  # what proves that its log was purged, and not lost
    assert query("SELECT name FROM organizations") == [("Harbour Labs",)]
    assert query("SELECT count(*) FROM users") == [(6,)]
    assert query("SELECT name FROM projects") == [("Lighthouse",)]


def test_until_then_it_is_whole_and_can_be_restored(app, browser, northfield, planted, age, query, tables):
    age(RESTORABLE.days - 1)
    rows = {t: query(f"SELECT count(*) FROM {t}") for t in tables}
    assert prune(app)["organizations"] == 0
    assert {t: query(f"SELECT count(*) FROM {t}") for t in tables} == rows
    owner = browser(northfield.owner)
    assert owner.post(f"/orgs/deleted/{northfield.organization.id}/restore").status_code == 303
    assert owner.get(f"/orgs/{CANARY}-ltd").status_code == 200
    prune(app)
    assert owner.get(f"/orgs/{CANARY}-ltd").status_code == 200


@pytest.mark.parametrize("pruned", [False, True])
def test_after_that_nobody_can_restore_it(app, browser, northfield, planted, age, pruned):
    age(RESTORABLE.days + 1)
    if pruned:
        prune(app)
    owner = browser(northfield.owner)
    assert owner.post(f"/orgs/deleted/{northfield.organization.id}/restore").status_code == 404
    assert CANARY not in owner.get("/orgs").text


def test_its_links_answer_as_one_that_never_existed(app, browser, planted, age):
    def page(path):
        visitor = browser()
        visitor.get(path)
        answer = visitor.get("/invitation")
        return answer.status_code, answer.text

    assert page(planted)[0] == 410
    age(RESTORABLE.days + 1)
    prune(app)
    assert page(planted) == page(f"/invitations/{'A' * 64}")
    assert page(planted)[0] == 404


def test_its_addresses_are_free_again(app, browser, northfield, planted, age):
    age(RESTORABLE.days + 1)
    prune(app)
    for slug in ("northfield", f"{CANARY}-ltd"):
        assert browser(northfield.stranger).post("/orgs/new", name="New", slug=slug).status_code == 303


def test_each_goes_in_a_transaction_of_its_own(app, northfield, planted, age, query, statements):
    query("UPDATE organizations SET deleted_at = now()")
    age(RESTORABLE.days + 1)
    with statements() as sent:
        assert prune(app)["organizations"] == 2
    with statements() as idle:
        assert prune(app)["organizations"] == 0
    assert sent.transactions == idle.transactions + 2
    assert len([s for s in sent if "purge_organization(" in s]) == 2
    assert query("SELECT count(*) FROM outgoing_mail") == [(0,)]


def test_one_that_is_being_restored_is_left_alone(app, planted, age, owner):
    age(RESTORABLE.days + 1)
    with owner.transaction():
        owner.execute("SELECT FROM organizations WHERE deleted_at IS NOT NULL FOR NO KEY UPDATE")
        assert prune(app)["organizations"] == 0
    assert prune(app)["organizations"] == 1


@pytest.mark.parametrize(
    ("state", "subject"), [("deleted", "Northfield was deleted"), ("restored", "Northfield was restored")]
)
def test_every_owner_is_told_when_it_is_deleted_and_restored(app, northfield, query, mails, state, subject):
    query("UPDATE organization_members SET role = 'OWNER' WHERE user_id = %(id)s", id=northfield.admin.id)
    with northfield.inside(app):
        organization = db.session.get_one(type(northfield.organization), northfield.organization.id)
        with transaction():
            organization.delete()
        if state == "restored":
            with transaction():
                organization.restore()
    owners = {northfield.owner.email, northfield.admin.email}
    assert {(mail["To"], mail["Subject"]) for mail in mails()} == {
        (email, f"Northfield was {state}") for email in owners
    }
    body = mails()[0].get_body(("plain",)).get_content()
    assert f"http://localhost/orgs{'' if state == 'deleted' else '/northfield'}\n" in body


def test_it_is_told_to_owners_who_can_log_in(app, northfield, query, mails):
    query("UPDATE organization_members SET role = 'OWNER' WHERE user_id = %(id)s", id=northfield.admin.id)
    with northfield.inside(app), transaction():
        db.session.get_one(type(northfield.organization), northfield.organization.id).delete()
    query("UPDATE users SET deactivated_at = now() WHERE id = %(id)s", id=northfield.admin.id)
    assert [mail["To"] for mail in mails()] == [northfield.owner.email]


@pytest.fixture
def seen_at_the_end(query):
    """seen_at_the_end() -> the time limits under which organizations went."""
    query("CREATE TABLE seen (statement_timeout text)")
    query("""
        CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO seen VALUES (current_setting('statement_timeout')); RETURN OLD; END $$
    """)
    query("CREATE TRIGGER see BEFORE DELETE ON organizations FOR EACH ROW EXECUTE FUNCTION see()")
    yield lambda: query("SELECT * FROM seen")
    query("DROP FUNCTION see() CASCADE")
    query("DROP TABLE seen")


def test_a_large_one_may_take_longer_than_a_page(app, planted, age, seen_at_the_end):
    age(RESTORABLE.days + 1)
    prune(app)
    assert seen_at_the_end() == [("0",)]
