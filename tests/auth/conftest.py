"""Those who have an account, invitations to join, and those who open them."""

import pytest

from models import Invitation, OrganizationMember, Role, User, db, transaction
from models.invitation import COPIED, MAILED
from models.text import address
from tests.factories import make_user

NEW = "ana.silva@example.com"


@pytest.fixture
def hana(app):
    """Hana Reyes, with an account and PASSWORD."""
    with app.app_context():
        return make_user("Hana Reyes")


@pytest.fixture
def invite(app, northfield):
    """invite(email) -> the path of its link; copied=True for one that was copied by hand."""

    def issue(email=NEW, role=Role.OPERATOR, by=None, *, copied=False, message=""):
        sender = by or northfield.owner
        with northfield.inside(app), transaction():
            row = Invitation.issue(northfield.organization.id, address(email), role, sender.id, message)
            return f"/invitations/{row.link_text(COPIED if copied else MAILED)}"

    return issue


@pytest.fixture
def opened(browser, invite):
    """opened(user) -> a browser that opened a link to NEW; further arguments are invite()'s."""

    def visit(user=None, *, app=None, **how):
        asking = browser(user, app=app) if app else browser(user)
        asking.get(invite(**how))
        return asking

    return visit


@pytest.fixture
def account(app):
    """account(name, email) -> somebody with an account and PASSWORD."""

    def make(name="Ana Silva", email=NEW):
        with app.app_context():
            return make_user(name, email)

    return make


@pytest.fixture
def membership(app, northfield):
    """membership(email) -> the role in Northfield of the account with that address; None without."""

    def find(email=NEW):
        with northfield.inside(app):
            mine = User.id == OrganizationMember.user_id
            here = OrganizationMember.organization_id == northfield.organization.id
            return db.session.scalar(
                db.select(OrganizationMember.role).join(User, mine).where(here, User.email_key == email)
            )

    return find
