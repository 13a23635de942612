"""People see where they are logged in, and end a session elsewhere."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

WEB = "freehold_web"
AS_OWNER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp"
LIVING = "s.user_id = whose AND s.expire > now()"
FUNCTIONS = {
    "sessions_of_person(whose uuid)": (
        "TABLE (id uuid, created_at timestamptz, last_seen_at timestamptz, ip text, user_agent text)",
        f"""
        RETURN QUERY SELECT s.id, s.created_at, s.last_seen_at, host(s.ip), s.user_agent
        FROM sessions s JOIN users u ON u.id = s.user_id AND u.credential_epoch = s.credential_epoch
        WHERE {LIVING} ORDER BY s.last_seen_at DESC, s.id DESC;
        """,
    ),
    "end_session_of_person(whose uuid, which uuid)": (
        "SETOF text",
        f"RETURN QUERY DELETE FROM sessions s WHERE {LIVING} AND s.id = which RETURNING coalesce(s.user_agent, '');",
    ),
    "end_other_sessions(whose uuid, kept uuid)": (
        "SETOF uuid",
        f"RETURN QUERY DELETE FROM sessions s WHERE {LIVING} AND s.id <> kept RETURNING s.id;",
    ),
}


def upgrade() -> None:
    """Apply."""
    for signature, (returned, body) in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {signature} RETURNS {returned} {AS_OWNER} AS $$ BEGIN {body} END $$")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {WEB}")


def downgrade() -> None:
    """Undo."""
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
