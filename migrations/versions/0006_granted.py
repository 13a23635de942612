"""Who gave a member their role and when; who last changed an organization's and a project's details."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BY = {"organization_members": "granted_by", "organizations": "updated_by", "projects": "updated_by"}


def upgrade() -> None:
    """Apply."""
    for table, column in BY.items():
        op.add_column(table, sa.Column(column, sa.Uuid))
        op.create_foreign_key(f"fk_{table}_{column}", table, "users", [column], ["id"], ondelete="SET NULL")
    op.add_column(
        "organization_members",
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    # Of members from before, what is known is when they joined. Not by UPDATE: its deferred triggers would be pending,
    # and no table with those can be altered.
    op.execute("ALTER TABLE organization_members ALTER granted_at TYPE timestamptz USING created_at")


def downgrade() -> None:
    """Undo."""
    op.drop_column("organization_members", "granted_at")
    for table, column in BY.items():
        op.drop_column(table, column)
