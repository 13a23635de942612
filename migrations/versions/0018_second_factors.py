"""Two-step verification: authenticator apps and recovery codes."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("recovery", sa.LargeBinary(), nullable=False),
        sa.Column("recovery_used", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("recovery_shown_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("user_id", name="pk_second_factors"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_second_factors_user_id", ondelete="CASCADE"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON second_factors TO freehold_web")
    op.add_column("users", sa.Column("second_factor_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Undo. People log in by their password alone."""
    op.drop_column("users", "second_factor_at")
    op.drop_table("second_factors")
