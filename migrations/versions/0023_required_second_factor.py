"""An organization may ask everyone in it for two-step verification; the gate's views say who has none."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# As 0009 has it, with what is added.
PLACES = """
    CREATE OR REPLACE VIEW gate_places AS
    SELECT u.id AS user_id, o.id, o.name, o.slug, o.version, m.id AS member_id, m.role{more}
    FROM organizations o CROSS JOIN users u
    LEFT JOIN LATERAL (
      SELECT id, role FROM organization_members WHERE organization_id = o.id AND user_id = u.id LIMIT 1) m ON true
    WHERE o.deleted_at IS NULL AND (m.id IS NOT NULL OR (
      SELECT true FROM project_members g WHERE g.organization_id = o.id AND g.user_id = u.id LIMIT 1))
"""
STEP = """,
    o.second_factor_required_at IS NOT NULL AS requires_step,
    o.second_factor_required_at IS NOT NULL AND u.second_factor_at IS NULL AS lacks_step"""


def upgrade() -> None:
    """Apply. The view as it is comes first: it is locked before its tables, as every request locks them."""
    op.execute(PLACES.format(more=""))
    op.add_column("organizations", sa.Column("second_factor_required_at", sa.DateTime(timezone=True)))
    op.execute(PLACES.format(more=STEP))


def downgrade() -> None:
    """Undo. Nobody is asked any more."""
    op.execute("DROP VIEW gate_places")
    op.execute(PLACES.format(more=""))
    op.execute("GRANT SELECT ON gate_places TO freehold_web")
    op.drop_column("organizations", "second_factor_required_at")
