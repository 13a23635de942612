"""A connection that breaks at any statement of a change: all of it is there or nothing, and no success was claimed.

The light one of `python -m bench.faults worker`, which kills a worker before each message of a dozen forms.
"""

import pytest

from models import db
from tests.between import Cut
from tests.test_once import BUTTONS, EFFECTS, Stage

FORMS = ("orgs.new", "orgs.invitations.new", "auth.accept_invitation")


@pytest.fixture
def stage(app_with, line, northfield, browser):
    """What the forms need, in an application on that line."""
    app = app_with(database_url=line.url)
    yield Stage(app, northfield, lambda user=None: browser(user, app=app))
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def effects(query):
    """effects() -> how many there are of all that these forms can add or end; sessions begin when they are done."""
    counted = [*(name for name in EFFECTS if name not in ("sessions", "audit_events")), "organization_members"]
    more = ("audit_events WHERE action NOT LIKE 'session.%%'", "invitations WHERE accepted_at IS NOT NULL")
    counts = ", ".join(f"(SELECT count(*) FROM {what})" for what in (*counted, *more))
    return lambda: query(f"SELECT {counts}")[0]


def breaks_at(line, number):
    """Hang up at the so-manyth statement; return whose turn it is, once it has been it."""
    sent = []

    def heed(message):
        if message[:1] in b"QS":
            sent.append(message)
        if len(sent) >= number:
            raise Cut

    line.heed = heed
    return sent


@pytest.mark.parametrize("endpoint", FORMS)
def test_a_change_is_whole_or_not_at_all(endpoint, stage, line, effects, query):
    press = next(press for press in BUTTONS if press.endpoint == endpoint)
    someone = stage.set(press)
    before, seen, number, answer = effects(), set(), 0, None
    stage.app.logger.disabled = True
    while answer is None or answer.status_code == 503:
        query("DELETE FROM rate_limits")
        sent = breaks_at(line, number + 1)
        answer = stage.press(someone, press, idem="a")
        number = len(sent) or number  # nothing is sent where it breaks only now that the last one broke
        seen.add(effects())
    assert number > 4
    assert answer.status_code < 400
    assert before in seen
    assert seen == {before, effects()}
