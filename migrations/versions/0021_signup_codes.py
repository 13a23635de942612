"""A sign-up is confirmed by a code as well, and its waiting page is told when."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("signups", sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("signups", sa.Column("confirmed_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Undo. What was confirmed keeps nothing to confirm again."""
    op.execute("DELETE FROM signups WHERE confirmed_at IS NOT NULL")
    op.drop_column("signups", "confirmed_at")
    op.drop_column("signups", "tries")
