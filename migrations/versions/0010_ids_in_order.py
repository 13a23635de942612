"""Ids of one millisecond come in the order in which they were made: lists that go by id say who came first."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_FUNCTION = "CREATE OR REPLACE FUNCTION uuid_v7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$ {} $$"


def upgrade() -> None:
    """Apply."""
    # RFC 9562, 6.2, method 3: of the 74 random bits the first 12 tell the fraction of the millisecond.
    op.execute(
        _FUNCTION.format("""
          SELECT (overlay(lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 1000 * 4096)::bigint), 15, '0')
            PLACING '7' FROM 13 FOR 0) || right(gen_random_uuid()::text, 17))::uuid
        """)
    )


def downgrade() -> None:
    """Undo."""
    op.execute(
        _FUNCTION.format("""
          SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
            PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
            FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
        """)
    )
