"""However many at once would take the Owners away, an organization keeps an active one (PROMISES.md P5).

Only a deadlock or a fault could answer 5xx here. There are fewer connections than requests, and whoever waits for one,
for a lock or for a statement may wait a minute; PostgreSQL itself ends a deadlock after one second.
"""

import logging
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

import models
from models.audit import log as audit_log
from runtime import database
from tests.access.conftest import id_of
from tests.access.model import OWNER, Organization
from tests.access.rows import logged_in
from tests.emptying import keep_directory
from tests.factories import PASSWORD

log = logging.getLogger("freehold.proofs")  # shown with --log-cli-level=INFO

AT_ONCE, CONNECTIONS, MINUTE = 100, 20, 60
OWNERS = ("amara", "ravi", "sven", "kofi", "hana")

TRANSFER, PROOF = "/orgs/north/settings/transfer", {"current_password": PASSWORD}

# What may cost an organization an Owner: name -> (address, fields), of who acts and whom it is about. A line each.
OPERATIONS = {
    "demote": lambda _, target: (f"/orgs/north/people/{id_of('north', target)}/role", {"role": "VIEWER"}),
    "step down": lambda actor, _: (f"/orgs/north/people/{id_of('north', actor)}/role", {"role": "ADMIN"}),
    "remove": lambda _, target: (f"/orgs/north/people/{id_of('north', target)}/remove", {}),
    "leave": lambda *_: ("/orgs/north/settings/leave", {}),
    "delete account": lambda *_: ("/account/delete", {"current_password": PASSWORD}),
    "offer": lambda _, target: (TRANSFER, {"member": id_of("north", target), "role": "VIEWER"} | PROOF),
    "take over": lambda *_: (f"{TRANSFER}/accept", {}),
}
OWNERLESS = """SELECT slug FROM organizations o WHERE deleted_at IS NULL AND NOT EXISTS (
  SELECT FROM organization_members m JOIN users u ON u.id = m.user_id
  WHERE m.organization_id = o.id AND m.role = 'OWNER' AND u.deactivated_at IS NULL)"""


class Crowd:
    """Owners of one organization, and a hundred hands."""

    def __init__(self, app, lay, owners):
        self.app, self.lay, self.owners = app, lay, owners
        self.start, self.hands = Barrier(AT_ONCE), ThreadPoolExecutor(AT_ONCE)
        self.tokens = {who: logged_in(app, who).token() for who in owners}

    def round(self, seed):
        """Everybody at once, each with something else, in an order that the seed chooses; counts (deed, status)."""
        self.lay({"north": Organization(dict.fromkeys(self.owners, OWNER), {})})
        chance = random.Random(seed)
        deeds = [(chance.choice([*OPERATIONS]), *chance.choices(self.owners, k=2)) for _ in range(AT_ONCE)]
        return Counter(self.hands.map(self.act, deeds))

    def act(self, deed):
        name, actor, target = deed
        (url, fields), browser = OPERATIONS[name](actor, target), logged_in(self.app, actor)
        self.start.wait()
        return name, browser.client.post(url, data={"csrf_token": self.tokens[actor], **fields}).status_code


@pytest.fixture
def crowd(app_with, lay, monkeypatch):
    """crowd(owners) -> a Crowd, on an application that is patient (see above)."""
    monkeypatch.setattr(database, "POOL_TIMEOUT", MINUTE)
    for name in ("LOCK_TIMEOUT", "STATEMENT_TIMEOUT", "IDLE_IN_TRANSACTION_TIMEOUT"):
        monkeypatch.setattr(database, name, MINUTE * 1000)
    made = []

    def gather(owners=OWNERS):
        made.append(Crowd(app_with(database_pool=CONNECTIONS, hashing_threads=AT_ONCE), lay, owners))
        return made[-1]

    yield gather
    for one in made:
        one.hands.shutdown()


def hold(crowd, query, rounds):
    """Go through so many rounds; each leaves an Owner, and no answer is a fault."""
    answers, began = Counter(), time.monotonic()
    for seed in range(rounds):
        answers += crowd.round(seed)
        assert query(OWNERLESS) == []
    assert {status for _, status in answers} <= {200, 302, 303, 403, 404, 410, 422}, answers
    done = sum(count for (_, status), count in answers.items() if status == 303)
    assert done >= rounds * (len(OWNERS) - 1), "hardly anything was done"
    # An offer is refused for another reason, too: its nominee is an Owner already.
    refused = {name for name, status in answers if status == 422} - {"offer", "take over"}
    assert refused, "nobody was refused as the last Owner"
    log.info("%d rounds in %d s: %s", rounds, time.monotonic() - began, dict(answers))


def test_an_owner_stays(crowd, query):
    hold(crowd(), query, rounds=4)


@pytest.mark.long
def test_an_owner_stays_for_five_hundred_rounds(crowd, query):
    hold(crowd(), query, rounds=500)


@pytest.fixture
def without_locks(app, query, monkeypatch):
    """The same rule without its locks, and with time between its look and the commit for another to look, too."""
    monkeypatch.setattr(models.Organization, "lock", lambda _self: None)
    monkeypatch.setattr(audit_log, "_recorded", lambda *_: None)  # the head of the log is a lock, too
    [(rule,)] = query("SELECT pg_get_functiondef('keep_an_owner'::regproc)")
    assert "FOR NO KEY UPDATE" in rule
    query(rule.replace("FOR NO KEY UPDATE", "").replace("END $function$", "PERFORM pg_sleep(0.05); END $function$"))
    query(keep_directory("DISABLE"))
    yield
    query(rule)
    query(keep_directory("ENABLE"))


def test_without_the_locks_nobody_stays(crowd, query, without_locks):
    """The control: the rounds above see the fault that the locks exist to avoid."""
    few = crowd(("amara", "ravi"))

    def lost(seed):
        few.round(seed)
        return query(OWNERLESS)

    assert any(lost(seed) for seed in range(20))
