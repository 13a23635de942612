"""What the tables stand on: time-ordered keys, folding for search, and the role enum.

Roles are declared in ascending order, so that SQL can compare them and take GREATEST.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE TYPE role AS ENUM ('VIEWER', 'OPERATOR', 'ADMIN', 'OWNER')")
    # RFC 9562, 5.7: 48 bits of Unix milliseconds, then version, variant and random bits. PostgreSQL has uuidv7() only
    # from 18 on.
    op.execute("""
        CREATE FUNCTION uuid_v7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
          SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
            PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
            FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
        $$
    """)
    # unaccent() is only STABLE because a superuser could change its dictionary; ours is named, so the result is fixed.
    op.execute("""
        CREATE FUNCTION fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
          SELECT lower(public.unaccent('public.unaccent'::regdictionary, value))
        $$
    """)


def downgrade() -> None:
    """Undo."""
    op.execute("DROP FUNCTION fold(text)")
    op.execute("DROP FUNCTION uuid_v7()")
    op.execute("DROP TYPE role")
