"""Too many attempts: the same words as a page and as a note, and a time."""

import re
from datetime import UTC, datetime

import pytest
from flask import abort
from werkzeug.exceptions import TooManyRequests

from blueprints.gate import public
from blueprints.limits import try_again

NOON = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)


def stop(words=None):
    raise TooManyRequests(words, retry_after=540)


@pytest.fixture
def visitor(app_with, browser):
    """A visitor of an application with three routes that answer 429."""
    app = app_with()
    for name, view in {"timed": stop, "told": lambda: stop("One <b>a day."), "bare": lambda: abort(429)}.items():
        app.add_url_rule(f"/{name}", name, public(view))
    return browser(app=app)


@pytest.mark.parametrize("hx", [True, False])
@pytest.mark.parametrize(("url", "words"), [("/timed", ""), ("/told", "One &lt;b&gt;a day. ")])
def test_the_time_is_told_and_sent(visitor, url, words, hx):
    answer = visitor.get(url, hx=hx)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "540")
    assert "Too many attempts" in answer.text
    assert re.search(rf">\s*{words}Try again after \d\d:\d\d UTC \(in 9 minutes\)\. Nothing was lost\.", answer.text)
    assert answer.headers.get("HX-Retarget") == ("#notices" if hx else None)


def test_without_a_time_there_are_words(visitor):
    answer = visitor.get("/bare")
    assert answer.status_code == 429
    assert "Wait a little, then try again. Nothing was lost." in answer.text


@pytest.mark.parametrize(
    ("referrer", "leads_to"),
    [
        ("http://localhost/signup?next=/orgs", "/signup"),
        ("http://evil.example/orgs", "/orgs"),  # only ever a path of ours
        ("http://evil.example//evil.example/", "/login"),
        ("javascript:alert(1)", "/login"),
        ("http://[", "/"),  # which urlsplit() cannot read
        ("", "/login"),
    ],
)
def test_the_way_back_stays_here(visitor, referrer, leads_to):
    page = visitor.get("/timed", headers={"Referer": referrer}).text.partition("<main")[2]
    assert re.search(r'href="([^"]*)"', page)[1] == leads_to


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (1, "Try again after 12:01 UTC (in less than a minute)."),
        (60, "Try again after 12:01 UTC (in 1 minute)."),
        (61, "Try again after 12:02 UTC (in 1 minute)."),
        (24 * 3600 - 1, "Try again after 12:00 UTC (in 24 hours)."),
    ],
)
def test_the_minute_is_never_too_early(seconds, says):
    assert try_again(seconds, NOON) == says
