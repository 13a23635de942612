"""Projects are sorted and searched by their folded name, which is kept.

It was made anew for every project of an organization, once for each reading of the list and twice for each search: with
ten thousand projects, two thirds of what the page took in a small database.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. The table is written anew behind its lock: a second for 100,000 projects."""
    op.add_column("projects", sa.Column("folded", sa.Text, sa.Computed("fold(name)", persisted=True), nullable=False))


def downgrade() -> None:
    """Take back."""
    op.drop_column("projects", "folded")
