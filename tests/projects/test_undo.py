"""Undo of a role on a project: what was set before is set again, or taken away where nothing was."""

import pytest

from models import Role
from tests.undo import press_undo


@pytest.fixture
def setting(browser, northfield, at):
    """setting(role="ADMIN") -> the answer to the Admin who set it for Hana, a Viewer, or took it away."""

    def change(*rest, who=None, **fields):
        url = at(northfield.project, "access", northfield.viewer, *rest)
        return browser(who or northfield.admin).post(url, hx=True, **fields)

    return change


def test_takes_away_what_was_set_where_nothing_was(setting, browser, northfield, row_of, query):
    page = setting(role="ADMIN").text
    assert press_undo(browser(northfield.admin), page).status_code == 303
    assert row_of(northfield.project, northfield.viewer) == []
    assert query("SELECT count(*) FROM audit_events WHERE action = 'project_role.removed'")[0][0] == 1


def test_sets_again_what_was_set_before(setting, browser, northfield, give, row_of):
    give(northfield.project, northfield.viewer, Role.OPERATOR)
    page = setting(role="ADMIN").text
    press_undo(browser(northfield.admin), page)
    assert row_of(northfield.project, northfield.viewer) == [("OPERATOR",)]


def test_lets_a_row_follow_the_organization_again(setting, browser, northfield, give, row_of):
    give(northfield.project, northfield.viewer, None)
    page = setting(role="ADMIN").text
    press_undo(browser(northfield.admin), page)
    assert row_of(northfield.project, northfield.viewer) == [(None,)]


def test_sets_again_what_was_removed(setting, browser, northfield, give, row_of):
    give(northfield.project, northfield.viewer, Role.OPERATOR)
    page = setting("remove").text
    press_undo(browser(northfield.admin), page)
    assert row_of(northfield.project, northfield.viewer) == [("OPERATOR",)]


@pytest.mark.parametrize("before", [None, Role.OPERATOR])
def test_takes_back_nothing_that_somebody_changed_meanwhile(before, setting, browser, northfield, give, row_of):
    if before:
        give(northfield.project, northfield.viewer, before)
    page = setting(role="ADMIN").text
    setting(role="VIEWER", who=northfield.owner)
    answer = press_undo(browser(northfield.admin), page)
    assert answer.status_code == 409
    assert "Amara Okafor changed this" in answer.text
    assert row_of(northfield.project, northfield.viewer) == [("VIEWER",)]


def test_is_not_offered_where_nothing_changed_or_the_person_cannot_come_back(setting, browser, northfield, at, give):
    give(northfield.project, northfield.viewer, Role.OPERATOR)
    assert "Undo" not in setting(role="OPERATOR").text
    admin = browser(northfield.admin)
    page = admin.post(at(northfield.restricted, "access", northfield.guest, "remove"))
    assert "Undo" not in admin.get(page.location).text


def test_is_not_offered_to_who_changed_their_own(browser, northfield, at, give):
    give(northfield.project, northfield.operator, Role.ADMIN)
    operator = browser(northfield.operator)
    page = operator.post(at(northfield.project, "access", northfield.operator), role="VIEWER")
    assert "Undo" not in operator.get(page.location).text
