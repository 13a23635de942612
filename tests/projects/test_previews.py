"""What a change would end is said before it is made, and what it ended afterwards."""

import re
from html import unescape

import pytest

from models import Invitation, OrganizationMember, Project, Role, User, db, transaction
from models.project import RESTRICTED
from models.text import address

TIME = r" at \d\d:\d\d:\d\d UTC\."


@pytest.fixture
def guests(app, northfield):
    """guests(project, "a@example.org", …) invites them."""

    def invite(project, *emails):
        with northfield.inside(app), transaction():
            for email in emails:
                here = northfield.organization.id
                Invitation.issue(here, address(email), Role.VIEWER, northfield.owner.id, "", project.id)

    return invite


def previews(page):
    """{posted value: what choosing it would end}."""
    found = re.findall(r'value="(\w+)"[^>]*aria-describedby="[^"]*-ends">.*?-ends">([^<]*)<', page, flags=re.S)
    return {value: unescape(text) for value, text in found}


def test_restricting_names_who_loses_access(browser, northfield, at):
    visitor, url = browser(northfield.admin), at(northfield.project, "edit")
    said = previews(visitor.get(url).text)
    assert said == {"restricted": "2 people (Kofi Mensah and Hana Reyes) lose access."}
    visitor.post(url, name="Billing pipeline", access=RESTRICTED)
    toast = visitor.get(at(northfield.project)).text
    assert re.search(f"Billing pipeline was saved{TIME} Ended: 2 people’s access[.]", toast)


def test_names_keep_their_order_when_the_accounts_moved(browser, northfield, at, query):
    query("UPDATE users SET name = name WHERE id = %(id)s", id=northfield.operator.id)
    query("ANALYZE users")
    said = previews(browser(northfield.admin).get(at(northfield.project, "edit")).text)
    assert said == {"restricted": "2 people (Kofi Mensah and Hana Reyes) lose access."}


def test_restricting_says_who_can_do_less(browser, northfield, at, give):
    give(northfield.project, northfield.operator, Role.VIEWER)
    visitor = browser(northfield.admin)
    said = previews(visitor.get(at(northfield.project, "edit")).text)
    assert said["restricted"] == "1 person (Hana Reyes) loses access. 1 person (Kofi Mensah) can do less."
    visitor.post(at(northfield.project, "edit"), name="Billing pipeline", access=RESTRICTED)
    assert "Ended: 1 person’s access. 1 person can do less." in visitor.get(at(northfield.project)).text


def test_opening_counts_who_gets_access(browser, northfield, at):
    visitor, url = browser(northfield.admin), at(northfield.restricted, "edit")
    assert previews(visitor.get(url).text) == {"organization": "2 people (Kofi Mensah and Hana Reyes) get access."}
    visitor.post(url, name="Payroll", access="organization")
    assert "2 people can use it from now on." in visitor.get(at(northfield.restricted)).text


def test_many_are_counted_and_three_are_named(app, browser, northfield, at):
    with northfield.inside(app), transaction():
        people = [User(name=f"P{n}", email=f"p{n}", email_key=f"p{n}", password_hash="") for n in range(5)]
        db.session.add_all(people)
        db.session.flush()
        for person in people:
            here = northfield.organization.id
            db.session.add(OrganizationMember(organization_id=here, user_id=person.id, role=Role.VIEWER))
    said = previews(browser(northfield.admin).get(at(northfield.project, "edit")).text)
    assert re.fullmatch(r"7 people \(\w[\w ]+, \w[\w ]+, \w[\w ]+ and 4 more\) lose access\.", said["restricted"])


def test_those_who_may_not_restrict_are_told_nothing(browser, northfield, at):
    assert previews(browser(northfield.operator).get(at(northfield.project, "edit")).text) == {}


@pytest.mark.parametrize("hx", [False, True])
def test_archiving_says_what_stops(browser, northfield, at, guests, hx):
    guests(northfield.project, "ana@example.org")
    visitor, url = browser(northfield.admin), at(northfield.project, "archive")
    page = visitor.get(url, hx=hx).text
    assert "3 people (Amara Okafor, Sven Weber and Kofi Mensah) can no longer change it." in page
    assert "1 pending invitation (ana@example.org) to it does not work." in page
    answer = visitor.post(url, hx=hx)
    toast = answer.text if hx else visitor.get(answer.location).text
    stopped = "Until it is restored, 3 people cannot change it and 1 invitation to it cannot be accepted."
    assert re.search(f"Billing pipeline was archived{TIME} {stopped}", toast)


def test_archiving_says_nothing_of_what_there_is_not(browser, northfield, at):
    visitor = browser(northfield.admin)
    visitor.post(at(northfield.project, "archive"))
    toast = visitor.get(at(northfield.project)).text
    assert re.search(f"Billing pipeline was archived{TIME} Until it is restored, 3 people cannot change it[.]", toast)


def test_restoring_what_was_restored_tells_no_time(browser, northfield, at):
    visitor, url = browser(northfield.admin), at(northfield.project, "restore")
    assert "Billing pipeline is in use already." in visitor.post(url, hx=True).text
    visitor.post(at(northfield.project, "archive"))
    assert re.search(f"Billing pipeline was restored{TIME}", visitor.post(url, hx=True).text)


def test_archiving_asks_first(browser, northfield, at, state):
    before = state()
    browser(northfield.admin).get(at(northfield.project, "archive"))
    assert state() == before


def test_archiving_what_is_archived_is_done(browser, northfield, at, archive):
    archive(northfield.project)
    visitor = browser(northfield.admin)
    visitor.post(at(northfield.project, "archive"))
    assert "Billing pipeline is archived already." in visitor.get(at(northfield.project)).text


def test_deleting_counts_what_goes_and_went(browser, northfield, at, guests):
    guests(northfield.restricted, "ana@example.org", "ben@example.org")
    visitor, url = browser(northfield.owner), at(northfield.restricted, "delete")
    page = visitor.get(url).text
    assert "set on it for 2 people (1 guest among them) · 2 pending invitations" in page
    assert "gone for good at once" in page
    visitor.post(url, confirm="Payroll")
    ended = "Ended: 2 project roles, 2 invitations to it[.]"
    assert re.search(f"Payroll was deleted{TIME} {ended}", visitor.get(at()).text)


def test_a_lower_role_says_so_where_it_is_chosen(browser, northfield, at, give):
    give(northfield.project, northfield.viewer, Role.ADMIN)
    page = browser(northfield.owner).get(at(northfield.project, "access", northfield.viewer)).text
    assert previews(page) == {
        "INHERIT": "Hana Reyes can do less here: Viewer instead of Admin.",
        "VIEWER": "Hana Reyes can do less here: Viewer instead of Admin.",
        "OPERATOR": "Hana Reyes can do less here: Operator instead of Admin.",
    }
    assert "goes back to <strong>Viewer</strong> from Northfield." in page


def test_lowering_oneself_is_told_apart(browser, northfield, at, give):
    give(northfield.project, northfield.viewer, Role.ADMIN)
    page = browser(northfield.viewer).get(at(northfield.project, "access", northfield.viewer)).text
    own = "You are about to lower your own role to Viewer. You will not be able to change it back."
    assert previews(page)["VIEWER"] == own


def test_taking_the_last_access_is_told(browser, northfield, at, give):
    give(northfield.restricted, northfield.viewer, Role.ADMIN)
    page = browser(northfield.owner).get(at(northfield.restricted, "access", northfield.viewer)).text
    assert "Hana Reyes can no longer use this project." in page
    assert "goes back to" not in page


def test_the_time_is_the_databases(browser, northfield, at, query):
    visitor = browser(northfield.owner)
    visitor.post(at(northfield.project, "access", northfield.viewer), role="ADMIN")
    found = "SELECT to_char(created_at AT TIME ZONE 'UTC', 'HH24:MI:SS') FROM project_members WHERE user_id = %(u)s"
    [(time,)] = query(found, u=northfield.viewer.id)
    page = visitor.get(at(northfield.project, "access")).text
    assert f"Hana Reyes became an Admin on Billing pipeline at {time} UTC." in page


def test_what_a_deletion_returns_is_what_was_there(context, northfield):
    with transaction():
        deleted = db.session.get_one(Project, northfield.restricted.id).delete()
    assert (deleted.roles, deleted.invitations) == (2, 0)
