"""Every route, tried by everybody: what the permission table says is what the doors do."""

from typing import Any

import pytest
from werkzeug.routing import Rule

from access import Level, Permission
from models import Role
from tests.doors import door_id, routes, shows

ROLES = {"viewer": Role.VIEWER, "operator": Role.OPERATOR, "admin": Role.ADMIN, "owner": Role.OWNER}
PRINCIPALS = ["visitor", "stranger", "guest", *ROLES]
LOGIN = "/login"
JUDGED_BY_TARGET = {"projects.unset"}  # anyone may take away their own; another's takes a role, so 403 is an answer


@pytest.fixture
def knock(browser: Any, northfield: Any, url_of: Any) -> Any:
    """knock(rule, principal) -> the answer to a request that names Northfield's own things."""

    def ask(rule: Rule, principal: str) -> Any:
        asking = browser(northfield.person(principal))
        return asking.get(url_of(rule)) if shows(rule) else asking.post(url_of(rule))

    return ask


def expected(gate: Any, principal: str, rule: Rule) -> str:
    """What the table of DESIGN.md section 3 says: "in", "login", 403 or 404."""
    if gate in ("bare", "public"):
        return "in"
    if principal == "visitor":
        return "login"
    if "slug" not in rule.arguments or (gate == "inside" and principal != "stranger"):
        return "in"
    if principal in ("stranger", "guest"):  # the open project has no row for the guest
        return "404"
    assert isinstance(gate, Permission)
    assert gate.level in Level
    return "in" if ROLES[principal] >= gate.least else "403"


@pytest.mark.parametrize("principal", PRINCIPALS)
@pytest.mark.parametrize("rule", routes(), ids=door_id)
def test_the_door_does_what_the_table_says(rule, principal, knock, app):
    answer = knock(rule, principal)
    wanted = expected(app.view_functions[rule.endpoint].gate, principal, rule)
    to_login = answer.status_code == 302 and answer.location.startswith(LOGIN)
    if wanted == "login":
        assert to_login
    elif wanted == "in":
        assert not to_login
        assert answer.status_code not in (401, 403) or rule.endpoint in JUDGED_BY_TARGET
    else:
        assert str(answer.status_code) == wanted
