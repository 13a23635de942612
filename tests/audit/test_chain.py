"""The chain itself: it cannot fork, skip, be changed or hold what its bytes could not say."""

import json
import random
import threading
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models import AuditEvent, db, tenant, transaction
from models.audit import Asking, begin, note
from models.audit.actions import ACCOUNT_RENAMED, ORGANIZATION_RENAMED, declare
from models.audit.canonical import COLUMNS, is_right

WRITERS, APPENDS = 8, 25


def append(*chains, **facts):
    """Note one event in each of some organizations' chains, in one transaction."""
    chains = tuple(chains)
    with transaction() as done:
        tenant.enter(*chains)
        for chain in chains:
            note(ORGANIZATION_RENAMED, organization_id=chain, **facts)
    return done.at


@pytest.mark.usefixtures("context")
def test_outside_of_a_transaction_nothing_can_be_noted():
    with pytest.raises(RuntimeError, match="transaction"):
        note(ACCOUNT_RENAMED, user_id=uuid4())


def test_an_action_is_declared_once():
    with pytest.raises(ValueError, match="twice"):
        declare("account.renamed", "", "")


@pytest.mark.usefixtures("context")
def test_an_event_belongs_to_one_log():
    with pytest.raises(IntegrityError), transaction():
        note(ACCOUNT_RENAMED)
    tenant.enter(here := uuid4())
    with pytest.raises(IntegrityError), transaction():
        note(ACCOUNT_RENAMED, user_id=uuid4(), organization_id=here)


@pytest.mark.usefixtures("context")
def test_nobody_writes_into_the_log_of_an_organization_that_was_not_entered():
    with pytest.raises(RuntimeError, match="Enter the organization"), transaction():
        note(ORGANIZATION_RENAMED, organization_id=uuid4())


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize("fact", [{}, {"a": 1}, [], [1], [[]]])
def test_facts_are_flat(fact):
    with pytest.raises(IntegrityError), transaction():
        note(ACCOUNT_RENAMED, user_id=uuid4(), before={"fact": fact})


@pytest.mark.parametrize("rounds", [1, 2])
def test_writers_at_once_make_one_gapless_chain(rounds, app, query):
    """In the second round each writes to two chains, in the opposite order to its neighbour."""
    chains, failures = [uuid4() for _ in range(rounds)], []
    start = threading.Barrier(WRITERS)

    def write(number):
        start.wait()
        try:
            for _ in range(APPENDS):
                with app.app_context():
                    append(*(chains if number % 2 else reversed(chains)))
        except Exception as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    for chain in chains:
        rows = query("SELECT seq, prev, hash FROM audit_events WHERE chain = %(chain)s ORDER BY seq", chain=chain)
        assert [row.seq for row in rows] == list(range(1, WRITERS * APPENDS + 1))
        assert [bytes(row.prev) for row in rows] == [bytes(32), *(bytes(row.hash) for row in rows[:-1])]
        head = query("SELECT seq, hash FROM audit_heads WHERE chain = %(chain)s", chain=chain)[0]
        assert tuple(head) == (rows[-1].seq, rows[-1].hash)


@pytest.mark.usefixtures("context")
def test_time_never_goes_back(query):
    chain = uuid4()
    append(chain)
    query("ALTER TABLE audit_events DISABLE TRIGGER USER")
    query("UPDATE audit_events SET created_at = now() + interval '1 hour' WHERE chain = %(chain)s", chain=chain)
    query("ALTER TABLE audit_events ENABLE TRIGGER USER")
    append(chain)
    times = query("SELECT created_at FROM audit_events WHERE chain = %(chain)s ORDER BY seq", chain=chain)
    assert times[0] == times[1]


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_events SET ip = NULL", "DELETE FROM audit_events", "TRUNCATE audit_events"]
)
def test_nobody_changes_or_deletes_events(statement, northfield, query):
    before = query("SELECT * FROM audit_events ORDER BY id")
    with pytest.raises(Exception, match="never changed or deleted"):
        query(statement)
    assert query("SELECT * FROM audit_events ORDER BY id") == before
    assert before


def test_a_table_of_the_callers_does_not_stand_in_for_ours(northfield, owner):
    """Whoever may make temporary tables could else show the triggers a tombstone of their own."""
    owner.execute("CREATE TEMPORARY TABLE audit_tombstones AS SELECT DISTINCT chain FROM audit_events")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
        owner.execute("DELETE FROM audit_events")
    owner.execute("DROP TABLE pg_temp.audit_tombstones")


TEXTS = ["", "é", "光線", "\U0001f6a2", '"', "\\", "a\tb", "'; --", "=1", "x" * 300, "\u202e", "null", "0"]
NUMBERS = [0, -1, 7, 2**63, 10**40, 1.5, -0.25, 1e20, 1.0]


def facts(source):
    """Some facts that are hard to write in one way only."""
    values = [None, True, False, *TEXTS, *NUMBERS]
    names = ["b", "a", "B", "aa", "é", "ä", "光", "\U0001f6a2", "\ufffd", "", "z-", "z_", "1"]
    return {name: source.choice(values) for name in source.sample(names, source.randint(0, 8))}


@pytest.mark.usefixtures("context")
def test_python_and_the_database_hash_the_same_bytes():
    source, chain = random.Random(4711), uuid4()
    for number in range(150):
        begin(Asking(uuid4(), source.choice([None, "192.0.2.7", "2001:db8::1", "::ffff:10.0.0.1"]), f"{number:x}"))
        some = source.choice([None, uuid4()])
        append(chain, subject=some, project_id=some, before=facts(source), after=source.choice([None, facts(source)]))
    tenant.enter(chain)
    rows = db.session.execute(select(*COLUMNS).where(AuditEvent.chain == chain)).all()
    assert len(rows) == 150
    assert all(map(is_right, rows))


@pytest.mark.usefixtures("context")
def test_a_callers_own_hash_number_and_time_are_not_taken(query):
    chain = uuid4()
    forged = {"action": "x", "organization_id": str(chain), "seq": 7, "hash": "\\x00", "created_at": "2001-01-01"}
    query("SELECT record_audit(%(events)s::jsonb)", events=json.dumps([forged]))
    row = query("SELECT * FROM audit_events WHERE chain = %(chain)s", chain=chain)[0]
    assert (row.seq, row.created_at.year > 2001, len(row.hash)) == (1, True, 32)
