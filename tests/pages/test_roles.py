"""The page about roles is printed from the authority; what it must say is written here by hand (DESIGN.md, 3)."""

import re

import pytest

TABLE = {
    "see the organization, its people and its open projects": "VIEWER OPERATOR ADMIN OWNER",
    "see a project and who can use it": "VIEWER OPERATOR ADMIN OWNER",
    "use a project and change its details": "OPERATOR ADMIN OWNER",
    "set and remove roles on a project": "ADMIN OWNER",
    "archive, restore, restrict and delete a project": "ADMIN OWNER",
    "create a project": "ADMIN OWNER",
    "invite people, and change or remove members": "ADMIN OWNER",
    "rename the organization and change its address": "ADMIN OWNER",
    "read the audit log": "ADMIN OWNER",
    "delete and restore the organization, offer ownership, and name or change Owners": "OWNER",
}
ROW = re.compile(r"<tr>\s*<td>(.*?)</td>(.*?)</tr>", re.S)


def printed(page):
    rows = {}
    for words, cells in ROW.findall(page):
        held = re.findall(r'data-label="(\w+)">(.*?)</td>', cells, re.S)
        rows[words.split(" <span")[0]] = " ".join(role.upper() for role, cell in held if "Yes" in cell)
    return rows


def test_the_page_prints_the_whole_table(browser):
    assert printed(browser().get("/help/roles").text) == TABLE


@pytest.mark.parametrize("who", ["visitor", "viewer", "guest", "owner"])
def test_everybody_may_read_it(who, browser, northfield):
    response = browser(northfield.person(who)).get("/help/roles")
    assert response.status_code == 200
    assert "Nobody acts above themselves" in response.text
    assert "the highest role wins" in response.text


def test_it_says_what_an_archived_project_refuses(browser):
    page = browser().get("/help/roles").text
    assert page.count("(not while it is archived)") == 2


def test_a_visitor_costs_no_statement(browser, statements):
    with statements() as sent:
        browser().get("/help/roles")
    assert len(sent) == 0
