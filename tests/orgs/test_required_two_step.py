"""An organization that lets nobody in without two-step verification: who sets it, who is kept out, and the way in."""

import re

import pytest

from models import SecondFactor, User, db, transaction
from tests.auth.test_passkeys import turn_on

SETTING, PEOPLE = "/orgs/northfield/settings/two-step", "/orgs/northfield/people"
HEADING = "Turn on two-step verification first"


@pytest.fixture
def required(northfield, query):
    """Northfield lets nobody in without it."""
    query("UPDATE organizations SET second_factor_required_at = now() WHERE slug = 'northfield'")


@pytest.fixture
def fresh(browser, northfield):
    """fresh("owner") -> their browser, in a session that just began."""

    def begin(name):
        person = browser()
        person.log_in(northfield.person(name), fresh=True)
        return person

    return begin


def steps(page):
    return [re.sub("<[^>]*>", "", cell) for cell in re.findall('data-label="Two-step">(.*?)<td', page)]


def requires(query):
    return query("SELECT second_factor_required_at IS NOT NULL FROM organizations WHERE slug = 'northfield'")[0][0]


class TestRequiringIt:
    def test_is_an_owners_who_has_it_and_is_written_down(self, app, fresh, northfield, query):
        turn_on(app, northfield.owner)
        owner = fresh("owner")
        page = owner.get(SETTING).text
        assert "<strong>4 people</strong> in Northfield do not have it yet." in page  # a guest among them
        answer = owner.post(SETTING, required="y")
        assert (answer.status_code, answer.location) == (303, "/orgs/northfield/settings")
        assert requires(query)
        assert "Northfield lets nobody in without it." in owner.get(answer.location).text
        assert owner.post(SETTING).status_code == 303
        assert not requires(query)
        actions = query("SELECT action FROM audit_events WHERE action LIKE 'organization.two_step%%' ORDER BY seq")
        assert [row[0] for row in actions] == ["organization.two_step_required", "organization.two_step_not_required"]

    def test_twice_is_once(self, app, fresh, northfield, query):
        turn_on(app, northfield.owner)
        owner = fresh("owner")
        assert [owner.post(SETTING, required="y").status_code for _ in range(2)] == [303, 303]
        assert query("SELECT count(*) FROM audit_events WHERE action = 'organization.two_step_required'") == [(1,)]

    def test_is_refused_to_who_would_lock_themselves_out(self, fresh, query):
        answer = fresh("owner").post(SETTING, required="y")
        assert answer.status_code == 422
        assert "Turn on two-step verification for yourself first" in answer.text
        assert not requires(query)

    def test_takes_a_fresh_proof(self, app, browser, northfield, query):
        turn_on(app, northfield.owner)
        answer = browser(northfield.owner).post(SETTING, required="y")
        assert answer.status_code == 422
        assert "Enter your password" in answer.text
        assert not requires(query)

    @pytest.mark.parametrize(("name", "status"), [("admin", 403), ("operator", 403), ("guest", 404), ("stranger", 404)])
    def test_is_nobody_elses(self, name, status, fresh, query):
        person = fresh(name)
        assert {person.get(SETTING).status_code, person.post(SETTING, required="y").status_code} == {status}
        assert not requires(query)


@pytest.mark.usefixtures("required")
class TestWhoLacksIt:
    @pytest.mark.parametrize("name", ["owner", "admin", "operator", "viewer", "guest"])
    def test_gets_in_nowhere_and_is_shown_the_way(self, name, as_, northfield):
        person = as_(name)
        restricted = f"/orgs/northfield/projects/{northfield.restricted.id}"
        for url in ("/orgs/northfield", PEOPLE, "/orgs/northfield/settings", restricted, "/orgs/northfield/audit"):
            answer = person.get(url)
            assert answer.status_code == 403
            assert HEADING in answer.text
            assert 'href="/account/security/two-step"' in answer.text
            assert "Billing" not in answer.text

    def test_changes_nothing(self, as_, path, role_of):
        assert as_("owner").post(f"{path('viewer')}/role", role="ADMIN").status_code == 403
        assert role_of("viewer") == "VIEWER"

    def test_is_told_in_a_fragment_too(self, as_):
        answer = as_("admin").get(PEOPLE, hx=True)
        assert (answer.status_code, answer.headers["HX-Retarget"]) == (403, "#notices")
        assert HEADING in answer.text

    def test_restores_no_organization(self, as_, northfield, query):
        query("UPDATE organizations SET deleted_at = now() WHERE slug = 'northfield'")
        answer = as_("owner").post(f"/orgs/deleted/{northfield.organization.id}/restore")
        assert (answer.status_code, HEADING in answer.text) == (403, True)
        assert query("SELECT deleted_at IS NULL FROM organizations WHERE slug = 'northfield'") == [(False,)]

    def test_hears_nothing_live(self, as_):
        assert as_("admin").get("/orgs/northfield/live").status_code == 403

    def test_gets_in_once_it_is_on(self, app, as_, northfield):
        admin = as_("admin")
        assert admin.get(PEOPLE).status_code == 403
        turn_on(app, northfield.admin)
        assert as_("admin").get(PEOPLE).status_code == 200

    def test_is_a_stranger_elsewhere_as_before(self, as_):
        assert as_("stranger").get("/orgs/northfield").status_code == 404
        assert as_("stranger").get("/orgs/harbour-labs").status_code == 200

    def test_is_marked_in_the_list_for_those_who_manage_people(self, app, as_, northfield):
        turn_on(app, northfield.admin)
        turn_on(app, northfield.operator)
        page = as_("admin").get(PEOPLE).text
        assert steps(page) == ["Off", "Off", "On", "On"]
        assert page.count('<span class="tag warn">Off</span>') == 2  # Amara and Hana
        assert "Two-step" not in as_("operator").get(PEOPLE).text

    def test_is_found_by_a_filter(self, app, as_, northfield, statements):
        turn_on(app, northfield.admin)
        turn_on(app, northfield.operator)
        admin = as_("admin")
        with statements() as sent:
            page = admin.get(f"{PEOPLE}?show=two-step-off").text
        assert len(sent) == 2
        assert "2 people match “Two-step is off”." in page
        assert "4 members" in as_("operator").get(f"{PEOPLE}?show=two-step-off").text

    def test_is_warned_before_turning_it_off(self, app, as_, northfield):
        turn_on(app, northfield.admin)
        page = as_("admin").get("/account/security/two-step/off").text
        assert "<bdi>Northfield</bdi> lets nobody in without it." in page
        turn_on(app, northfield.stranger)
        assert "lets nobody in without it" not in as_("stranger").get("/account/security/two-step/off").text


def test_whoever_turns_it_off_is_out_at_once(app, as_, northfield, required):
    turn_on(app, northfield.admin)
    admin = as_("admin")
    assert admin.get(PEOPLE).status_code == 200
    with app.app_context(), transaction():
        SecondFactor.turn_off(db.session.get_one(User, northfield.admin.id))
    assert as_("admin").get(PEOPLE).status_code == 403
