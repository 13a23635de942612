"""Why somebody can use a project: one click away, in words that can be linked and printed."""

import pytest

from models import Role
from tests.browser_like import words


@pytest.fixture
def why(browser, northfield, at):
    """why("viewer", asker="owner", project="project") -> the words of the page."""

    def page(name, asker="owner", project="project", **how):
        url = at(getattr(northfield, project), "access", northfield.person(name), "why")
        text = browser(northfield.person(asker)).get(url, **how).text
        return words(text.partition("<main")[2].partition("</main>")[0] or text)

    return page


def test_both_sources_and_the_rule_are_told(why, give, northfield):
    give(northfield.project, northfield.viewer, Role.ADMIN)
    said = why("viewer")
    assert "Why Hana Reyes can use Billing pipeline" in said
    assert "Effective role Admin The higher of the two counts." in said
    assert "Northfield Viewer No effect Organization role, given just now" in said
    assert "No effect: Admin from the other source is higher" in said
    assert "Billing pipeline Admin Counts Set on this project by Hana Reyes, just now" in said
    assert "Without what is set here Viewer" in said
    assert "Without the membership No access" in said
    assert "Leaving Northfield, or being removed, also ends what is set on its projects." in said


def test_who_gave_the_organization_role_is_named(why, browser, northfield):
    browser(northfield.admin).post(f"/orgs/northfield/people/{northfield.member('viewer').id}/role", role="OPERATOR")
    assert "Organization role, given by Sven Weber, just now" in why("viewer")


def test_a_restricted_project_says_why_not(why):
    said = why("viewer", project="restricted")
    assert "Why Hana Reyes cannot use Payroll" in said
    assert "Effective role None This project is restricted" in said
    assert "No effect: this project is restricted" in said
    assert "Payroll Nothing is set here" in said


def test_an_owner_needs_no_more(why):
    assert "Owners always have full access." in why("owner")


def test_a_guest_is_told_no_names_of_members(why, give, northfield, browser):
    browser(northfield.owner).post(f"/orgs/northfield/people/{northfield.member('viewer').id}/role", role="OPERATOR")
    give(northfield.restricted, northfield.viewer, None)
    said = why("viewer", asker="guest", project="restricted")
    assert "Organization role, given just now" in said
    assert "Amara" not in said


def test_a_guest_reads_about_themselves(why):
    said = why("guest", asker="guest", project="restricted")
    assert "Why you can use Payroll" in said
    assert "A guest has the role that is set on the project, and nothing else." in said
    assert "Without what is set here No access" in said
    assert "Without the membership" not in said


def test_the_dialog_has_the_words_of_the_page(why):
    page, dialog = why("viewer"), why("viewer", hx=True)
    start = page.index("Effective role")
    assert page[start:].strip() in dialog


def test_it_is_one_click_away(browser, northfield, at, give):
    give(northfield.project, northfield.operator, Role.ADMIN)
    visitor = browser(northfield.owner)
    address = at(northfield.project, "access", northfield.operator, "why")
    for page in (at(northfield.project, "access"), at(northfield.project, "access", northfield.operator)):
        assert f'href="{address}"' in visitor.get(page).text
    mine = at(northfield.project, "access", northfield.owner, "why")
    assert f'href="{mine}"' in visitor.get(at(northfield.project)).text
    page = visitor.get(at(northfield.project, "access")).text
    assert page.count("Why?") == 4
