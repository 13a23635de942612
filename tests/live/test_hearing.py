"""Of each kind of change hears who may see it, by whatever door it comes; nobody else hears anything."""

from typing import Any

import pytest

import access
from access.hearing import TOPICS
from models import (
    Invitation,
    Organization,
    OrganizationMember,
    OwnershipOffer,
    Project,
    Role,
    db,
    live,
    membership,
    transaction,
)
from models.text import address
from tests.live.conftest import CAST

EVERYBODY = {"owner", "admin", "operator", "viewer", "guest"}
MEMBERS = EVERYBODY - {"guest"}
ADMINS = {"owner", "admin"}


@pytest.fixture
def heard(app, northfield, listen, settled):
    """heard(change) -> by topic, which of the cast heard of it. Keys of projects are replaced by their names."""

    def run(change: Any) -> dict[str, set[str]]:
        ears = {who: listen(who) for who in CAST}
        settled(*ears.values())
        for ear in ears.values():
            ear.topics.clear()
        with northfield.inside(app):
            change()
        settled(*ears.values())
        names = {str(northfield.project.id): "billing", str(northfield.restricted.id): "payroll"}
        found: dict[str, set[str]] = {}
        for who, ear in ears.items():
            for topic in ear.topics:
                name, _, key = topic.partition(".")
                found.setdefault(f"{name} {names.get(key, key)}".strip(), set()).add(who)
        return found

    return run


class TestAChange:
    def test_of_a_members_role(self, northfield, heard):
        def change():
            with transaction():
                member = db.session.get_one(OrganizationMember, northfield.member("viewer").id)
                membership.change_role(member, Role.OPERATOR, northfield.owner.id)

        assert heard(change) == {"members": MEMBERS, "rights": {"viewer"}, "audit": ADMINS}

    def test_of_an_open_project(self, northfield, heard):
        def change():
            with transaction():
                db.session.get_one(Project, northfield.project.id).archive()

        assert heard(change) == {"projects billing": MEMBERS, "audit": ADMINS}

    def test_of_a_restricted_project(self, northfield, heard):
        def change():
            with transaction():
                db.session.get_one(Project, northfield.restricted.id).archive()

        assert heard(change) == {"projects payroll": ADMINS | {"guest"}, "audit": ADMINS}

    def test_that_restricts_a_project_is_heard_by_who_saw_it_before(self, northfield, heard):
        def change():
            with transaction():
                project = db.session.get_one(Project, northfield.project.id)
                project.edit(project.name, "", "restricted", northfield.owner.id)

        assert heard(change) == {"projects billing": MEMBERS, "audit": ADMINS}

    def test_that_deletes_a_restricted_project(self, northfield, heard):
        def change():
            with transaction():
                db.session.get_one(Project, northfield.restricted.id).delete()

        told = heard(change)
        assert told == {"projects payroll": ADMINS, "access payroll": ADMINS, "audit": ADMINS, "rights": {"owner"}}

    def test_of_a_role_on_a_restricted_project(self, northfield, heard):
        def change():
            with transaction():
                project = db.session.get_one(Project, northfield.restricted.id)
                project.set_role(northfield.viewer.id, Role.OPERATOR, northfield.owner.id)

        assert heard(change) == {
            "access payroll": ADMINS | {"guest", "viewer"},
            "rights": {"viewer"},
            "audit": ADMINS,
        }

    def test_of_an_organization_role_is_heard_on_the_projects_where_it_counts(self, northfield, heard):
        """A guest sees the people who are named on a project with their roles, and nobody else of the organization."""

        def change():
            with transaction():
                project = db.session.get_one(Project, northfield.restricted.id)
                project.put_row(northfield.viewer.id, None, northfield.owner.id)
            with transaction():
                member = db.session.get_one(OrganizationMember, northfield.member("viewer").id)
                membership.change_role(member, Role.OPERATOR, northfield.owner.id)

        told = heard(change)
        assert told["members"] == MEMBERS
        assert told["access payroll"] == ADMINS | {"guest", "viewer"}

    def test_of_an_invitation_and_of_its_mail(self, northfield, heard, query):
        def invite():
            with transaction():
                invited = address("ana@example.org")
                Invitation.issue(northfield.organization.id, invited, Role.VIEWER, northfield.owner.id)

        def deliver():
            query("UPDATE outgoing_mail SET state = 'sent', sent_at = now()")

        assert heard(invite) == {"invitations": ADMINS, "audit": ADMINS}
        assert heard(deliver) == {"invitations": ADMINS}

    def test_of_the_organizations_name(self, northfield, heard):
        def change():
            with transaction():
                here = db.session.get_one(Organization, northfield.organization.id)
                here.rename("Northfield Labs", "northfield", northfield.owner.id)

        assert heard(change) == {"organization": EVERYBODY, "organizations": EVERYBODY, "audit": ADMINS}

    def test_of_an_offer_of_ownership(self, northfield, heard):
        def change():
            with transaction():
                here, member = northfield.organization.id, northfield.member("viewer").id
                OwnershipOffer.offer(here, member, Role.ADMIN, northfield.owner.id)

        assert heard(change) == {"ownership": {"owner", "viewer"}, "audit": ADMINS}

    def test_of_somebodys_name(self, northfield, heard, query):
        def change():
            query("UPDATE users SET name = 'Lena N.' WHERE id = %(id)s", id=northfield.guest.id)
            query("UPDATE users SET name = 'Hana R.' WHERE id = %(id)s", id=northfield.viewer.id)

        assert heard(change) == {
            "access payroll": ADMINS | {"guest"},
            "members": MEMBERS,
            "sessions": {"guest", "viewer"},
        }

    def test_that_fails_is_heard_by_nobody(self, northfield, heard):
        def change():
            project = db.session.get_one(Project, northfield.project.id)
            with pytest.raises(ZeroDivisionError), transaction():
                raise ZeroDivisionError(project.archive())

        assert heard(change) == {}

    def test_of_another_organization_is_heard_there_alone(self, app, northfield, heard, query):
        def change():
            query("UPDATE projects SET description = 'x' WHERE id = %(id)s", id=northfield.harbour_project.id)

        assert heard(change) == {f"projects {northfield.harbour_project.id}": {"stranger"}}

    def test_of_a_topic_that_nobody_declared_is_heard_by_nobody(self, northfield, heard, query):
        def change():
            query("SELECT tell_live('surprise', %(id)s)", id=northfield.organization.id)

        assert heard(change) == {}


def test_pages_outside_of_organizations_hear_of_ones_own(app, northfield, listen, settled, query):
    hana, mateo = (listen(who, inside=False) for who in ("viewer", "stranger"))
    settled(hana, mateo)
    for ear in (hana, mateo):
        ear.topics.clear()
    with northfield.inside(app), transaction():
        Invitation.issue(
            northfield.organization.id, address(northfield.stranger.email), Role.VIEWER, northfield.owner.id
        )
    settled(hana, mateo)
    assert (hana.topics, mateo.topics) == ([], ["organizations"])
    query("UPDATE organization_members SET role = 'ADMIN' WHERE user_id = %(id)s", id=northfield.viewer.id)
    settled(hana, mateo)
    assert (hana.topics, mateo.topics) == (["organizations"], ["organizations"])


def test_a_change_of_many_is_told_in_notifications_that_fit(northfield, listen, settled, query):
    """PostgreSQL takes less than 8,000 bytes; 300 people are told of in three."""
    amara = listen("owner")
    query("""
        INSERT INTO users (email, email_key, name, password_hash)
        SELECT n || '@example.org', n || '@example.org', 'P', 'x' FROM generate_series(1, 300) n
    """)
    query(
        "INSERT INTO organization_members (organization_id, user_id, role)"
        " SELECT %(id)s, id, 'VIEWER' FROM users WHERE name = 'P'",
        id=northfield.organization.id,
    )
    settled(amara)
    assert "members" in amara.topics


def test_a_host_products_own_topic_is_heard_by_who_may_see_what_it_is_about(northfield, heard):
    deployments = access.declare_topic("deployments", access.SEE_PROJECT)

    def change():
        with transaction():
            live.tell(deployments, northfield.organization.id, northfield.restricted.id)

    try:
        assert heard(change) == {"deployments payroll": ADMINS | {"guest"}}
    finally:
        del TOPICS[deployments]


def test_a_topic_takes_the_role_that_its_permission_takes(northfield, heard):
    """Hana is a Viewer on the open project, and hears nothing of what takes an Admin; nor does who saw it gone."""
    keys = access.declare_topic("keys", access.SET_PROJECT_ROLES)

    def change():
        with transaction():
            live.tell(keys, northfield.organization.id, northfield.project.id)
            live.tell(keys, northfield.organization.id, northfield.restricted.id)

    try:
        assert heard(change) == {"keys billing": ADMINS, "keys payroll": ADMINS}
    finally:
        del TOPICS[keys]


def test_nothing_is_told_outside_of_a_transaction(northfield, app):
    with northfield.inside(app), pytest.raises(RuntimeError, match="transaction"):
        live.tell("members", northfield.organization.id)


def test_a_topic_has_one_meaning():
    with pytest.raises(ValueError, match="declared twice"):
        access.declare_topic("members", None)
