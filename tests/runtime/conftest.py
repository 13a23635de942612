"""What the tests of mail share: an application that sends it, and the rows that it sends."""

import pytest

from models import Invitation, Role, transaction
from models.text import address
from tests.runtime.mail_server import free_port


@pytest.fixture
def port():
    """Where the mail server of a test listens."""
    return free_port()


@pytest.fixture
def sender(app_with, port):
    """The application, with that server as its SMTP_URL."""
    return app_with(smtp_url=f"smtp://127.0.0.1:{port}")


@pytest.fixture
def invite(app, northfield):
    """invite(n) -> queues the mails of n invitations in one transaction."""

    def queue(count=1, name="ana"):
        with northfield.inside(app), transaction():
            for number in range(count):
                to = address(f"{name}{number}@example.com")
                Invitation.issue(northfield.organization.id, to, Role.VIEWER, northfield.owner.id)

    return queue


@pytest.fixture
def rows(query):
    """rows("state", "last_error") -> those columns of all mails, oldest first."""
    return lambda *columns: query(f"SELECT {', '.join(columns)} FROM outgoing_mail ORDER BY id")


@pytest.fixture
def make_due(query):
    return lambda: query("UPDATE outgoing_mail SET due_at = clock_timestamp()")
