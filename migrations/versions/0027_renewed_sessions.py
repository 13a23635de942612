"""A session gets a new id and stays as old as it is; and a large organization's people and invitations are found.

Joining by an invitation began a session anew, as only a proof of who one is may: for ten minutes it then needed none.

The audit log asks for people by a part of their name, among all that an organization ever knew. The trigrams of
accounts find them, but behind row-level security no index serves LIKE, which may leak: a function of the tables' owner
asks it.

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
ENTERED = "ANY (nullif(current_setting('freehold.organization_ids', true), '')::uuid[])"
AS_OWNER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp"
PENDING = "accepted_at IS NULL AND revoked_at IS NULL AND declined_at IS NULL AND replaced_at IS NULL"
BY = "ix_invitations_invited_by"

RENEW, KNOWN = "renew_session(its_sid text, new_sid text)", "known_by_name(organization uuid, words text, most integer)"
FUNCTIONS = {
    RENEW: f"""
        RETURNS void {AS_OWNER} AS $$
        BEGIN UPDATE sessions SET sid = new_sid WHERE sid = its_sid; END $$
    """,
    # The first few by their keys. What many have is soon found in their order, what few have by its trigrams: so it is
    # planned for each name anew, by both texts, which are the same.
    KNOWN: rf"""
        RETURNS SETOF uuid ROWS 20 STABLE {AS_OWNER} SET plan_cache_mode = force_custom_plan AS $$
        DECLARE pattern text := '%' || regexp_replace(fold(words), '([\\%_])', '\\\1', 'g') || '%';
        BEGIN
          IF organization = {ENTERED} THEN
            RETURN QUERY SELECT k.user_id FROM known_people k JOIN users u ON u.id = k.user_id
              WHERE k.organization_id = organization AND k.search_text LIKE pattern AND u.search_text LIKE pattern
              ORDER BY k.user_id LIMIT most;
          END IF;
        END $$
    """,
}


def upgrade() -> None:
    """Apply."""
    for signature, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {signature} {body}")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {WEB}")
    op.drop_index(BY, "invitations")
    op.create_index(BY, "invitations", ["organization_id", "invited_by"])


def downgrade() -> None:
    """Take back."""
    op.drop_index(BY, "invitations")
    op.create_index(BY, "invitations", ["organization_id", "invited_by"], postgresql_where=text(PENDING))
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
