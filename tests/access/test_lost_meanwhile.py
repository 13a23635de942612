"""A right, or the thing itself, that is lost between two statements of one request is a refusal, and no fault (G1)."""

import pytest
from sqlalchemy import event

from models import db
from tests.access.isolation import FORM
from tests.doors import door_id, routes

LOSSES = {
    "the membership": """WITH gone AS (DELETE FROM project_members WHERE user_id = %(me)s)
                         DELETE FROM organization_members WHERE user_id = %(me)s""",
    "the role": "UPDATE organization_members SET role = 'VIEWER' WHERE user_id = %(me)s",
    "the way in": """WITH closed AS (UPDATE projects SET access = 'restricted' WHERE organization_id = %(here)s)
                     UPDATE organization_members SET role = 'VIEWER' WHERE user_id = %(me)s""",
    "the project": "DELETE FROM projects WHERE organization_id = %(here)s",
    "the people": "DELETE FROM organization_members WHERE organization_id = %(here)s AND role <> 'OWNER'",
    "the organization": "UPDATE organizations SET deleted_at = now() WHERE id = %(here)s",
}
ROUTES = [rule for rule in routes() if "slug" in rule.arguments]
PAGES, BUTTONS = ([rule for rule in ROUTES if method in (rule.methods or ())] for method in ("GET", "POST"))
LAST = 6  # statements: a page has four (tests/test_budget.py), and what comes after a lock is safe by it


@pytest.fixture
def lost_before(app, query):
    """lost_before(n, loss, …): it happens just before the n-th statement of the next request, or the first lock."""
    listening = []

    def arrange(n, loss, **values):
        sent = ["the gate's, which goes past the engine"]

        def count(_connection, _cursor, statement, *_):
            sent.append(statement)
            locks = "FOR NO KEY UPDATE" in statement
            if len(sent) == n or (locks and len(sent) < n):
                sent.extend([""] * LAST)
                query(LOSSES[loss], **values)

        with app.app_context():
            event.listen(db.engine, "before_cursor_execute", count)
            listening.append((db.engine, count))

    yield arrange
    for engine, count in listening:
        event.remove(engine, "before_cursor_execute", count)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rule", PAGES, ids=door_id)
def test_no_page_faults(rule, loss, n, northfield, url_of, browser, lost_before):
    sven, url = browser(northfield.admin), url_of(rule)
    lost_before(n, loss, me=northfield.admin.id, here=northfield.organization.id)
    assert sven.get(url).status_code in (200, 403, 404)


@pytest.mark.long
@pytest.mark.parametrize("n", range(2, LAST))
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rule", BUTTONS, ids=door_id)
def test_no_button_faults(rule, loss, n, northfield, url_of, browser, lost_before):
    sven, url = browser(northfield.admin), url_of(rule)
    form = {**FORM, "confirm": northfield.project.name, "token": sven.token()}
    lost_before(n, loss, me=northfield.admin.id, here=northfield.organization.id)
    assert sven.post(url, **form).status_code in (200, 303, 403, 404, 410, 422)
