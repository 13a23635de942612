"""A deleted account is named by no invitation that came to its end, in any organization."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# What an accepted invitation may lose: the name of a project that is deleted (0005), and of who accepted it.
LOSES = "ARRAY['project_id']"
LOSES_WHO = (
    "CASE WHEN NEW.email_key = 'deleted-' || OLD.accepted_by THEN ARRAY['project_id', 'email', 'email_key', 'message']"
    f" ELSE {LOSES} END"
)
ENDED = "num_nonnulls(accepted_at, revoked_at, declined_at, replaced_at) = 1"


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_invitations_accepted_by", "invitations", ["accepted_by"], postgresql_where="accepted_by IS NOT NULL"
    )
    op.drop_index("ix_invitations_email_key", "invitations")
    op.create_index("ix_invitations_email_key", "invitations", ["email_key"])
    keep_the_end(but=LOSES_WHO)
    # As the owner: most of these are in organizations that the person is no longer in. An address counts as theirs if
    # they proved it, or a stranger who signs up with it could take it out of others' logs.
    op.execute(f"""
        CREATE FUNCTION forget_invitations(whose uuid, called text) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
          address text := (SELECT email_key FROM users WHERE id = whose AND email_verified_at IS NOT NULL);
        BEGIN
          UPDATE invitations SET email = called, email_key = 'deleted-' || whose, message = ''
          WHERE (accepted_by = whose OR email_key = address) AND {ENDED};
        END $$
    """)
    op.execute("REVOKE ALL ON FUNCTION forget_invitations(uuid, text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION forget_invitations(uuid, text) TO freehold_web")


def keep_the_end(*, but: str) -> None:
    """Keep the trigger of 0005 true: an end is an end, and an accepted invitation stays what it was."""
    op.execute("DROP TRIGGER keep_invitation_end ON invitations")
    op.execute(f"""
        CREATE TRIGGER keep_invitation_end BEFORE UPDATE ON invitations FOR EACH ROW
        WHEN ((OLD.accepted_at IS NOT NULL
            AND ((to_jsonb(OLD) - {but}) IS DISTINCT FROM (to_jsonb(NEW) - {but})
              OR (NEW.project_id IS NOT NULL AND NEW.project_id IS DISTINCT FROM OLD.project_id)))
          OR (num_nonnulls(OLD.declined_at, OLD.revoked_at, OLD.replaced_at) > 0
            AND (OLD.accepted_at, OLD.declined_at, OLD.revoked_at, OLD.replaced_at)
              IS DISTINCT FROM (NEW.accepted_at, NEW.declined_at, NEW.revoked_at, NEW.replaced_at)))
        EXECUTE FUNCTION keep_invitation_end()
    """)


def downgrade() -> None:
    """Undo."""
    keep_the_end(but=LOSES)
    op.execute("DROP FUNCTION forget_invitations(uuid, text)")
    op.drop_index("ix_invitations_email_key", "invitations")
    op.create_index(
        "ix_invitations_email_key",
        "invitations",
        ["email_key"],
        postgresql_where="accepted_at IS NULL AND revoked_at IS NULL AND declined_at IS NULL AND replaced_at IS NULL",
    )
    op.drop_index("ix_invitations_accepted_by", "invitations")
