"""The audit log: append-only, a hash chain for each organization and each account; and counts of who was turned away.

What is hashed are canonical bytes: every field in one order, with its length before it, the facts of `before` and
`after` by key. models/audit/canonical.py makes the same bytes in Python, to prove the log without these functions.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Strict, because a lax path looks into arrays and so does not see an empty one.
FLAT = """'strict $.* ? (@.type() == "object" || @.type() == "array")'"""


def upgrade() -> None:
    """Apply."""
    tables()
    digests()
    recording()
    keeping()


def tables() -> None:
    """Events, the last link of each chain, what is left of a purged one; and counts.

    Events refer to nothing by a foreign key: they outlive what they speak of.
    """
    op.create_table(
        "audit_events",
        sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("uuid_v7()")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("chain", sa.Uuid, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("organization_id", sa.Uuid),
        sa.Column("user_id", sa.Uuid),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid),
        sa.Column("project_id", sa.Uuid),
        sa.Column("before", pg.JSONB),
        sa.Column("after", pg.JSONB),
        sa.Column("ip", pg.INET),
        sa.Column("request_id", sa.Text),
        sa.Column("prev", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
        sa.UniqueConstraint("chain", "seq", name="uq_audit_events_chain_seq"),
        sa.CheckConstraint("num_nonnulls(organization_id, user_id) = 1", name="ck_audit_events_one_owner"),
        sa.CheckConstraint("chain = coalesce(organization_id, user_id)", name="ck_audit_events_chain"),
        sa.CheckConstraint(flat("before"), name="ck_audit_events_before"),
        sa.CheckConstraint(flat("after"), name="ck_audit_events_after"),
    )
    for columns in ("seq", "actor_id seq", "subject_id seq", "action seq", "project_id seq", "created_at seq"):
        name = f"ix_audit_events_organization_id_{columns.replace(' ', '_')}"
        op.create_index(name, "audit_events", ["organization_id", *columns.split()])
    op.create_table(
        "audit_heads",
        sa.Column("chain", sa.Uuid, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_audit_heads"),
    )
    op.create_table(
        "audit_tombstones",
        sa.Column("chain", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("purged_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("sig", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_audit_tombstones"),
    )
    op.create_table(
        "refusal_counts",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("minute", "kind", name="pk_refusal_counts"),
    )


def flat(column: str) -> str:
    """An object of strings, numbers, booleans and nulls, so that its canonical bytes need no nesting."""
    return f"{column} IS NULL OR (jsonb_typeof({column}) = 'object' AND NOT jsonb_path_exists({column}, {FLAT}))"


def digests() -> None:
    """The canonical bytes of an event, and their hash."""
    op.execute("""
        CREATE FUNCTION audit_field(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
        SET search_path = pg_catalog, public, pg_temp AS $$
          SELECT CASE WHEN value IS NULL THEN int4send(-1) ELSE int4send(length(value)) || value END
        $$
    """)
    op.execute("""
        CREATE FUNCTION audit_field(value text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
        SET search_path = pg_catalog, public, pg_temp AS $$
          SELECT audit_field(convert_to(value, 'UTF8'))
        $$
    """)
    op.execute("""
        CREATE FUNCTION audit_facts(facts jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
        SET search_path = pg_catalog, public, pg_temp AS $$
          SELECT coalesce(string_agg(
            audit_field(key) || audit_field(jsonb_typeof(value)) || audit_field(value #>> '{}'),
            ''::bytea ORDER BY key COLLATE "C"), '') FROM jsonb_each(facts)
        $$
    """)
    op.execute("""
        CREATE FUNCTION audit_digest(e audit_events) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
        SET search_path = pg_catalog, public, pg_temp AS $$
          SELECT sha256(e.prev
            || audit_field(uuid_send(e.id))
            || audit_field(uuid_send(e.chain))
            || audit_field(int8send(e.seq))
            || audit_field(int8send((extract(epoch FROM e.created_at) * 1000000)::bigint))
            || audit_field(uuid_send(e.organization_id))
            || audit_field(uuid_send(e.user_id))
            || audit_field(uuid_send(e.actor_id))
            || audit_field(e.action)
            || audit_field(uuid_send(e.subject_id))
            || audit_field(uuid_send(e.project_id))
            || audit_field(audit_facts(e.before))
            || audit_field(audit_facts(e.after))
            || audit_field(e.ip::text)
            || audit_field(e.request_id))
        $$
    """)


def recording() -> None:
    """The one way in. Heads are locked in one order, and last in a transaction: two callers never wait in a circle."""
    op.execute("""
        CREATE FUNCTION record_audit(events jsonb) RETURNS timestamptz
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        DECLARE
          head audit_heads;
          event audit_events;
          moment timestamptz;
        BEGIN
          FOR event IN
            SELECT DISTINCT ON (coalesce(e.organization_id, e.user_id)) e.*
            FROM jsonb_array_elements(events) item, jsonb_populate_record(NULL::audit_events, item) e
            ORDER BY coalesce(e.organization_id, e.user_id)
          LOOP
            event.chain := coalesce(event.organization_id, event.user_id);
            INSERT INTO audit_heads VALUES (event.chain, 0, decode(repeat('00', 32), 'hex')) ON CONFLICT DO NOTHING;
            SELECT * INTO head FROM audit_heads WHERE chain = event.chain FOR UPDATE;
            moment := greatest(
              moment, (SELECT created_at FROM audit_events WHERE chain = head.chain AND seq = head.seq));
          END LOOP;
          moment := greatest(moment, clock_timestamp());  -- a chain's time never goes back, though a clock may
          FOR event IN
            SELECT e.* FROM jsonb_array_elements(events) WITH ORDINALITY AS given (item, place),
              jsonb_populate_record(NULL::audit_events, item) e
            ORDER BY coalesce(e.organization_id, e.user_id), place
          LOOP
            event.chain := coalesce(event.organization_id, event.user_id);
            SELECT * INTO head FROM audit_heads WHERE chain = event.chain;
            event.id := uuid_v7();
            event.created_at := moment;
            event.seq := head.seq + 1;
            event.prev := head.hash;
            event.hash := audit_digest(event);
            INSERT INTO audit_events VALUES (event.*);
            UPDATE audit_heads SET seq = event.seq, hash = event.hash WHERE chain = event.chain;
          END LOOP;
          RETURN moment;
        END $$
    """)


def keeping() -> None:
    """What was recorded stays: only a tombstone, which stands for all of a chain, lets its events go."""
    op.execute("""
        CREATE FUNCTION keep_audit_events() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
          IF TG_OP = 'DELETE' AND EXISTS (SELECT FROM audit_tombstones WHERE chain = OLD.chain) THEN
            RETURN OLD;
          END IF;
          RAISE insufficient_privilege USING MESSAGE = 'audit events are never changed or deleted';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER keep_audit_events BEFORE UPDATE OR DELETE ON audit_events
        FOR EACH ROW EXECUTE FUNCTION keep_audit_events()
    """)
    op.execute("""
        CREATE TRIGGER keep_all_audit_events BEFORE TRUNCATE ON audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_events()
    """)
    op.execute("""
        CREATE FUNCTION purge_audit(organization uuid, signature bytea) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        DECLARE
          head audit_heads;
          gone bigint;
        BEGIN
          PERFORM FROM organizations
          WHERE id = organization AND (deleted_at IS NULL OR deleted_at > now() - interval '30 days');
          IF FOUND THEN
            RAISE insufficient_privilege USING MESSAGE = 'the log of an organization that is there is never purged';
          END IF;
          SELECT * INTO head FROM audit_heads WHERE chain = organization FOR UPDATE;
          IF NOT FOUND THEN
            RETURN 0;
          END IF;
          PERFORM FROM audit_events WHERE chain = organization AND seq = head.seq AND user_id IS NOT NULL;
          IF FOUND THEN
            RAISE insufficient_privilege USING MESSAGE = 'the log of an account is never purged';
          END IF;
          INSERT INTO audit_tombstones (chain, kind, seq, hash, sig)
          VALUES (head.chain, 'organization', head.seq, head.hash, signature);
          DELETE FROM audit_events WHERE chain = organization;
          GET DIAGNOSTICS gone = ROW_COUNT;
          DELETE FROM audit_heads WHERE chain = organization;
          RETURN gone;
        END $$
    """)
    op.execute("REVOKE EXECUTE ON FUNCTION purge_audit(uuid, bytea) FROM PUBLIC")


def downgrade() -> None:
    """Undo."""
    op.execute("DROP FUNCTION purge_audit(uuid, bytea)")
    op.execute("DROP FUNCTION record_audit(jsonb)")
    op.execute("DROP FUNCTION audit_digest(audit_events)")
    for table in ("refusal_counts", "audit_tombstones", "audit_heads", "audit_events"):
        op.drop_table(table)
    for function in ("keep_audit_events()", "audit_facts(jsonb)", "audit_field(text)", "audit_field(bytea)"):
        op.execute(f"DROP FUNCTION {function}")
