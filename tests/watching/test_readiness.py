"""/readyz: whether the host can serve, and in plain words why not."""

import re
import threading
import time

import pytest
from sqlalchemy import text

from app import create_app
from blueprints.errors import RETRY_AFTER
from config import Settings
from models import OutgoingMail, db, transaction
from runtime import readiness

BEYOND = 1.0  # seconds that a busy machine may add


@pytest.fixture
def ready(app):
    """ready() -> the status, and the checks by name."""

    def ask(app=app):
        answer = app.test_client().get("/readyz")
        assert answer.json["status"] == ("ready" if answer.status_code == 200 else "not ready")
        assert answer.headers.get("Retry-After") == (None if answer.status_code == 200 else RETRY_AFTER)
        return answer.status_code, answer.json["checks"]

    return ask


def test_a_host_that_is_well_says_so_of_each_check(ready, statements):
    ready()  # the first connection asks for more
    with statements() as sent:
        status, checks = ready()
    assert (status, len(sent)) == (200, 3)
    assert {name: check["state"] for name, check in checks.items()} == dict.fromkeys(readiness.CHECKS, "ok")
    assert re.search(r"revision \d{4}, and this code needs", checks["schema"]["reason"])


def test_the_revision_that_is_there_and_the_one_that_is_needed_are_named(ready, query):
    ((head,),) = query("SELECT version_num FROM alembic_version")
    query("UPDATE alembic_version SET version_num = '0002'")
    try:
        status, checks = ready()
    finally:
        query("UPDATE alembic_version SET version_num = %(head)s", head=head)
    assert (status, checks["schema"]["state"]) == (503, "failing")
    assert checks["schema"]["reason"] == f"The database is at revision 0002; this code needs {head}."


def test_a_database_that_can_only_be_read_is_not_ready(ready, app_with, query):
    ((name,),) = query("SELECT current_database()")
    query(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        status, checks = ready(app_with())
    finally:
        query(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert (status, checks["database"]["state"]) == (503, "failing")
    assert "can only be read" in checks["database"]["reason"]


def test_a_database_that_is_away_is_said_to_be_and_nothing_of_its_address(ready, tmp_path):
    url = f"postgresql://somebody:hidden@/none?host={tmp_path}"
    status, checks = ready(create_app(Settings(database_url=url, secret_key="x" * 40, mail_worker=False)))
    assert (status, list(checks)) == (503, ["database"])
    assert checks["database"] == {"state": "failing", "reason": "The database cannot be reached."}


def test_a_database_that_hangs_is_waited_for_no_longer_than_that(ready, app, owner, monkeypatch, somebody_waits):
    monkeypatch.setattr(readiness, "PATIENCE", 0.3)
    with owner.transaction():
        owner.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        answers = [ready() for _ in range(3)]
        taken = time.monotonic() - began
    assert {(status, checks["schema"]["reason"]) for status, checks in answers[:1]} == {
        (503, "The database did not answer within 0.3 seconds.")
    }
    assert {status for status, _ in answers} == {503}
    assert taken < 3 * 0.3 + BEYOND
    app.extensions["readiness"]._looking.submit(int).result(5)  # what hung has ended
    monkeypatch.setattr(readiness, "PATIENCE", 5.0)
    assert ready()[0] == 200
    assert len(app.extensions["readiness"]._looking._threads) == 1


def test_a_pool_with_nothing_free_is_said_to_be(ready, app_with):
    app = app_with(database_pool=1)
    with app.app_context(), db.engine.connect() as taken:
        taken.execute(text("SELECT 1"))
        status, checks = ready(app)
    assert (status, checks["database"]["reason"]) == (503, "No database connection was free.")


def test_mail_that_is_late_is_told_and_takes_no_host_away(ready, app, northfield, query):
    with app.app_context(), transaction():
        OutgoingMail.queue("reset_password", northfield.owner.id)
    assert ready()[1]["mail"]["state"] == "ok"
    query("UPDATE outgoing_mail SET created_at = now() - interval '7 minutes'")
    status, checks = ready()
    assert (status, checks["mail"]["state"]) == (200, "warning")
    assert checks["mail"]["reason"].startswith("Mail has waited for 7 minutes: nothing delivers it")
    query("UPDATE outgoing_mail SET last_error = '550 no such user amara@example.org'")
    status, checks = ready()
    assert (status, checks["mail"]["state"]) == (200, "warning")
    assert checks["mail"]["reason"] == (
        "Mail has waited for 7 minutes: the mail server refuses it, or cannot be reached."
    )


def test_a_mail_worker_that_ended_is_told(ready, app, monkeypatch):
    monkeypatch.setitem(app.extensions, "mail", threading.Thread())
    status, checks = ready()
    assert (status, checks["mail"]) == (
        200,
        {"state": "warning", "reason": "The mail worker of this process has ended. Restart it."},
    )


def test_healthz_is_alive_whatever_becomes_of_the_database(tmp_path, statements):
    url = f"postgresql://nobody@/none?host={tmp_path}"
    client = create_app(Settings(database_url=url, secret_key="x" * 40, mail_worker=False)).test_client()
    with statements() as sent:
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json, len(sent)) == (200, {"status": "alive"}, 0)
