"""What people see while the database is away (UX.md check 29): at once, and without asking it."""

import time

import pytest

from app import create_app
from config import Settings
from tests.browser_like import HX

QUICK = 0.1  # seconds


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
