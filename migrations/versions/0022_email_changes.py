"""Changes of an account's address: proven by the new one, told to the old one, which can take them back for a week."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "email_changes",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("former_email", sa.Text(), nullable=False),
        sa.Column("former_email_key", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_email_changes"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_email_changes_user_id", ondelete="CASCADE"),
    )
    op.create_index(
        "uq_email_changes_waiting",
        "email_changes",
        ["user_id"],
        unique=True,
        postgresql_where="confirmed_at IS NULL AND ended_at IS NULL",
    )
    op.create_index("ix_email_changes_user_id", "email_changes", ["user_id"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON email_changes TO freehold_web")
    # A person's own log, for the file of their own data: it is of no organization, so that no policy shows it.
    op.execute("""
        CREATE FUNCTION events_of_person(whose uuid) RETURNS TABLE (at timestamptz, action text, ip text)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
          SELECT e.created_at, e.action, host(e.ip) FROM audit_events e WHERE e.chain = whose ORDER BY e.seq
        $$
    """)
    op.execute("REVOKE ALL ON FUNCTION events_of_person(uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION events_of_person(uuid) TO freehold_web")


def downgrade() -> None:
    """Undo. What waited is asked for again."""
    op.execute("DROP FUNCTION events_of_person(uuid)")
    op.drop_table("email_changes")
