"""Guests: invited straight to one project, with a role there and nothing else of the organization."""

import itertools
import re

import pytest

import access
from models import (
    CannotAccept,
    Invitation,
    Offer,
    Organization,
    Project,
    Role,
    State,
    User,
    db,
    membership,
    transaction,
)
from models.identity import Actor
from models.invitation import MAILED
from models.project import RESTRICTED
from models.text import address
from tests.factories import PASSWORD, make_user

INVITE = "/orgs/northfield/people/invite"
PENDING = "/orgs/northfield/people/invitations"
NOWHERE = "00000000-0000-7000-8000-000000000000"
ANA = "ana@example.org"


@pytest.fixture
def offered(app, northfield):
    """offered(email, role="OPERATOR", by="owner", project=None) -> a pending invitation to Billing pipeline."""

    def invite(email=ANA, role="OPERATOR", by="owner", project=None):
        place, inviter = project or northfield.project, northfield.person(by)
        with northfield.inside(app), transaction():
            return Invitation.issue(place.organization_id, address(email), Role[role], inviter.id, project_id=place.id)

    return invite


@pytest.fixture
def ana(app):
    """Somebody with an account and no organization."""
    with app.app_context():
        return make_user("Ana Silva", ANA)


@pytest.fixture
def accept(app):
    """accept(invitation, user): join; raises CannotAccept."""

    def join(invitation, user):
        with app.app_context(), transaction():
            Offer.of(invitation.id).accept(db.session.get_one(User, user.id))

    return join


@pytest.fixture
def row(query):
    """row(user, project) -> (role, granted_by) of what is set there; None without."""

    def find(user, project):
        found = "SELECT role::text, granted_by FROM project_members WHERE user_id = %(u)s AND project_id = %(p)s"
        return next((tuple(line) for line in query(found, u=user.id, p=project.id)), None)

    return find


@pytest.fixture
def token_of(app):
    """token_of(invitation) -> the token of its mailed link."""

    def make(invitation):
        with app.app_context():
            return invitation.link_text(MAILED)

    return make


def address_of(project):
    return f"/orgs/northfield/projects/{project.id}"


def members_of(query, user):
    return query("SELECT count(*) FROM organization_members WHERE user_id = %(id)s", id=user.id)[0][0]


def state_of(app, invitation):
    with app.app_context():
        return Offer.of(invitation.id).state


# --- inviting ---------------------------------------------------------------------------------------------------


def test_a_button_on_the_access_page_leads_to_the_form(as_, northfield):
    page = as_("admin").get(f"{address_of(northfield.project)}/access").text
    assert f'href="{INVITE}?project={northfield.project.id}"' in page
    for name, project in (("operator", northfield.project), ("guest", northfield.restricted)):
        assert "Invite a guest" not in as_(name).get(f"{address_of(project)}/access").text


def test_a_project_admin_who_manages_no_people_has_no_button(app, as_, northfield):
    with northfield.inside(app), transaction():
        db.session.get_one(Project, northfield.project.id).set_role(
            northfield.viewer.id, Role.ADMIN, northfield.owner.id
        )
    page = as_("viewer").get(f"{address_of(northfield.project)}/access").text
    assert "Set a project role" in page
    assert "Invite a guest" not in page
    assert as_("viewer").post(INVITE, project=northfield.project.id, emails=ANA, role="VIEWER").status_code == 403


def test_the_form_names_the_project(as_, northfield, statements):
    admin = as_("admin")
    with statements() as sent:
        page = admin.get(f"{INVITE}?project={northfield.project.id}").text
    assert len(sent) <= 4
    assert "<h1>Invite guests to Billing pipeline</h1>" in page
    assert f'name="project" value="{northfield.project.id}"' in page
    assert "Uses this project and changes its details." in page
    assert 'value="OWNER"' not in page


def test_a_guest_is_invited_by_mail(as_, northfield, query, mails):
    answer = as_("admin").post(INVITE, project=northfield.project.id, emails=ANA, role="OPERATOR", message="Hello")
    assert (answer.status_code, answer.location) == (303, PENDING)
    assert query("SELECT email, role::text, project_id FROM invitations") == [(ANA, "OPERATOR", northfield.project.id)]
    [mail] = mails()
    assert mail["Subject"] == "Sven Weber invited you to Billing pipeline in Northfield"
    says = "Sven Weber invited you to Billing pipeline in Northfield as Operator, as a guest."
    assert mail.get_body(("plain",)).get_content().startswith(says)
    html = mail.get_body(("html",)).get_content()
    assert says in re.sub(r"<[^>]+>", "", html)
    assert "Uses this project and changes its details. A guest sees nothing else" in html


def test_without_a_project_it_is_the_organization(as_, query):
    assert as_("admin").post(INVITE, project="", emails=ANA, role="VIEWER").status_code == 303
    assert query("SELECT project_id FROM invitations") == [(None,)]


def test_what_became_of_each_is_told(as_, northfield, offered, query):
    offered("ben@example.org", "ADMIN", project=northfield.restricted)
    text = f"{ANA} hana.reyes@example.org lena.novak@example.org ben@example.org"
    answer = as_("admin").post(INVITE, hx=True, project=northfield.restricted.id, emails=text, role="VIEWER").text
    assert "Sent 1 invitation. 3 addresses need attention:" in answer
    assert "hana.reyes@example.org is already a member of Northfield (Viewer)." in answer
    assert f"/projects/{northfield.restricted.id}/access/{northfield.viewer.id}" in answer
    assert "lena.novak@example.org is already a guest on Payroll (Operator)." in answer
    assert "ben@example.org already has an invitation to Payroll from" in answer
    assert f'name="project" value="{northfield.restricted.id}"' in answer
    assert len(query("SELECT id FROM invitations")) == 2


def test_one_address_is_invited_to_each_place_once(as_, northfield, query):
    admin = as_("admin")
    for project in (northfield.project.id, northfield.project.id, northfield.restricted.id, ""):
        admin.post(INVITE, project=project, emails=ANA, role="VIEWER")
    found = query("SELECT project_id FROM invitations ORDER BY id")
    assert found == [(northfield.project.id,), (northfield.restricted.id,), (None,)]


def test_an_expired_invitation_to_the_same_project_makes_way(as_, offered, northfield, query):
    offered()
    query("UPDATE invitations SET expires_at = now()")
    assert as_("admin").post(INVITE, project=northfield.project.id, emails=ANA, role="VIEWER").status_code == 303
    assert query("SELECT role::text FROM invitations WHERE replaced_at IS NULL") == [("VIEWER",)]


@pytest.mark.parametrize("project", [NOWHERE, "7", "\0", "x" * 200, "harbour"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_project_that_is_not_here_is_not_found(as_, northfield, query, project, method):
    asked = northfield.harbour_project.id if project == "harbour" else project
    person = as_("owner")
    fields = {"project": asked, "emails": ANA, "role": "VIEWER"}
    answer = person.get(INVITE, query_string=fields) if method == "get" else person.post(INVITE, **fields)
    assert answer.status_code == 404
    assert query("SELECT id FROM invitations") == []


def test_an_archived_project_takes_no_guests(as_, northfield, query):
    query("UPDATE projects SET archived_at = now()")
    for answer in (
        as_("owner").get(f"{INVITE}?project={northfield.project.id}"),
        as_("owner").post(INVITE, project=northfield.project.id, emails=ANA, role="VIEWER"),
    ):
        assert answer.status_code == 403
        assert "This project is archived. Restore it first." in answer.text
    assert query("SELECT id FROM invitations") == []


@pytest.mark.parametrize(("set_here", "status"), [(None, 403), (Role.OWNER, 303)])
def test_on_a_project_ranks_are_compared_by_effective_role(app, as_, northfield, query, set_here, status):
    with northfield.inside(app), transaction():
        db.session.get_one(Project, northfield.project.id).set_role(northfield.admin.id, set_here, northfield.owner.id)
    admin = as_("admin")
    assert admin.post(INVITE, project=northfield.project.id, emails=ANA, role="OWNER").status_code == status
    assert len(query("SELECT id FROM invitations")) == (status == 303)
    assert admin.post(INVITE, emails="ben@example.org", role="OWNER").status_code == 403


# --- the pending list -------------------------------------------------------------------------------------------


def test_the_list_says_where_a_guest_is_invited_to(as_, offered, statements):
    offered()
    admin = as_("admin")
    with statements() as sent:
        page = admin.get(PENDING).text
    assert len(sent) == 2
    assert "Guest on <bdi>Billing pipeline</bdi>" in page


@pytest.mark.parametrize(("action", "status"), [("resend", 303), ("link", 200), ("revoke", 303)])
def test_the_same_can_be_done_with_it(as_, offered, northfield, query, action, status):
    invitation = offered()
    assert as_("admin").post(f"{PENDING}/{invitation.id}/{action}").status_code == status
    fresh = query("SELECT project_id FROM invitations WHERE replaced_at IS NULL AND revoked_at IS NULL")
    assert fresh == ([] if action == "revoke" else [(northfield.project.id,)])


def test_who_is_owner_of_the_project_alone_may_handle_an_owners_invitation(app, as_, offered, northfield):
    invitation = offered(role="OWNER")
    assert as_("admin").post(f"{PENDING}/{invitation.id}/resend").status_code == 403
    assert f'id="resend-{ANA}"' not in as_("admin").get(PENDING).text
    with northfield.inside(app), transaction():
        db.session.get_one(Project, northfield.project.id).set_role(
            northfield.admin.id, Role.OWNER, northfield.owner.id
        )
    assert f'id="resend-{ANA}"' in as_("admin").get(PENDING).text
    assert as_("admin").post(f"{PENDING}/{invitation.id}/resend").status_code == 303


def test_on_an_archived_project_it_can_only_be_revoked(as_, offered, query):
    invitation = offered()
    query("UPDATE projects SET archived_at = now()")
    assert "Project archived" in as_("admin").get(PENDING).text
    statuses = [
        as_("admin").post(f"{PENDING}/{invitation.id}/{act}").status_code for act in ("resend", "link", "revoke")
    ]
    assert statuses == [403, 403, 303]


# --- accepting --------------------------------------------------------------------------------------------------


def test_accepting_gives_the_role_and_no_membership(accept, offered, ana, row, query, northfield):
    accept(offered(), ana)
    assert row(ana, northfield.project) == ("OPERATOR", northfield.owner.id)
    assert members_of(query, ana) == 0


def test_a_new_person_joins_by_the_link_and_arrives_at_the_project(browser, offered, query, northfield, token_of):
    visitor = browser()
    visitor.get(f"/invitations/{token_of(offered())}")
    page = visitor.get("/invitation").text
    assert "<h1>Join Billing pipeline in Northfield</h1>" in page
    assert ", as a guest. Uses this project and changes its details. Guests see nothing else of Northfield." in page
    answer = visitor.post("/invitation/accept", name="Ana Silva", password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, address_of(northfield.project))
    assert "You joined Billing pipeline in Northfield." in visitor.get(answer.location).text
    assert query(
        "SELECT count(*) FROM organization_members m JOIN users u ON u.id = m.user_id WHERE email = %(e)s", e=ANA
    ) == [(0,)]


def test_who_is_logged_in_joins_with_one_button(browser, offered, ana, northfield, token_of):
    guest = browser(ana)
    token = token_of(offered())
    guest.get(f"/invitations/{token}")
    assert "Join Billing pipeline</button>" in guest.get("/invitation").text
    for _ in range(2):
        guest.client.set_cookie("invitation", token)
        assert guest.post("/invitation/accept").location == address_of(northfield.project)
    guest.client.set_cookie("invitation", token)
    assert guest.get("/invitation").location == address_of(northfield.project)


def test_a_used_link_says_so_to_a_guest_who_left(browser, accept, offered, ana, query, token_of):
    invitation = offered()
    accept(invitation, ana)
    query("DELETE FROM project_members")
    guest = browser(ana)
    guest.get(f"/invitations/{token_of(invitation)}")
    assert guest.get("/invitation").status_code == 410


def test_it_waits_on_the_list_of_organizations(browser, offered, ana, row, northfield):
    invitation, guest = offered(), browser(ana)
    page = guest.get("/orgs").text
    assert "Billing pipeline in Northfield" in page
    assert "invited you as a guest." in page
    assert guest.post(f"/orgs/invitations/{invitation.id}/accept").location == address_of(northfield.project)
    assert row(ana, northfield.project) == ("OPERATOR", northfield.owner.id)


def test_it_can_be_declined(app, browser, offered, ana):
    invitation, guest = offered(), browser(ana)
    guest.post(f"/orgs/invitations/{invitation.id}/decline")
    assert "You declined the invitation to Billing pipeline in Northfield." in guest.get("/orgs").text
    assert state_of(app, invitation) is State.DECLINED


@pytest.mark.parametrize("had", ["VIEWER", "OPERATOR", "ADMIN"])
@pytest.mark.parametrize("offers", ["VIEWER", "OPERATOR", "ADMIN"])
def test_a_guests_role_is_raised_and_never_lowered(app, accept, offered, row, northfield, had, offers):
    with northfield.inside(app), transaction():
        project = db.session.get_one(Project, northfield.restricted.id)
        project.set_role(northfield.guest.id, Role[had], northfield.admin.id)
    accept(offered(northfield.guest.email, offers, project=northfield.restricted), northfield.guest)
    higher = max(Role[had], Role[offers]).name
    raised = Role[offers] > Role[had]
    assert row(northfield.guest, northfield.restricted) == (
        higher,
        (northfield.owner if raised else northfield.admin).id,
    )


@pytest.mark.usefixtures("context")
def test_what_anybody_has_is_raised_to_the_role_and_never_lowered(northfield):
    """Every pair of levels, against the one rule for effective roles."""
    nothing = object()
    organization = db.session.get_one(Organization, northfield.organization.id)
    levels = itertools.product((True, False), (None, *Role), (nothing, None, *Role), Role)
    for number, (restricted, of_member, on_row, offered) in enumerate(levels):
        if of_member is None and on_row is None:
            continue  # a row that follows the organization needs a membership
        with transaction():
            user = User.create(address(f"p{number}@example.org"), f"Person {number}", "x", proven=True)
            member = organization.admit(user.id, of_member) if of_member else None
            project = Project.create(organization.id, f"Project {number}", "", "organization", northfield.owner.id)
            project.edit(project.name, "", RESTRICTED if restricted else "organization", northfield.owner.id)
            if on_row is not nothing:
                project.set_role(user.id, on_row, northfield.owner.id)
            actor = Actor(user.id, organization.id, of_member, member.id if member else None)
            before, row_before = access.project_for(actor, project.id), project.row_of(user.id)
            membership.raise_on_project(project, user.id, offered, northfield.admin.id)
            db.session.expire_all()
            after, row_after = access.project_for(actor, project.id), project.row_of(user.id)
        had = before.effective if before else None
        assert after.effective == max(filter(None, (had, offered)))
        changed = row_after is not None and row_after.granted_by == northfield.admin.id
        assert changed == (had is None or offered > had), (restricted, of_member, on_row, offered)
        assert (row_after is None) == (row_before is None) or changed


@pytest.mark.parametrize(
    "loss",
    [
        "UPDATE organization_members SET role = 'OPERATOR' WHERE user_id = %(by)s",
        "DELETE FROM organization_members WHERE user_id = %(by)s",
        "UPDATE users SET deactivated_at = now() WHERE id = %(by)s",
        "UPDATE projects SET archived_at = now() WHERE %(by)s::uuid IS NOT NULL",
        "UPDATE organizations SET deleted_at = now() WHERE slug = 'northfield' AND %(by)s::uuid IS NOT NULL",
    ],
)
def test_it_is_worth_what_its_sender_could_still_give(accept, offered, ana, query, mails, northfield, loss):
    invitation = offered(by="admin")
    query(loss, by=northfield.admin.id)
    assert mails() == []
    with pytest.raises(CannotAccept) as refused:
        accept(invitation, ana)
    assert refused.value.state is State.GONE
    assert query("SELECT id FROM project_members WHERE user_id = %(id)s", id=ana.id) == []


def test_an_owners_offer_needs_the_senders_role_on_the_project(app, offered, query, northfield):
    with northfield.inside(app), transaction():
        db.session.get_one(Project, northfield.project.id).set_role(
            northfield.admin.id, Role.OWNER, northfield.owner.id
        )
    invitation = offered(role="OWNER", by="admin")
    assert state_of(app, invitation) is State.PENDING
    query("DELETE FROM project_members WHERE user_id = %(id)s", id=northfield.admin.id)
    assert state_of(app, invitation) is State.GONE


def test_an_archived_project_is_named_on_the_page(browser, offered, query, token_of):
    visitor = browser()
    visitor.get(f"/invitations/{token_of(offered())}")
    query("UPDATE projects SET archived_at = now()")
    page = visitor.get("/invitation")
    assert page.status_code == 410
    assert "<h1>Billing pipeline is archived</h1>" in page.text


def test_with_a_project_go_its_invitations(browser, offered, as_, northfield, mails, token_of):
    visitor, owner = browser(), as_("owner")
    visitor.get(f"/invitations/{token_of(offered())}")
    owner.post(f"{address_of(northfield.project)}/delete", confirm=northfield.project.name)
    answer = visitor.get("/invitation")
    assert answer.status_code == 410
    assert "This invitation was withdrawn" in answer.text
    assert mails() == []


def test_a_deleted_project_leaves_the_record_of_who_joined(query, accept, offered, as_, ana, northfield):
    accept(offered(), ana)
    as_("owner").post(f"{address_of(northfield.project)}/delete", confirm=northfield.project.name)
    assert query("SELECT project_id, accepted_by FROM invitations") == [(None, ana.id)]


def test_removing_a_member_revokes_project_invitations_to_them(app, as_, offered, northfield):
    to_them, to_another = offered(northfield.viewer.email), offered()
    as_("owner").post(f"/orgs/northfield/people/{northfield.member('viewer').id}/remove")
    assert (state_of(app, to_them), state_of(app, to_another)) == (State.REVOKED, State.PENDING)


# --- being a guest ----------------------------------------------------------------------------------------------


def test_the_home_lists_the_project_and_nothing_else_is_there(browser, accept, offered, ana, northfield):
    accept(offered(), ana)
    guest = browser(ana)
    page = guest.get("/orgs/northfield").text
    assert "You are a guest here, with a role on 1 project." in page
    assert address_of(northfield.project) in page
    assert "Payroll" not in page
    for path in ("people", "projects", "settings", "people/invite", "people/invitations"):
        assert guest.get(f"/orgs/northfield/{path}").status_code == 404
    assert guest.get(address_of(northfield.restricted)).status_code == 404


def test_a_guest_leaves_from_their_home(browser, accept, offered, ana, row, northfield):
    for project in (northfield.project, northfield.restricted):
        accept(offered(project=project), ana)
    guest = browser(ana)
    leave = f"{address_of(northfield.project)}/access/{ana.id}"
    assert f'href="{leave}"' in guest.get("/orgs/northfield").text
    page = guest.get(leave).text
    assert "You lose access to Billing pipeline. An Admin can invite you again." in page
    assert "Leave Billing pipeline</button>" in page
    assert guest.post(f"{leave}/remove").location == "/orgs/northfield"
    assert "You left Billing pipeline at " in guest.get("/orgs/northfield").text
    assert row(ana, northfield.project) is None
    assert guest.post(f"{address_of(northfield.restricted)}/access/{ana.id}/remove").location == "/orgs"


def test_a_member_has_no_button_to_leave_a_project(as_):
    assert "Leave…" not in as_("operator").get("/orgs/northfield").text
