"""Once a demotion, removal or deletion is answered, nothing that begins later succeeds with the old right (P4)."""

import logging
import random
import threading
import time
from itertools import cycle, islice
from typing import NamedTuple

import pytest

from runtime.sessions import PostgresSessions
from tests.access.conftest import id_of
from tests.access.model import ADMIN, OPERATOR, OWNER, VIEWER, Organization, Project
from tests.factories import PASSWORD

log = logging.getLogger("freehold.proofs")  # shown with --log-cli-level=INFO

START = {
    "north": Organization(
        {"amara": OWNER, "sven": ADMIN, "hana": VIEWER, "kofi": VIEWER},
        {"atlas": Project(rows={"hana": OPERATOR}), "borealis": Project(True, rows={"lena": OPERATOR})},
    )
}
EACH = 2  # requests of each kind that begin after the answer
PATIENCE = 30  # seconds, after which something hangs


class Race(NamedTuple):
    """Somebody uses a right while Amara takes it away."""

    who: str
    use: tuple[str, dict[str, str] | None]  # an address below /orgs/north, and what is posted
    end: tuple[str, dict[str, str]]  # by Amara


def races(users):
    """The rights, and how each comes to its end."""
    member, project = f"/people/{id_of('north', 'sven')}", f"/projects/{id_of('north', 'atlas')}"
    secret = f"/projects/{id_of('north', 'borealis')}"
    hana, lena = f"{project}/access/{users['hana'].id}/remove", f"{secret}/access/{users['lena'].id}/remove"
    demoted, removed = (f"{member}/role", {"role": "VIEWER"}), (f"{member}/remove", {})
    edited = {"name": "atlas", "description": "Edited"}
    return [
        Race("sven", ("/people/invitations", None), demoted),
        Race("sven", (f"/people/{id_of('north', 'kofi')}/role", {"role": "OPERATOR"}), demoted),
        Race("sven", ("/people", None), removed),
        Race("sven", (f"{project}/edit", edited), removed),
        Race("hana", (f"{project}/edit", edited), (hana, {})),
        Race("lena", (secret, None), (lena, {})),
        Race("hana", ("/people", None), ("/settings/delete", {"confirm": "north", "current_password": PASSWORD})),
    ]


class Track:
    """Runs one race at a time, and remembers each request: when it began, and whether it was done."""

    def __init__(self, people, lay):
        self.people, self.lay = people, lay
        self.tokens = {who: browser.token() for who, browser in people.items()}

    def ask(self, who, address, fields):
        client, url = self.people[who].app.test_client(), f"/orgs/north{address}"
        client.set_cookie("session", self.people[who].cookie("session"))
        client.set_cookie("visitor", self.people[who].cookie("visitor"))
        if fields is None:
            return client.get(url).status_code
        return client.post(url, data={"csrf_token": self.tokens[who], **fields}).status_code

    def run(self, race, delay):
        """Return (how many succeeded before the answer, how many of those that began after it)."""
        self.lay(START)
        used, answered, ready = [], threading.Event(), threading.Barrier(3)

        def use():
            ready.wait(PATIENCE)
            after = 0
            while after < EACH:
                late = answered.is_set()  # looked at before the request begins
                used.append((late, self.ask(race.who, *race.use)))
                after += late

        threads = [threading.Thread(target=use) for _ in range(2)]
        for thread in threads:
            thread.start()
        ready.wait(PATIENCE)
        time.sleep(delay)  # not to wait for anything: the end comes at another moment of the requests each time
        try:
            assert self.ask("amara", *race.end) == 303
        finally:
            answered.set()
            for thread in threads:
                thread.join(PATIENCE)
        statuses = [status for _, status in used]
        assert set(statuses) <= {200, 303, 403, 404}, statuses
        return tuple(sum(late is when and status < 400 for late, status in used) for when in (False, True))


@pytest.fixture
def track(people, lay):
    return Track(people, lay)


def run_all(track, users, number):
    """Run so many races; returns how often an old right worked: before its end, and after."""
    chance, before, after = random.Random(number), 0, 0
    for race in islice(cycle(races(users)), number):
        early, late = track.run(race, chance.uniform(0, 0.02))
        before, after = before + early, after + late
    log.info("%d races: the right worked %d times before its end, %d times after", number, before, after)
    return before, after


def test_no_right_outlives_its_end(track, users):
    before, after = run_all(track, users, 200)
    assert after == 0
    assert before > 200


@pytest.mark.long
def test_no_right_outlives_its_end_in_five_thousand_races(track, users):
    before, after = run_all(track, users, 5_000)
    assert after == 0
    assert before > 5_000


def test_a_role_that_is_remembered_for_a_moment_is_noticed(track, users, monkeypatch):
    """The control: an application that keeps who somebody is for half a second."""
    load, kept = PostgresSessions.load, {}

    def remembers(self, session, slug):
        when, found = kept.get((session.sid, slug), (0.0, None))
        if found is None or time.monotonic() > when + 0.5:
            when, found = kept[session.sid, slug] = time.monotonic(), load(self, session, slug)
        return found

    monkeypatch.setattr(PostgresSessions, "load", remembers)
    _, after = run_all(track, users, 14)
    assert after
