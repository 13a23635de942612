"""What the tests of the audit log share."""

from collections.abc import Callable
from typing import Any

import pytest

from models import Invitation, Role, db, transaction
from models.text import address

ALL = "SELECT * FROM audit_events WHERE id > %(last)s ORDER BY chain, seq"
NEVER = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def news(app, query) -> Callable[[], list[Any]]:
    """news() -> the events since it was last asked; the first time, all."""
    seen = [NEVER]

    def since() -> list[Any]:
        found = query(ALL, last=seen[0])
        seen[0] = str(max([seen[0], *(str(row.id) for row in found)]))
        return found

    return since


@pytest.fixture
def invited(app, northfield):
    """invited("ana@example.org", project=None, by="owner") -> the id of a pending invitation to Northfield."""

    def invite(email, project=None, by="owner", role=Role.VIEWER):
        here, sender = northfield.organization.id, northfield.person(by).id
        with northfield.inside(app), transaction():
            return Invitation.issue(here, address(email), role, sender, "", project.id if project else None).id

    return invite


@pytest.fixture
def link_of(app, northfield):
    """link_of(invitation_id) -> the path of the link that was mailed."""

    def path(invitation_id, purpose="invitation-mailed"):
        with northfield.inside(app):
            return f"/invitations/{db.session.get_one(Invitation, invitation_id).link_text(purpose)}"

    return path
