"""Accounts: users, their sessions, sign-ups that wait, one-time tokens, and mail to send."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "users",
        *record(),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("credential_epoch", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.Column("email_verified_at", sa.DateTime(timezone=True)),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("deactivated_at", sa.DateTime(timezone=True)),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.Column("search_text", sa.Text, sa.Computed("fold(name || ' ' || email)", persisted=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="ck_users_name"),
    )
    op.create_index("uq_users_email_key", "users", ["email_key"], unique=True)
    op.create_index(
        "ix_users_search_text",
        "users",
        ["search_text"],
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
    )

    op.create_table(
        "sessions",
        *record(),
        sa.Column("sid", sa.Text, nullable=False),
        sa.Column("sess", pg.JSONB, nullable=False),
        sa.Column("expire", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("credential_epoch", sa.Integer, nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("ip", pg.INET),
        sa.Column("user_agent", sa.Text),
        sa.PrimaryKeyConstraint("sid", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id", ondelete="CASCADE"),
    )
    op.create_index("uq_sessions_id", "sessions", ["id"], unique=True)
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expire", "sessions", ["expire"])

    op.create_table(
        "signups",
        *record(),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signups"),
    )
    op.create_index("ix_signups_email_key", "signups", ["email_key"])

    op.create_table(
        "one_time_tokens",
        *record(),
        sa.Column("user_id", sa.Uuid),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_one_time_tokens"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_one_time_tokens_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_one_time_tokens_user_id", "one_time_tokens", ["user_id"])

    op.create_table(
        "outgoing_mail",
        *record(),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'queued'")),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_outgoing_mail"),
        sa.CheckConstraint("state IN ('queued', 'sent', 'failed', 'dropped')", name="ck_outgoing_mail_state"),
    )
    op.create_index("ix_outgoing_mail_due", "outgoing_mail", ["due_at"], postgresql_where=sa.text("state = 'queued'"))
    op.create_index("ix_outgoing_mail_subject_id", "outgoing_mail", ["subject_id"])
    # Whoever queues mail, by whatever door, wakes the workers when it commits.
    op.execute("""
        CREATE FUNCTION tell_mail_workers() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          PERFORM pg_notify('outgoing_mail', '');
          RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER tell_mail_workers AFTER INSERT ON outgoing_mail
        FOR EACH STATEMENT EXECUTE FUNCTION tell_mail_workers()
    """)


def downgrade() -> None:
    """Undo."""
    for table in ("outgoing_mail", "one_time_tokens", "signups", "sessions", "users"):
        op.drop_table(table)
    op.execute("DROP FUNCTION tell_mail_workers()")


def record() -> list[sa.Column]:
    """The columns every table begins with."""
    return [
        sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("uuid_v7()")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    ]
