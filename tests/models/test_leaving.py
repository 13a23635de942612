"""Accounts that are deactivated or deleted: what ends with them, what stays, and who owns what afterwards."""

import threading

import psycopg
import pytest
from sqlalchemy import text

import access
from models import (
    Farewell,
    Invitation,
    LastOwner,
    OneTimeToken,
    OrganizationMember,
    OutgoingMail,
    OwnershipOffer,
    Project,
    ProjectMember,
    Role,
    User,
    db,
    housekeeping,
    leaving,
    membership,
    tenant,
    transaction,
)
from models.password import verify
from models.text import address
from models.token import RESET
from tests.factories import PASSWORD, make_user
from tests.runtime.delivery import eventually

within = pytest.mark.usefixtures("context")


def account(user):
    return db.session.get_one(User, user.id, populate_existing=True)


def end(verb, user, *others):
    with transaction():
        return verb(account(user), *map(account, others))


def role_of(user, organization):
    here = OrganizationMember.organization_id == organization.id, OrganizationMember.user_id == user.id
    return db.session.scalar(db.select(OrganizationMember.role).where(*here))


def open_session_and_link(user):
    with transaction():
        began = text("SELECT begin_session(:sid, '{}', :user, 1, interval '1 hour', NULL, NULL, NULL, true)")
        db.session.execute(began, {"sid": str(user.id), "user": user.id})
        OneTimeToken.issue(RESET, user.id, housekeeping.DEAD_FOR)


def sessions_of(user):
    return db.session.scalar(db.select(db.func.sessions_of(user.id)))


def count(model, *where):
    return db.session.scalar(db.select(db.func.count()).select_from(model).where(*where))


# --- deactivating -----------------------------------------------------------------------------------------------


@within
def test_deactivating_ends_sessions_and_links_and_keeps_memberships(northfield):
    hana = northfield.viewer
    open_session_and_link(hana)
    assert end(leaving.deactivate, hana) == []
    assert sessions_of(hana) == 0
    assert count(OneTimeToken, OneTimeToken.used_at.is_(None)) == 0
    assert account(hana).credential_epoch == 2
    assert role_of(hana, northfield.organization) is Role.VIEWER
    end(User.reactivate, hana)
    assert account(hana).deactivated_at is None


@within
def test_it_cancels_offers_of_ownership_on_either_side(northfield, query):
    with transaction():
        membership.change_role(db.session.merge(northfield.member("admin")), Role.OWNER, None)
    for user in (northfield.viewer, northfield.owner):
        with transaction():
            OwnershipOffer.offer(
                northfield.organization.id,
                northfield.member("viewer" if user is northfield.viewer else "operator").id,
                Role.ADMIN,
                northfield.owner.id,
            )
        end(leaving.deactivate, user)
        assert count(OwnershipOffer, OwnershipOffer.cancelled_at.is_(None)) == 0
    assert query("SELECT count(*) FROM audit_events WHERE action = 'ownership.cancelled'") == [(2,)]


@within
@pytest.mark.parametrize("successor", ["viewer", "guest", "stranger"])
def test_the_last_owner_goes_where_another_takes_over(northfield, successor):
    owner, heir = northfield.owner, northfield.person(successor)
    with pytest.raises(LastOwner):
        end(leaving.deactivate, owner)
    assert account(owner).deactivated_at is None
    assert [organization.name for organization in end(leaving.deactivate, owner, heir)] == ["Northfield"]
    assert account(owner).deactivated_at
    assert role_of(heir, northfield.organization) is Role.OWNER


@within
def test_nobody_is_named_where_nothing_would_be_left_without_an_owner(northfield):
    assert end(leaving.deactivate, northfield.viewer, northfield.stranger) == []
    assert role_of(northfield.stranger, northfield.organization) is None


@within
@pytest.mark.parametrize("who", ["the same person", "somebody deactivated"])
def test_who_cannot_log_in_takes_nothing_over(northfield, who):
    heir = northfield.owner if who == "the same person" else northfield.viewer
    if heir is northfield.viewer:
        end(leaving.deactivate, heir)
    with pytest.raises(leaving.NoSuccessor):
        end(leaving.deactivate, northfield.owner, heir)
    assert account(northfield.owner).deactivated_at is None


@within
def test_a_deleted_organization_stops_nobody(northfield):
    with transaction():
        db.session.get_one(type(northfield.organization), northfield.organization.id).delete()
    end(leaving.deactivate, northfield.owner)


# --- deleting ---------------------------------------------------------------------------------------------------


@within
def test_deleting_ends_everything_and_names_nobody(northfield):
    sven = northfield.admin
    tenant.enter(northfield.organization.id, northfield.harbour.id)
    open_session_and_link(sven)
    with transaction():
        Invitation.issue(northfield.organization.id, address("ana@example.org"), Role.VIEWER, sven.id)
        project, elsewhere = (
            db.session.get_one(Project, it.id) for it in (northfield.project, northfield.harbour_project)
        )
        project.set_role(sven.id, None, northfield.owner.id)
        elsewhere.set_role(sven.id, Role.VIEWER, northfield.stranger.id)
        project.set_role(northfield.viewer.id, Role.ADMIN, sven.id)
    end(leaving.delete_account, sven)
    gone = account(sven)
    assert (gone.name, gone.email, gone.email_key) == ("a former member", f"deleted-{sven.id}", f"deleted-{sven.id}")
    assert (gone.password_hash, gone.email_verified_at, gone.deactivated_at is None) == ("", None, False)
    assert role_of(sven, northfield.organization) is None
    assert count(ProjectMember, ProjectMember.user_id == sven.id) == 0
    assert count(ProjectMember, ProjectMember.granted_by == sven.id) == 1
    assert sessions_of(sven) == 0
    assert count(OneTimeToken, OneTimeToken.used_at.is_(None)) == 0
    assert count(Invitation, Invitation.revoked_at.is_(None)) == 0


@within
@pytest.mark.parametrize(("name", "said"), [("viewer", "member.removed"), ("guest", "project_role.removed")])
def test_an_organization_is_told_in_its_log(northfield, query, name, said):
    user = northfield.person(name)
    end(leaving.delete_account, user)
    told = "SELECT action FROM audit_events WHERE organization_id = %(here)s AND subject_id = %(who)s ORDER BY seq DESC"
    assert query(told, here=northfield.organization.id, who=user.id)[0][0] == said


def test_what_is_given_in_the_moment_of_deleting_ends_too(app, northfield, query, somebody_waits):
    """Another organization holds the account to admit the person; deleting waits for that, and ends it."""
    hana = northfield.viewer

    def delete():
        with northfield.inside(app):
            end(leaving.delete_account, hana)

    deleting = threading.Thread(target=delete)
    with app.app_context():
        tenant.enter(northfield.harbour.id)
        with transaction():
            assert account(hana).hold()
            northfield.harbour.admit(hana.id, Role.VIEWER)
            elsewhere = db.session.get_one(Project, northfield.harbour_project.id)
            elsewhere.set_role(hana.id, Role.ADMIN, northfield.stranger.id)
            deleting.start()
            eventually(somebody_waits)
    deleting.join()
    assert query("SELECT deactivated_at IS NOT NULL FROM users WHERE id = %(who)s", who=hana.id) == [(True,)]
    for table in ("organization_members", "project_members"):
        assert query(f"SELECT 1 FROM {table} WHERE user_id = %(who)s", who=hana.id) == []


@pytest.fixture
def ben(app, northfield):
    """Somebody whose invitations came to every end, in two organizations."""
    typed = address("ben.adeyemi@example.org")
    ends = ["accepted_at", "declined_at", "revoked_at", "replaced_at"]
    with northfield.inside(app), transaction():
        ben = User.create(typed, "Ben Adeyemi", "x", proven=True)
        tenant.enter(northfield.organization.id, northfield.harbour.id)
        for organization in (northfield.organization, northfield.harbour):
            for end in ends:
                row = Invitation.issue(organization.id, typed, Role.VIEWER, northfield.owner.id, "Dear Ben Adeyemi")
                setattr(row, end, db.func.now())
                row.accepted_by = ben.id if end == "accepted_at" else None
                db.session.flush()
    return ben


@within
def test_nothing_names_a_deleted_account_but_its_farewell(ben, said):
    assert set(said("ben_adeyemi")) == {"invitations", "users"}
    end(leaving.delete_account, ben)
    assert said("ben_adeyemi") == ["farewells"]


@within
def test_an_address_that_was_never_proven_takes_nothing_out_of_others_logs(ben, query, said):
    query("UPDATE users SET email_verified_at = NULL WHERE id = %(id)s", id=ben.id)
    end(leaving.delete_account, ben)
    assert set(said("ben_adeyemi")) == {"farewells", "invitations"}
    assert query("SELECT DISTINCT accepted_at IS NULL FROM invitations WHERE email LIKE 'ben%%'") == [(True,)]


@within
def test_who_waits_for_an_answer_is_still_invited(ben, northfield, query):
    with tenant.inside(northfield.harbour.id), transaction():
        Invitation.issue(northfield.harbour.id, address(ben.email), Role.VIEWER, northfield.stranger.id)
    end(leaving.delete_account, ben)
    assert query("SELECT email, revoked_at FROM invitations WHERE email LIKE 'ben%%'") == [(ben.email, None)]


@within
def test_its_address_is_free_at_once(northfield):
    end(leaving.delete_account, northfield.viewer)
    again = make_user("Hana Again", northfield.viewer.email)
    assert role_of(again, northfield.organization) is None
    end(leaving.delete_account, again)
    assert make_user("Hana Once More", northfield.viewer.email)


@pytest.mark.parametrize("password", ["", PASSWORD, "nobody's password", "x" * 2000])
def test_no_password_opens_a_deleted_account(context, password):
    assert not verify("", password)


@within
@pytest.mark.parametrize("name", ["viewer", "guest"])
def test_deleting_twice_is_deleting_once(northfield, name):
    user = northfield.person(name)
    end(leaving.delete_account, user)
    end(leaving.delete_account, user)
    assert count(Farewell) == 1


@within
def test_the_last_owner_cannot(northfield):
    before = account(northfield.owner).email
    with pytest.raises(LastOwner):
        end(leaving.delete_account, northfield.owner)
    assert account(northfield.owner).email == before
    assert role_of(northfield.owner, northfield.organization) is Role.OWNER
    assert count(Farewell) == 0


@within
def test_the_last_mail_goes_to_the_address_and_takes_it_along(northfield, mails):
    end(leaving.delete_account, northfield.viewer)
    [mail] = mails()
    assert (mail["To"], mail["Subject"]) == (northfield.viewer.email, "Your account was deleted")
    assert housekeeping.prune()["farewells"] == 0
    with transaction():
        db.session.scalars(db.select(OutgoingMail)).one().sent()
    assert housekeeping.prune()["farewells"] == 1
    assert mails() == []


@within
def test_what_would_end_is_told_by_number(northfield):
    with transaction():
        Invitation.issue(northfield.organization.id, address("ana@example.org"), Role.VIEWER, northfield.admin.id)
    open_session_and_link(northfield.guest)
    for name, number in {"admin": (1, 2, 1, 0), "viewer": (1, 1, 0, 0), "guest": (1, 1, 0, 1)}.items():
        user = northfield.person(name)
        with leaving.everywhere(user.id):
            assert access.endings(user.id) == number


@within
def test_what_only_one_owns_is_named(northfield):
    for name, owned in {"owner": ["Northfield"], "stranger": ["Harbour Labs"], "admin": []}.items():
        user = northfield.person(name)
        with leaving.everywhere(user.id):
            assert [row.name for row in leaving.last_owned(user.id)] == owned


def test_of_ten_owners_who_delete_their_accounts_at_once_one_stays(app, northfield, query):
    with app.app_context(), transaction():
        tenant.enter(northfield.organization.id, northfield.harbour.id)
        for number in range(9):
            user = User.create(address(f"owner{number}@example.org"), f"Owner {number}", "x", proven=True)
            for organization in (northfield.organization, northfield.harbour):
                organization.admit(user.id, Role.OWNER)
        northfield.harbour.admit(northfield.owner.id, Role.OWNER)
    owners = query("SELECT DISTINCT user_id FROM organization_members WHERE role = 'OWNER'")
    ready, ended = threading.Barrier(len(owners)), []

    def go(user_id):
        with northfield.inside(app):
            ready.wait()
            try:
                with transaction():
                    leaving.delete_account(db.session.get_one(User, user_id))
                ended.append("gone")
            except LastOwner:
                ended.append("stayed")

    threads = [threading.Thread(target=go, args=row) for row in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == len(owners)
    left = query("SELECT organization_id FROM organization_members WHERE role = 'OWNER' ORDER BY 1")
    assert len(left) == len({row[0] for row in left}) == 2


# --- an account that is counted on ------------------------------------------------------------------------------


@pytest.fixture
def hand_over(two_connections):
    """In the first of two connections A has an organization, which goes over to B."""
    a, b = two_connections
    own_it(a, "A")
    a.commit()
    return a, b


def own_it(connection, name):
    connection.execute(
        "INSERT INTO organization_members (organization_id, user_id, role) SELECT o.id, u.id, 'OWNER' "
        "FROM organizations o, users u WHERE u.name = %s",
        (name,),
    )


def hands_over(connection):
    own_it(connection, "B")
    connection.execute("DELETE FROM organization_members m USING users u WHERE u.id = user_id AND u.name = 'A'")
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


def deactivates_b(connection):
    connection.execute("UPDATE users SET deactivated_at = now() WHERE name = 'B'")
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_who_is_deactivated_in_the_moment_of_taking_over_waits(hand_over):
    a, b = hand_over
    hands_over(a)
    with pytest.raises(psycopg.errors.LockNotAvailable):
        deactivates_b(b)
    b.rollback()
    a.commit()
    with pytest.raises(psycopg.errors.CheckViolation):
        deactivates_b(b)


def test_without_that_hold_nobody_would_own_it(hand_over):
    """The positive control: what the test above relies on is the lock on the account."""
    a, b = hand_over
    [rule] = a.execute("SELECT pg_get_functiondef('keep_an_owner'::regproc)").fetchone()
    assert "FOR SHARE OF u" in rule
    a.execute(rule.replace("FOR SHARE OF u", ""))
    a.commit()
    hands_over(a)
    deactivates_b(b)
    a.commit()
    b.commit()
    active = "SELECT count(*) FROM organization_members JOIN users u ON u.id = user_id WHERE deactivated_at IS NULL"
    assert a.execute(active).fetchone() == (0,)


@within
def test_a_mail_that_waited_for_who_is_gone_is_not_sent(northfield, mails):
    with transaction():
        OutgoingMail.queue("password_changed", northfield.viewer.id)
    with transaction():
        db.session.execute(text("UPDATE users SET deactivated_at = now() WHERE id = :id"), {"id": northfield.viewer.id})
    assert mails() == []
