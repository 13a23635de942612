"""An organization keeps an active Owner, through every door and also when many leave at once."""

import threading
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from models import LastOwner, OrganizationMember, Role, User, db, membership, tenant, transaction
from models.organization import Organization
from models.text import address


def owners(query, organization):
    return query(
        "SELECT count(*) FROM organization_members WHERE organization_id = %(id)s AND role = 'OWNER'",
        id=organization.id,
    )[0][0]


@pytest.mark.usefixtures("context")
class TestTheLastOwner:
    def test_cannot_step_down(self, northfield):
        with pytest.raises(LastOwner), transaction():
            membership.change_role(db.session.merge(northfield.member("owner")), Role.VIEWER, northfield.owner.id)

    def test_cannot_be_removed(self, northfield):
        with pytest.raises(LastOwner), transaction():
            membership.remove(db.session.merge(northfield.member("owner")))

    def test_cannot_be_deactivated(self, northfield):
        with pytest.raises(LastOwner), transaction():
            db.session.get_one(User, northfield.owner.id).deactivated_at = db.func.now()

    def test_cannot_be_deleted_by_plain_sql(self, northfield):
        with pytest.raises(LastOwner), transaction():
            db.session.execute(text("DELETE FROM organization_members WHERE role = 'OWNER'"))

    def test_hands_over_in_one_transaction(self, northfield):
        with transaction():
            membership.change_role(db.session.merge(northfield.member("owner")), Role.ADMIN, northfield.owner.id)
            membership.change_role(db.session.merge(northfield.member("admin")), Role.OWNER, northfield.owner.id)

    def test_may_go_where_another_stays(self, northfield):
        with transaction():
            membership.change_role(db.session.merge(northfield.member("admin")), Role.OWNER, northfield.owner.id)
        with transaction():
            membership.remove(db.session.merge(northfield.member("owner")))

    def test_counts_only_while_the_account_is_active(self, northfield):
        with transaction():
            db.session.get_one(User, northfield.admin.id).deactivated_at = db.func.now()
            db.session.get_one(OrganizationMember, northfield.member("admin").id).role = Role.OWNER
        with pytest.raises(LastOwner), transaction():
            membership.change_role(db.session.merge(northfield.member("owner")), Role.VIEWER, northfield.owner.id)


def test_an_organization_without_an_owner_cannot_be_made(app):
    id = uuid4()
    with app.app_context():
        tenant.enter(id)
        with pytest.raises(LastOwner), transaction():
            db.session.add(Organization(id=id, name="Nobody's", slug="nobodys"))


def test_a_deleted_organization_needs_an_owner_to_come_back(app, northfield):
    with northfield.inside(app):
        with transaction():
            organization = db.session.merge(northfield.organization)
            organization.delete()
        with transaction():
            membership.remove(db.session.merge(northfield.member("owner")))
        with pytest.raises(LastOwner), transaction():
            organization.restore()


@pytest.mark.parametrize("way", ["verb", "sql"])
def test_of_ten_owners_who_leave_at_once_one_stays(app, northfield, query, way):
    with northfield.inside(app), transaction():
        for number in range(9):
            user = User.create(address(f"owner{number}@example.org"), f"Owner {number}", "x", proven=True)
            db.session.merge(northfield.organization).admit(user.id, Role.OWNER)
    mine = "SELECT id FROM organization_members WHERE role = 'OWNER' AND organization_id = %(id)s"
    members = query(mine, id=northfield.organization.id)
    ready, ended = threading.Barrier(len(members)), []

    def leave(member_id):
        with northfield.inside(app):
            ready.wait()
            try:
                with transaction():
                    if way == "sql":
                        db.session.execute(text("DELETE FROM organization_members WHERE id = :id"), {"id": member_id})
                    else:
                        member = db.session.get_one(OrganizationMember, member_id)
                        Organization.lock(member.organization_id)
                        membership.remove(member)
                ended.append("left")
            except LastOwner:
                ended.append("stayed")

    threads = [threading.Thread(target=leave, args=row) for row in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["left"] * 9 + ["stayed"]
    assert owners(query, northfield.organization) == 1


@pytest.fixture
def two_owners(two_connections):
    """Two connections, for each of an organization's two Owners to leave in."""
    a, b = two_connections
    a.execute("""INSERT INTO organization_members (organization_id, user_id, role)
                 SELECT o.id, u.id, 'OWNER' FROM organizations o, users u""")
    a.commit()
    return a, b


def leaves(connection, email_key):
    """End a membership, and let the deferred rule be checked before the commit, as at two commits in one moment."""
    mine = "(SELECT id FROM users WHERE email_key = %s)"
    connection.execute(f"DELETE FROM organization_members WHERE user_id = {mine}", (email_key,))
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_second_of_two_owners_waits_for_the_first(two_owners):
    a, b = two_owners
    leaves(a, "a")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        leaves(b, "b")


def test_without_its_lock_the_same_rule_lets_both_go(two_owners):
    """The positive control: what the test above relies on is the lock."""
    a, b = two_owners
    [rule] = a.execute("SELECT pg_get_functiondef('keep_an_owner'::regproc)").fetchone()
    assert "FOR NO KEY UPDATE" in rule
    a.execute(rule.replace("FOR NO KEY UPDATE", ""))
    a.commit()
    leaves(a, "a")
    leaves(b, "b")
    a.commit()
    b.commit()
    assert a.execute("SELECT count(*) FROM organization_members").fetchone() == (0,)
