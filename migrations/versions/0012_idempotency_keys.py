"""Forms that were taken, so that one that is sent twice is taken once."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("leads_to", sa.Text(), nullable=False),
        sa.Column("made", sa.Uuid()),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency_keys"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO freehold_web")


def downgrade() -> None:
    """Undo."""
    op.drop_table("idempotency_keys")
