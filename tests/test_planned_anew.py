"""A statement that joins an organization's people with themselves is planned for the organization it reads."""

import pytest
from sqlalchemy import text

from models import db, tenant

MODE = text("SELECT current_setting('plan_cache_mode')")


@pytest.fixture
def inside(app, northfield):
    with app.app_context():
        tenant.enter(northfield.organization.id)
        yield


def test_what_is_read_inside_is_planned_anew_and_nothing_after_it(inside):
    with tenant.planned_anew():
        assert db.session.scalar(MODE) == "force_custom_plan"
    assert db.session.scalar(MODE) == "force_generic_plan"


def test_a_failure_inside_leaves_nothing_behind(inside):
    with pytest.raises(ZeroDivisionError), tenant.planned_anew():
        raise ZeroDivisionError
    assert db.session.scalar(MODE) == "force_generic_plan"
    db.session.commit()
    assert db.session.scalar(MODE) == "force_generic_plan"


def test_the_rows_are_the_tenants_as_everywhere(inside, query):
    with tenant.planned_anew():
        seen = db.session.scalar(text("SELECT count(*) FROM organization_members"))
    assert [(seen,)] == query(
        "SELECT count(*) FROM organization_members m JOIN organizations o ON o.id = m.organization_id"
        " WHERE o.slug = 'northfield'"
    )
