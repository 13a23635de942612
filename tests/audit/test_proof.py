"""`flask audit`: what was changed behind our back is found, whoever did it, up to the last checkpoint."""

import hashlib
import json
import random
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from flask.cli import ScriptInfo
from sqlalchemy import text

from models import AuditEvent, db, tenant, transaction
from models.audit import Asking, begin, bury, note
from models.audit.actions import MEMBER_JOINED, ORGANIZATION_RENAMED, SESSION_BEGAN
from models.audit.canonical import COLUMNS, _bytes
from models.audit.checkpoints import Broken, checkpoints
from models.audit.proof import verify
from models.audit.seal import TOMBSTONE, sign
from runtime.database import as_owner

EVENTS, TRIALS = 12, 200


@pytest.fixture
def chains(context):
    """Three chains of a few events each: two organizations' and an account's; and a checkpoint of all."""
    keys = sorted(uuid4() for _ in range(3))  # checkpoints come in this order: the account’s last
    tenant.enter(*keys[:2])
    for number in range(EVENTS):
        begin(Asking(uuid4(), "192.0.2.1", f"{number:016x}"))
        with transaction():
            for key in keys[:2]:
                action = (MEMBER_JOINED, ORGANIZATION_RENAMED)[number % 2]
                facts = {"name": f"Name {number}", "n": number, "on": True, "none": None}
                note(action, organization_id=key, subject=uuid4(), project_id=uuid4(), before=facts, after=facts)
            note(SESSION_BEGAN, user_id=keys[2], subject=uuid4())
    return keys


@pytest.fixture
def lines():
    """lines() -> the checkpoints of now, as the command prints them."""

    def of_now():
        with as_owner() as connection:
            return [checkpoint.line() for checkpoint in checkpoints(connection)]

    return of_now


def check(lines=()):
    """Verify as the command does."""
    with as_owner() as connection:
        return verify(connection, lines)


class Intruder:
    """Whoever owns the database: no trigger and no constraint is in their way, and they know how hashes are made."""

    def __init__(self, connection):
        self.run = lambda sql, **values: connection.execute(text(sql), values)
        self.run("ALTER TABLE audit_events DISABLE TRIGGER USER")
        ours = (
            "SELECT conname FROM pg_constraint WHERE conrelid = 'audit_events'::regclass AND contype IN ('p', 'u', 'c')"
        )
        for (name,) in self.run(ours).all():
            self.run(f'ALTER TABLE audit_events DROP CONSTRAINT "{name}"')
        self.connection = connection

    def strike(self, kind, chain, seq):
        """Change one chain at one place, in one of the ways of WAYS."""
        getattr(self, kind, self.edit)(kind, chain, seq)

    def edit(self, column, chain, seq):
        """Put something else into one column."""
        values = {
            "id": uuid4(), "chain": uuid4(), "seq": 1000, "organization_id": uuid4(), "user_id": uuid4(),
            "actor_id": uuid4(), "action": "member.left", "subject_id": None, "project_id": uuid4(),
            "before": '{"role": "OWNER"}', "after": None, "ip": "192.0.2.99", "request_id": "f" * 16,
            "prev": bytes(32), "hash": bytes(32),
        }  # fmt: skip
        casts = {"before": "CAST(:value AS jsonb)", "ip": "CAST(:value AS inet)"}
        cast = casts.get(column, ":value")
        self._at(f"UPDATE audit_events SET {column} = {cast}", chain, seq, value=values[column])

    def backdate(self, _kind, chain, seq):
        self._at("UPDATE audit_events SET created_at = created_at - interval '1 day'", chain, seq)

    def infinity(self, _kind, chain, seq):
        self._at("UPDATE audit_events SET created_at = 'infinity'", chain, seq)

    def microsecond(self, _kind, chain, seq):
        self._at("UPDATE audit_events SET created_at = created_at + interval '1 microsecond'", chain, seq)

    def nested(self, _kind, chain, seq):
        self._at("UPDATE audit_events SET before = '[{\"a\": []}]'", chain, seq)

    def same_facts_other_type(self, _kind, chain, seq):
        self._at("UPDATE audit_events SET before = before || jsonb_build_object('n', before ->> 'n')", chain, seq)

    def netmask(self, _kind, chain, seq):
        self._at("UPDATE audit_events SET ip = set_masklen(ip, 24)", chain, seq)

    def delete(self, _kind, chain, seq):
        self._at("DELETE FROM audit_events", chain, seq)

    def delete_and_close_the_gap(self, _kind, chain, seq):
        self.delete(_kind, chain, seq)
        self.run("UPDATE audit_events SET seq = seq - 1 WHERE chain = :chain AND seq > :seq", chain=chain, seq=seq)
        self._rehash(chain)

    def swap(self, _kind, chain, seq):
        other = seq % EVENTS + 1
        self.run(
            "UPDATE audit_events SET seq = :sum - seq WHERE chain = :chain AND seq IN (:one, :other)",
            sum=seq + other, chain=chain, one=seq, other=other,
        )  # fmt: skip

    def truncate_the_tail(self, _kind, chain, seq):
        """Cut it off and move the head back: what is left is a right chain."""
        self.run("DELETE FROM audit_events WHERE chain = :chain AND seq >= :seq", chain=chain, seq=seq)
        self._rehash(chain)

    def forget_it_all(self, _kind, chain, _seq):
        for table in ("audit_events", "audit_heads"):
            self.run(f"DELETE FROM {table} WHERE chain = :chain", chain=chain)

    def forget_the_head(self, _kind, chain, _seq):
        self.run("DELETE FROM audit_heads WHERE chain = :chain", chain=chain)

    def move_the_head(self, _kind, chain, _seq):
        self.run("UPDATE audit_heads SET seq = seq + 1 WHERE chain = :chain", chain=chain)

    def insert_between(self, _kind, chain, seq):
        self.run("UPDATE audit_events SET seq = seq + 1 WHERE chain = :chain AND seq >= :seq", chain=chain, seq=seq)
        self._copy(chain, seq + 1, seq)
        self._rehash(chain)

    def fork(self, _kind, chain, seq):
        self._copy(chain, seq, seq)

    def another_chain(self, _kind, chain, seq):
        """One that is right in itself, for which an organization's page shows the event."""
        other = uuid4()
        self._copy(chain, seq, 1, into=f"'{other}'::uuid")
        self.run("INSERT INTO audit_heads (chain, seq, hash) VALUES (:chain, 0, '')", chain=other)
        self._rehash(other)

    def no_chain(self, _kind, chain, seq):
        self.run("ALTER TABLE audit_events ALTER chain DROP NOT NULL")
        self._copy(chain, seq, seq, into="NULL")

    def no_time(self, _kind, chain, seq):
        self.run("ALTER TABLE audit_events ALTER created_at DROP NOT NULL")
        self._at("UPDATE audit_events SET created_at = NULL", chain, seq)

    def recompute(self, _kind, chain, seq):
        """Change one event and compute the whole chain anew, hashes, head and all."""
        self._at("UPDATE audit_events SET action = 'member.left'", chain, seq)
        self._rehash(chain)

    def false_tombstone(self, _kind, chain, _seq):
        self.run(
            "INSERT INTO audit_tombstones (chain, kind, seq, hash, sig) "
            "SELECT chain, 'organization', seq, hash, hash FROM audit_heads WHERE chain = :chain",
            chain=chain,
        )
        self.forget_it_all(_kind, chain, _seq)

    def _at(self, sql, chain, seq, **values):
        assert self.run(f"{sql} WHERE chain = :chain AND seq = :seq", chain=chain, seq=seq, **values).rowcount == 1

    def _copy(self, chain, of, to, into="chain"):
        columns = "created_at, organization_id, user_id, actor_id, action, subject_id, prev, hash"
        sql = f"INSERT INTO audit_events (chain, seq, {columns}) SELECT {into}, :to, {columns} FROM audit_events"
        self._at(sql, chain, of, to=to)

    def _rehash(self, chain):
        """With code of their own, as anybody can write it from the migration."""
        query = db.select(*COLUMNS).where(AuditEvent.chain == chain).order_by(AuditEvent.seq)
        hash, last = bytes(32), 0
        for row in self.connection.execute(query).all():
            prev, last = hash, row.seq
            hash = hashlib.sha256(prev + _bytes(row)).digest()
            self.run(
                "UPDATE audit_events SET prev = :prev, hash = :hash WHERE id = :id", prev=prev, hash=hash, id=row.id
            )
        self.run(
            "UPDATE audit_heads SET seq = :seq, hash = :hash WHERE chain = :chain", seq=last, hash=hash, chain=chain
        )


COLUMN_EDITS = [
    *("id", "chain", "seq", "organization_id", "user_id", "actor_id", "action", "subject_id", "project_id"),
    *("before", "after", "ip", "request_id", "prev", "hash"),
]
WAYS = [
    *COLUMN_EDITS,
    *("backdate", "infinity", "microsecond", "nested", "same_facts_other_type", "netmask", "delete"),
    *("delete_and_close_the_gap", "swap", "truncate_the_tail", "forget_it_all", "forget_the_head", "move_the_head"),
    *("insert_between", "fork", "another_chain", "no_chain", "no_time", "recompute", "false_tombstone"),
]
NEEDS_CHECKPOINT = {"delete_and_close_the_gap", "truncate_the_tail", "forget_it_all", "insert_between", "recompute"}


@pytest.fixture
def struck(chains):
    """struck(kind, chain, seq, lines) -> what verify() says of it. The change is undone afterwards."""

    def strike(kind, chain, seq, kept):
        with as_owner() as connection:
            Intruder(connection).strike(kind, chain, seq)
            try:
                return verify(connection, kept)
            except Broken as broken:
                return broken
            finally:
                connection.rollback()

    return strike


def test_an_untouched_log_verifies(chains, lines):
    found = check(lines())
    assert (found.events, found.chains) == (3 * EVENTS, 3)
    assert found.until
    assert check().until is None


def test_two_hundred_changes_by_the_databases_owner_are_all_found(chains, struck, lines):
    source, kept = random.Random(1811), lines()
    missed = []
    for number in range(TRIALS):
        kind = WAYS[number % len(WAYS)]
        chain, seq = source.choice(chains[:2]), source.randint(2, EVENTS)
        said = struck(kind, chain, seq, kept)
        if not isinstance(said, Broken):
            missed.append((kind, seq, said))
    assert missed == []
    assert check(kept).events == 3 * EVENTS  # and each was undone


@pytest.mark.parametrize("kind", WAYS)
def test_what_only_a_checkpoint_can_show(kind, chains, struck):
    """The control: a chain that was computed anew is right in itself. So evidence has to be kept elsewhere."""
    said = struck(kind, chains[0], 5, [])
    assert isinstance(said, Broken) is (kind not in NEEDS_CHECKPOINT)


@pytest.mark.parametrize("kind", [*(c for c in COLUMN_EDITS if c not in ("chain", "seq")), "backdate", "recompute"])
def test_the_first_bad_event_is_named(kind, chains, struck, lines, query):
    ((id,),) = query("SELECT id FROM audit_events WHERE chain = %(c)s AND seq = 5", c=chains[1])
    said = struck(kind, chains[1], 5, lines())
    assert (said.chain, said.seq if kind != "recompute" else 5) == (chains[1], 5)
    assert said.id == id or kind in ("id", "recompute")


def test_what_was_written_after_the_checkpoint_is_no_fault(chains, lines):
    kept, new = lines(), uuid4()
    with transaction():
        tenant.enter(chains[0], new)
        note(ORGANIZATION_RENAMED, organization_id=chains[0])
        note(ORGANIZATION_RENAMED, organization_id=new)
    assert check(kept).chains == 4
    assert check([*kept, *lines()]).chains == 4  # checkpoints of several days, one after the other


def test_an_older_checkpoint_still_shows_what_a_later_one_hides(chains, struck, lines):
    old = lines()
    with transaction():
        note(ORGANIZATION_RENAMED, organization_id=chains[0])
    assert isinstance(struck("recompute", chains[0], 3, old), Broken)


@pytest.mark.parametrize("change", [
    {"seq": 11}, {"hash": "00" * 32}, {"kind": "account"}, {"at": "2001-01-01"}, {"sig": ""}, {"chain": str(uuid4())},
])  # fmt: skip
def test_a_checkpoint_that_was_changed_is_not_ours(change, chains, lines):
    first, *others = lines()
    with pytest.raises(Broken, match="signature"):
        check([json.dumps(json.loads(first) | change), *others])


@pytest.mark.parametrize("line", ["x", "[]", "{}", '{"chain": 1}', '{"chain": "x", "sig": "zz", "hash": ""}', "null"])
def test_what_is_no_checkpoint_cannot_be_read(line, chains):
    with pytest.raises(Broken, match="cannot be read"):
        check([line])


def test_a_checkpoints_signature_is_none_for_a_tombstone(chains, query):
    checkpoint = next(checkpoints(db.session.connection(), chains[0]))
    for sql in (
        "INSERT INTO audit_tombstones (chain, kind, seq, hash, sig)"
        " VALUES (%(chain)s, %(kind)s, %(seq)s, %(hash)s, %(sig)s)",
        "DELETE FROM audit_events WHERE chain = %(chain)s",
        "DELETE FROM audit_heads WHERE chain = %(chain)s",
    ):
        query(sql, **checkpoint._asdict())
    with pytest.raises(Broken, match="tombstone"):
        check()


class TestAPurge:
    def test_leaves_a_signed_tombstone(self, chains, lines):
        kept = lines()
        with transaction():
            assert bury(chains[0]) == EVENTS
        found = check(kept)
        assert (found.events, found.chains) == (2 * EVENTS, 2)
        with transaction():
            assert bury(chains[0]) == 0

    @pytest.mark.parametrize("change", ["seq = seq - 1", "hash = sig", "sig = hash", "kind = 'account'"])
    def test_a_tombstone_that_was_changed_is_found(self, change, chains, lines, query):
        kept = lines()
        with transaction():
            bury(chains[0])
        query(f"UPDATE audit_tombstones SET {change}")
        with pytest.raises(Broken, match="tombstone"):
            check(kept)

    def test_a_tombstone_of_another_chain_than_the_checkpoints_is_found(self, chains, lines, query):
        kept = lines()
        with transaction():
            bury(chains[0])
        for seq, hash in ((EVENTS, bytes(32)), (EVENTS - 1, bytes(32))):
            sig = sign(TOMBSTONE, chains[0], "organization", seq, hash)  # as if our key had leaked
            query(
                "UPDATE audit_tombstones SET seq = %(seq)s, hash = %(hash)s, sig = %(sig)s", seq=seq, hash=hash, sig=sig
            )
            with pytest.raises(Broken, match="not that of the chain"):
                check(kept)

    def test_a_purged_chain_that_goes_on_is_found(self, chains):
        with transaction():
            bury(chains[0])
        with transaction():
            note(ORGANIZATION_RENAMED, organization_id=chains[0])
        with pytest.raises(Broken, match="has events"):
            check()

    def test_an_account_is_never_purged(self, chains):
        with pytest.raises(Exception, match="account"), transaction():
            bury(chains[2])
        assert check().chains == 3

    @pytest.mark.parametrize(("days", "purged"), [(None, False), (29, False), (31, True)])
    def test_an_organization_can_be_purged_once_nobody_may_restore_it(self, days, purged, context, northfield, query):
        if days:
            ago = timedelta(days=days)
            query("UPDATE organizations SET deleted_at = now() - %(ago)s WHERE slug = 'northfield'", ago=ago)
        try:
            with transaction():
                gone = bury(northfield.organization.id)
        except Exception as error:
            assert "never purged" in str(error)  # noqa: PT017
            gone = 0
        assert (gone > 0) is purged
        check()


class TestTheCommand:
    @pytest.fixture
    def flask(self, app):
        return lambda *args: CliRunner().invoke(app.cli, ["audit", *args], obj=ScriptInfo(create_app=lambda: app))

    def test_prints_checkpoints_and_verifies_them(self, flask, northfield, tmp_path, query):
        printed = flask("checkpoint")
        assert printed.exit_code == 0
        chains = [UUID(json.loads(line)["chain"]) for line in printed.output.splitlines()]
        assert chains == sorted(chains)
        assert len(chains) == query("SELECT count(*) FROM audit_heads")[0][0] == 8
        kept = tmp_path / "kept"
        kept.write_text(printed.output)
        result = flask("verify", "--checkpoint", str(kept))
        assert result.exit_code == 0, result.output
        assert "events in 8 chains are as they were written" in result.output
        assert json.loads(printed.output.splitlines()[0])["at"] in result.output

    def test_prints_one_organizations(self, flask, northfield):
        (line,) = flask("checkpoint", "--organization", "northfield").output.splitlines()
        assert json.loads(line)["chain"] == str(northfield.organization.id)
        unknown = flask("checkpoint", "--organization", "nowhere")
        assert unknown.exit_code == 1
        assert "No organization has the address nowhere." in unknown.output

    def test_says_where_the_log_is_broken(self, flask, northfield, query):
        query("ALTER TABLE audit_events DISABLE TRIGGER USER")
        here = {"chain": northfield.organization.id}
        query("UPDATE audit_events SET action = 'x' WHERE chain = %(chain)s AND seq = 2", **here)
        query("ALTER TABLE audit_events ENABLE TRIGGER USER")
        result = flask("verify")
        assert result.exit_code == 1
        assert f"chain {here['chain']}, event 2, id " in result.output
        assert "its hash is not that of what it says" in result.output

    def test_an_empty_log_is_well(self, flask):
        assert flask("checkpoint").output == ""
        assert "0 events in 0 chains" in flask("verify").output
