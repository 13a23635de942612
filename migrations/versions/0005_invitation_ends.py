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
    # That a row has one end at most is a CHECK; this keeps that end, and all of an invitation that was accepted, but
    # for the name of a project that is deleted.
    op.execute("""
        CREATE TRIGGER keep_invitation_end BEFORE UPDATE ON invitations FOR EACH ROW
        WHEN ((OLD.accepted_at IS NOT NULL
            AND ((to_jsonb(OLD) - 'project_id') IS DISTINCT FROM (to_jsonb(NEW) - 'project_id')
              OR (NEW.project_id IS NOT NULL AND NEW.project_id IS DISTINCT FROM OLD.project_id)))
          OR (num_nonnulls(OLD.declined_at, OLD.revoked_at, OLD.replaced_at) > 0
            AND (OLD.accepted_at, OLD.declined_at, OLD.revoked_at, OLD.replaced_at)
              IS DISTINCT FROM (NEW.accepted_at, NEW.declined_at, NEW.revoked_at, NEW.replaced_at)))
        EXECUTE FUNCTION keep_invitation_end()
    """)
    # A project that is deleted withdraws what would lead to it, so that its links can still say what became of them.
    op.execute("""
        CREATE FUNCTION revoke_invitations_to_project() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          UPDATE invitations SET revoked_at = now()
          WHERE project_id = OLD.id AND num_nonnulls(accepted_at, revoked_at, declined_at, replaced_at) = 0;
          RETURN OLD;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER revoke_invitations_to_project BEFORE DELETE ON projects
        FOR EACH ROW EXECUTE FUNCTION revoke_invitations_to_project()
    """)


def downgrade() -> None:
    """Undo."""
    op.execute("DROP TRIGGER revoke_invitations_to_project ON projects")
    op.execute("DROP FUNCTION revoke_invitations_to_project()")
    op.execute("DROP TRIGGER keep_invitation_end ON invitations")
    op.execute("DROP FUNCTION keep_invitation_end()")
    op.drop_column("invitations", "asked_at")
