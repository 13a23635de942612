"""A session gets a new id and stays as old as it is; and indexes for what is asked.

Joining by an invitation began a session anew, as only a proof of who one is may: for ten minutes it then needed none.

Nobody searches the accounts by trigrams any more: people are found in the directory of an organization, and a host's
command reads all of them. Each new account and each new name wrote thirty entries.

Every invitation is found by its organization, not only one that waits: an organization that is purged takes them along,
and whoever asks for their data has all that they sent.
"""

from alembic import op
from sqlalchemy import text

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

WEB = "freehold_web"  # as in 0009
RENEW = "renew_session(its_sid text, new_sid text)"
PENDING = "accepted_at IS NULL AND revoked_at IS NULL AND declined_at IS NULL AND replaced_at IS NULL"
BY, NAMES = "ix_invitations_invited_by", "ix_users_search_text"


def upgrade() -> None:
    """Apply."""
    op.execute(f"""
        CREATE FUNCTION {RENEW} RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        BEGIN UPDATE sessions SET sid = new_sid WHERE sid = its_sid; END $$
    """)
    op.execute(f"REVOKE ALL ON FUNCTION {RENEW} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {RENEW} TO {WEB}")
    op.drop_index(BY, "invitations")
    op.create_index(BY, "invitations", ["organization_id", "invited_by"])
    op.drop_index(NAMES, "users")


def downgrade() -> None:
    """Take back."""
    trigrams = {"search_text": "gin_trgm_ops"}
    op.create_index(NAMES, "users", ["search_text"], postgresql_using="gin", postgresql_ops=trigrams)
    op.drop_index(BY, "invitations")
    op.create_index(BY, "invitations", ["organization_id", "invited_by"], postgresql_where=text(PENDING))
    op.execute(f"DROP FUNCTION {RENEW}")
