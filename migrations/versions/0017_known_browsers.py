"""Browsers that accounts know: whoever hammers at an account does not lock its owner out of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0017"
down_revision = "0014"
branch_labels = None
depends_on = None

WEB = "freehold_web"
MOST = 20  # browsers that an account knows; of more, those that were used last
SIGNATURE = "know_browser(uuid, integer, bytea, interval, inet, text, boolean)"


def upgrade() -> None:
    """Apply. The function runs as the owner: it looks into the account's log, and is the only way to write a row.

    An account's first log-in is told nobody: there was no earlier one that the person could know of.
    """
    op.create_table(
        "known_browsers",
        sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("uuid_v7()")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("mac", sa.LargeBinary, nullable=False),
        sa.Column("credential_epoch", sa.Integer, nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remembered_until", sa.DateTime(timezone=True)),
        sa.Column("ip", pg.INET),
        sa.Column("user_agent", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_known_browsers"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_known_browsers_user_id", ondelete="CASCADE"),
    )
    op.create_index("uq_known_browsers_user_id_mac", "known_browsers", ["user_id", "mac"], unique=True)
    op.create_index("ix_known_browsers_expires_at", "known_browsers", ["expires_at"])
    op.execute(f"GRANT SELECT, UPDATE, DELETE ON known_browsers TO {WEB}")
    op.execute(f"""
        CREATE FUNCTION know_browser(
          whose uuid, epoch integer, its_mac bytea, life interval, address inet, browser text, tell boolean)
        RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE known uuid;
        BEGIN
          IF NOT EXISTS (
            SELECT FROM users WHERE id = whose AND credential_epoch = epoch AND deactivated_at IS NULL) THEN
            RETURN;  -- the password was changed meanwhile: no session begins either
          END IF;
          UPDATE known_browsers
          SET remembered_until = CASE WHEN credential_epoch = epoch THEN remembered_until END,
              credential_epoch = epoch, last_used_at = now(), expires_at = now() + life
          WHERE user_id = whose AND mac = its_mac;
          IF FOUND THEN
            RETURN;
          END IF;
          INSERT INTO known_browsers (user_id, mac, credential_epoch, expires_at, ip, user_agent)
          VALUES (whose, its_mac, epoch, now() + life, address, browser)
          ON CONFLICT (user_id, mac) DO NOTHING RETURNING id INTO known;
          DELETE FROM known_browsers WHERE id IN (
            SELECT id FROM known_browsers WHERE user_id = whose ORDER BY last_used_at DESC, id DESC OFFSET {MOST});
          IF tell AND known IS NOT NULL AND EXISTS (
            SELECT FROM audit_events WHERE chain = whose AND action = 'session.began') THEN
            INSERT INTO outgoing_mail (message, subject_id) VALUES ('new_log_in', known);
          END IF;
        END $$
    """)
    op.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO {WEB}")


def downgrade() -> None:
    """Undo."""
    op.execute(f"DROP FUNCTION {SIGNATURE}")
    op.drop_table("known_browsers")
