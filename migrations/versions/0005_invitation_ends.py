"""Invitations: an end is an end, whatever door a change comes through; and when a new one was asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("invitations", sa.Column("asked_at", sa.DateTime(timezone=True)))
    op.execute("""
        CREATE FUNCTION keep_invitation_end() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          RAISE check_violation USING CONSTRAINT = 'invitation_keeps_its_end',
            MESSAGE = 'an invitation that came to its end stays so';
        END $$
    """)
    # That a row has one end at most is a CHECK; this keeps that end, and all of an invitation that was accepted.
    op.execute("""
        CREATE TRIGGER keep_invitation_end BEFORE UPDATE ON invitations FOR EACH ROW
        WHEN ((OLD.accepted_at IS NOT NULL AND OLD.* IS DISTINCT FROM NEW.*)
          OR (num_nonnulls(OLD.declined_at, OLD.revoked_at, OLD.replaced_at) > 0
            AND (OLD.accepted_at, OLD.declined_at, OLD.revoked_at, OLD.replaced_at)
              IS DISTINCT FROM (NEW.accepted_at, NEW.declined_at, NEW.revoked_at, NEW.replaced_at)))
        EXECUTE FUNCTION keep_invitation_end()
    """)


def downgrade() -> None:
    """Undo."""
    op.execute("DROP TRIGGER keep_invitation_end ON invitations")
    op.execute("DROP FUNCTION keep_invitation_end()")
    op.drop_column("invitations", "asked_at")
