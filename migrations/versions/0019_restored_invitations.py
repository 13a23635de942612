"""An invitation that an Admin revoked can be restored for ten minutes, with the link that was mailed."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# As 0005 and 0011 have it.
LOSES_WHO = (
    "CASE WHEN NEW.email_key = 'deleted-' || OLD.accepted_by THEN ARRAY['project_id', 'email', 'email_key', 'message']"
    " ELSE ARRAY['project_id'] END"
)
RESTORED = (
    "OLD.restorable_until > now() AND NEW.restorable_until IS NULL"
    " AND num_nonnulls(NEW.accepted_at, NEW.declined_at, NEW.revoked_at, NEW.replaced_at) = 0"
)
PENDING = "num_nonnulls(accepted_at, revoked_at, declined_at, replaced_at) = 0"


def upgrade() -> None:
    """Apply."""
    op.add_column("invitations", sa.Column("restorable_until", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("ck_invitations_restorable_revoked"), "invitations", "restorable_until IS NULL OR revoked_at IS NOT NULL"
    )
    keep_the_end(but=RESTORED)
    # A row that lost its project would come back as an invitation into the whole organization.
    revoke_with_the_project(
        sets="revoked_at = coalesce(revoked_at, now()), restorable_until = NULL",
        where=f"({PENDING} OR restorable_until IS NOT NULL)",
    )


def keep_the_end(*, but: str) -> None:
    """Keep the trigger of 0011 true, with an exception."""
    op.execute("DROP TRIGGER keep_invitation_end ON invitations")
    op.execute(f"""
        CREATE TRIGGER keep_invitation_end BEFORE UPDATE ON invitations FOR EACH ROW
        WHEN ((OLD.accepted_at IS NOT NULL
            AND ((to_jsonb(OLD) - {LOSES_WHO}) IS DISTINCT FROM (to_jsonb(NEW) - {LOSES_WHO})
              OR (NEW.project_id IS NOT NULL AND NEW.project_id IS DISTINCT FROM OLD.project_id)))
          OR (num_nonnulls(OLD.declined_at, OLD.revoked_at, OLD.replaced_at) > 0
            AND (OLD.accepted_at, OLD.declined_at, OLD.revoked_at, OLD.replaced_at)
              IS DISTINCT FROM (NEW.accepted_at, NEW.declined_at, NEW.revoked_at, NEW.replaced_at)
            AND ({but}) IS NOT TRUE))
        EXECUTE FUNCTION keep_invitation_end()
    """)


def revoke_with_the_project(*, sets: str, where: str) -> None:
    """Replace the function of 0005, which withdraws what would lead to a project that is deleted."""
    op.execute(f"""
        CREATE OR REPLACE FUNCTION revoke_invitations_to_project() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          UPDATE invitations SET {sets} WHERE project_id = OLD.id AND {where};
          RETURN OLD;
        END $$
    """)


def downgrade() -> None:
    """Undo."""
    revoke_with_the_project(sets="revoked_at = now()", where=PENDING)
    keep_the_end(but="false")
    op.drop_constraint(op.f("ck_invitations_restorable_revoked"), "invitations")
    op.drop_column("invitations", "restorable_until")
