"""Nobody learns or changes anything of a tenant that is not theirs (PROMISES.md P1, P2, G1, G3).

Every route is asked with each of its ids, and with each name that a query, a form or a header could carry, from another
tenant; and again from one that never existed. Both answers must be the same, byte for byte, but for what was sent.
"""

import logging

import pytest
from flask import abort

import access
from blueprints.gate import requires
from tests.access.isolation import PRINCIPALS, Isolation
from tests.access.tenants import A, B
from tests.doors import door_id, routes

log = logging.getLogger("freehold.proofs")  # shown with --log-cli-level=INFO

# Development's own pages show this machine's mail to this machine, and are not there in production.
RULES = [rule for rule in routes() if not rule.endpoint.startswith("dev.")]
NOT_FOR_OWNERS = {"orgs.settings.accept_transfer": "viewer", "orgs.settings.decline_transfer": "viewer"}
FEW = [("owner", B, A), ("former", A, B)]


@pytest.fixture
def isolation(app, query):
    made = Isolation(app, query)
    yield made
    log.info("%d requests", made.asked)


@pytest.mark.parametrize("rule", RULES, ids=door_id)
def test_no_route_tells_or_changes_anything_of_another_tenant(rule, isolation):
    for who, mine, theirs in FEW:
        isolation.probe(rule, who, mine, theirs, apart=False)


@pytest.mark.long
@pytest.mark.parametrize("who", PRINCIPALS)
@pytest.mark.parametrize("rule", RULES, ids=door_id)
def test_nobody_is_told_or_changes_anything_by_any_name_alone(rule, who, isolation):
    for mine, theirs in ((A, B), (B, A)):
        isolation.probe(rule, who, mine, theirs, apart=True)


@pytest.mark.parametrize("rule", [rule for rule in RULES if "slug" in rule.arguments], ids=door_id)
def test_the_same_requests_reach_what_is_ones_own(rule, isolation):
    """What was refused above was refused for whose it is. An Owner of one's own tenant meets a form, or is done."""
    who = NOT_FOR_OWNERS.get(rule.endpoint, "owner")
    for method in {"GET", "POST"} & rule.methods:
        assert isolation.answer(rule, method, who, A, B, {}).status in (200, 303, 422)


# --- the controls: each fault is noticed, for what it is ----------------------------------------------------------

FOUND, ARCHIVED = (
    "SELECT * FROM projects WHERE id = %(id)s",
    "UPDATE projects SET archived_at = now() WHERE id = %(id)s",
)
FAULTS = {
    "it tells": (FOUND, lambda found: found.name, "in Answer"),
    "it differs": (FOUND, lambda _found: abort(403), "can be told apart"),
    "it changes": (f"{ARCHIVED} RETURNING *", lambda _found: abort(404), "was changed"),
}


@pytest.mark.parametrize(("finds", "view", "noticed"), FAULTS.values(), ids=FAULTS)
def test_a_finder_that_forgets_the_tenant_is_noticed(finds, view, noticed, isolation, app, query, monkeypatch):
    def forgetful(project_id):
        rows = query(finds, id=project_id)
        return (rows[0],) if rows else abort(404)

    monkeypatch.setitem(app.view_functions, "projects.archive", requires(access.SEE_ORGANIZATION, on=forgetful)(view))
    [rule] = [rule for rule in RULES if rule.endpoint == "projects.archive"]
    with pytest.raises(AssertionError, match=noticed):
        isolation.probe(rule, "owner", B, A, apart=False)
