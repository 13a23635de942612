"""An organization's home: what needs attention, one's projects, and what happened lately."""

import pytest

from models import Organization, Project, tenant, transaction
from models.project import OPEN
from tests.browser_like import without_tokens

HOME = "/orgs/northfield"


@pytest.mark.parametrize("name", ["owner", "admin", "operator", "viewer"])
def test_a_member_sees_the_projects_that_exist_for_them(as_, name):
    page = as_(name).get(HOME).text
    assert "Billing pipeline" in page
    assert ("Payroll" in page) == (name in ("owner", "admin"))


def test_a_guest_sees_only_their_projects(as_):
    page = as_("guest").get(HOME).text
    assert "Payroll" in page
    assert "Billing pipeline" not in page
    assert "4 members" not in page
    assert "/orgs/northfield/people" not in page


def test_a_stranger_and_an_address_that_nobody_has_look_the_same(as_):
    stranger = as_("stranger")
    foreign, unknown = stranger.get(HOME), stranger.get("/orgs/no-such-place")
    assert foreign.status_code == unknown.status_code == 404
    assert without_tokens(foreign.text) == without_tokens(unknown.text)


@pytest.mark.parametrize("slug", ["%ff", "%00", "a" * 51, "-x", "..", "a%2Fb", "Ünïon"])
def test_what_cannot_be_an_address_is_not_found(as_, slug):
    assert as_("owner").get(f"/orgs/{slug}").status_code == 404


@pytest.mark.parametrize(("name", "count"), [("owner", 4), ("viewer", 3), ("guest", 2)])
def test_the_home_stays_within_its_statements(as_, statements, name, count):
    person = as_(name)
    with statements() as sent:
        person.get(HOME)
    assert len(sent) == count
    assert not sent.writes


@pytest.mark.parametrize("name", ["owner", "guest"])
def test_the_fragment_is_part_of_the_page(as_, name):
    person = as_(name)
    assert person.get(HOME, hx=True).text.strip() in person.get(HOME).text


def test_a_lone_owner_is_told_so(as_, northfield, query):
    words = "Northfield has one Owner, you."
    assert words in as_("owner").get(HOME).text
    assert words not in as_("admin").get(HOME).text
    query("UPDATE organization_members SET role = 'OWNER' WHERE user_id = %(id)s", id=northfield.admin.id)
    assert words not in as_("owner").get(HOME).text
    query("UPDATE users SET deactivated_at = now() WHERE id = %(id)s", id=northfield.admin.id)
    assert words in as_("owner").get(HOME).text


def test_invitations_that_wait_for_long_need_attention(as_, invited, query):
    invited("ana@example.org")
    invited("ben@example.org")
    assert "waited for more than 3 days" not in as_("admin").get(HOME).text
    query("UPDATE invitations SET created_at = now() - interval '4 days' WHERE email = 'ana@example.org'")
    assert "1 invitation has waited for more than 3 days." in as_("admin").get(HOME).text
    assert "waited for more than 3 days" not in as_("operator").get(HOME).text


def test_the_first_steps_show_their_real_state(app, browser, northfield, invited):
    with northfield.inside(app), transaction():
        quay = Organization.create("Quay", "quay", northfield.owner.id)
    owner = browser(northfield.owner)
    page = owner.get("/orgs/quay").text
    assert "First steps" in page
    assert (page.count(">Done<"), page.count(">To do<")) == (1, 2)
    with app.app_context(), transaction():
        tenant.enter(quay.id)
        Project.create(quay.id, "Docks", "", OPEN, northfield.owner.id)
        quay.admit(northfield.viewer.id, northfield.member("viewer").role)
    assert "First steps" not in owner.get("/orgs/quay").text


def test_ones_own_projects_come_first(as_, app, northfield):
    with northfield.inside(app), transaction():
        zebra = Project.create(northfield.organization.id, "Zebra", "", OPEN, northfield.owner.id)
        zebra.set_role(northfield.viewer.id, northfield.member("admin").role, northfield.owner.id)
    page = as_("viewer").get(HOME).text
    assert page.index("Zebra") < page.index("Billing pipeline")
    assert page.index('data-role="admin"') < page.index('data-from="inherited"')


def test_many_projects_lead_to_their_list(as_, app, northfield):
    with northfield.inside(app), transaction():
        for n in range(12):
            last = Project.create(northfield.organization.id, f"Project {n:02}", "", OPEN, northfield.owner.id)
        last.set_role(northfield.viewer.id, northfield.member("admin").role, northfield.owner.id)
    page = as_("viewer").get(HOME).text
    assert page.count('<td data-label="Your role">') == 10
    assert page.index("Project 11") < page.index("Billing pipeline") < page.index("Project 00")
    assert "All projects" in page
