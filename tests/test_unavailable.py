"""What people see while the database is away (UX.md check 29): at once, and without asking it."""

import threading
import time

import pytest
from sqlalchemy import event

from app import create_app
from config import Settings
from models import db
from tests.browser_like import HX
from tests.runtime.delivery import eventually

QUICK, WITHIN = 0.1, 2.0  # seconds


@pytest.fixture
def cut_off(tmp_path):
    """The application, with a database whose socket does not exist."""
    url = f"postgresql://nobody@/none?host={tmp_path}"
    return create_app(Settings(database_url=url, secret_key="x" * 40, mail_worker=False)).test_client()


def quickest(ask):
    """The answer, and the seconds it took at best: other tests keep the machine busy."""
    taken, answer = [], None
    for _ in range(5):
        began = time.perf_counter()
        answer = ask()
        taken.append(time.perf_counter() - began)
    return answer, min(taken)


def test_a_page_says_so_at_once(cut_off):
    cut_off.set_cookie("session", "somebody")
    answer, seconds = quickest(lambda: cut_off.get("/orgs/northfield/people"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.text.count("<h1>") == 1
    assert "Freehold cannot answer right now" in answer.text
    assert seconds < QUICK


def test_a_fragment_says_so_in_a_toast(cut_off):
    cut_off.set_cookie("session", "somebody")
    answer, seconds = quickest(lambda: cut_off.get("/orgs/northfield/people", headers=HX))
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (503, "#toasts")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<html" not in answer.text
    assert "We cannot answer right now" in answer.text
    assert seconds < QUICK


@pytest.fixture
def owner_on(app_with, line, browser, northfield):
    """The Owner's browser, on that line."""
    return browser(northfield.owner, app=app_with(database_url=line.url))


PEOPLE, PROJECTS = "/orgs/northfield/people", "/orgs/northfield/projects"


def told(ask):
    """The status, and the seconds it took."""
    began = time.monotonic()
    return ask().status_code, time.monotonic() - began


def test_a_database_that_stands_still_keeps_nobody_waiting(owner_on, line):
    """Neither whose statement is under way, nor whoever comes after; and all is well as soon as it goes on."""
    goes_on = threading.Event()
    assert owner_on.get(PEOPLE).status_code == 200
    line.heed = lambda _: goes_on.wait(3 * WITHIN)
    status, seconds = told(lambda: owner_on.get(PEOPLE))
    assert (status, seconds < WITHIN) == (503, True)
    status, seconds = told(lambda: owner_on.get(PEOPLE))
    assert (status, seconds < QUICK * 5) == (503, True)
    goes_on.set()
    eventually(lambda: owner_on.get(PEOPLE).status_code == 200)


def test_a_slow_statement_is_waited_for(owner_on):
    """Where the database gives connections, it is at work, and asking it harms nothing."""
    with owner_on.app.app_context():
        assert db.session.scalar(db.text("SELECT pg_sleep(2) IS NOT NULL"))


def test_a_database_that_hangs_up_on_everybody_is_away(app_with, browser, northfield, query):
    """The pool tries twice, and then has words of its own for it."""
    app = app_with()
    cookie = browser(northfield.owner).cookie("session")
    with app.app_context():
        hang_up = "SELECT pg_terminate_backend(%(pid)s, 1000)"
        event.listen(db.engine, "connect", lambda made, _: query(hang_up, pid=made.info.backend_pid))
    here = browser(app=app)
    here.client.set_cookie("session", cookie)
    answer = here.get(PEOPLE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_a_database_that_only_reads_shows_pages_and_takes_nothing(app_with, browser, northfield, query):
    """As after a failover to a standby, or when an operator said so."""
    database = query("SELECT current_database()")[0][0]
    there = browser(northfield.owner)
    here = browser(app=app_with())
    here.client.set_cookie("session", there.cookie("session"))
    query("UPDATE sessions SET last_seen_at = now() - interval '1 hour'")  # which a page would keep
    query(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
    try:
        assert here.get(PEOPLE).status_code == 200
        for url, fields in ((f"{PROJECTS}/new", {"name": "Quay", "access": "organization"}), ("/logout", {})):
            answer = here.post(url, **fields)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    finally:
        query(f'ALTER DATABASE "{database}" RESET default_transaction_read_only')
    assert there.get(PEOPLE).status_code == 200
