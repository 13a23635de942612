"""What a page may cost (DESIGN.md section 11): the gate's statement and its list's, never more than four, no writes."""

import pytest
from sqlalchemy import text

from models import db
from tests.doors import door_id, routes, shows

MOST = 4
COSTS = {
    "/orgs/northfield/people": 2,  # the gate and one list: the pages of every day
    "/orgs/northfield/people/invitations": 2,
    "/orgs/northfield/projects": 2,
    "/account": 1,  # the gate alone
    "/account/security": 3,  # and the second step of logging in, and passkeys
    "/orgs/new": 1,
}
NONE = ["/", "/login", "/signup", "/forgot-password", "/healthz"]


@pytest.mark.parametrize("rule", [rule for rule in routes() if shows(rule)], ids=door_id)
def test_no_page_takes_more_than_four_statements_or_writes(rule, northfield, url_of, browser, statements):
    amara, url = browser(northfield.owner), url_of(rule)
    with statements() as sent:
        amara.get(url)
    assert len(sent) <= MOST, sent
    assert not sent.writes
    assert sent.transactions == 0


@pytest.mark.parametrize(("url", "cost"), COSTS.items())
def test_a_page_is_the_gate_and_its_list(url, cost, northfield, browser, statements):
    amara = browser(northfield.owner)
    with statements() as sent:
        assert amara.get(url).status_code == 200
    assert len(sent) == cost
    assert "FROM gate_sessions" in sent[0]


@pytest.mark.parametrize("url", NONE)
def test_a_visitor_costs_the_database_nothing(url, browser, statements):
    visitor = browser()
    with statements() as sent:
        assert visitor.get(url).status_code == 200
    assert not sent


def test_reading_keeps_the_prepared_statements(app_with, northfield, browser):
    """psycopg drops them all at every ROLLBACK, which is how the usual read request ends."""
    app = app_with(database_pool=1)
    amara = browser(northfield.owner, app=app)
    for _ in range(3):
        amara.get("/orgs/northfield/people")
    kept = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE :like")
    with app.app_context():
        assert db.session.scalar(kept, {"like": "%FROM gate_sessions%"}) == 1
