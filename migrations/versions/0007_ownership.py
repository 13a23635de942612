"""Ownership and endings: offers of ownership, mail that ends with its organization, farewells to deleted accounts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROLE = pg.ENUM("VIEWER", "OPERATOR", "ADMIN", "OWNER", name="role", create_type=False)
OPEN = "accepted_at IS NULL AND declined_at IS NULL AND cancelled_at IS NULL"


def upgrade() -> None:
    """Apply."""
    offers()
    mail()
    op.create_table(
        "farewells",
        *record(),
        sa.Column("email", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_farewells"),
    )
    # Counting Owners whose accounts are active is worth nothing against somebody who deactivates one in this moment: so
    # the account that is counted on is held until the commit.
    op.execute(keep_an_owner("LIMIT 1 FOR SHARE OF u"))


def offers() -> None:
    """An Owner's offer to a member. Whoever leaves takes it along; at most one is open, and it comes to one end."""
    op.create_table(
        "ownership_offers",
        *record(),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("nominee_id", sa.Uuid, nullable=False),
        sa.Column("offered_by", sa.Uuid, nullable=False),
        sa.Column("former_role", ROLE, nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.Column("declined_at", sa.DateTime(timezone=True)),
        sa.Column("cancelled_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_ownership_offers"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_ownership_offers_organization_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["nominee_id"], ["users.id"], name="fk_ownership_offers_nominee_id"),
        sa.ForeignKeyConstraint(["offered_by"], ["users.id"], name="fk_ownership_offers_offered_by"),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", person],
                ["organization_members.organization_id", "organization_members.user_id"],
                name=f"fk_ownership_offers_organization_id_{person}",
                ondelete="CASCADE",
            )
            for person in ("nominee_id", "offered_by")
        ),
        sa.CheckConstraint("num_nonnulls(accepted_at, declined_at, cancelled_at) <= 1", name="ck_ownership_offers_end"),
        sa.CheckConstraint("nominee_id <> offered_by", name="ck_ownership_offers_people"),
    )
    op.create_index(
        "uq_ownership_offers_open", "ownership_offers", ["organization_id"], unique=True, postgresql_where=sa.text(OPEN)
    )
    op.create_index("ix_ownership_offers_organization_id", "ownership_offers", ["organization_id"])
    # An offer stands on two roles: its sender's, who must be an Owner, and the nominee's, who is none yet. Whatever
    # door changes one of them ends it, so that none comes back to life with the next promotion.
    op.execute("""
        CREATE FUNCTION cancel_ownership_offers() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          UPDATE ownership_offers SET cancelled_at = now()
          WHERE organization_id = NEW.organization_id
            AND num_nonnulls(accepted_at, declined_at, cancelled_at) = 0
            AND (offered_by = NEW.user_id AND NEW.role <> 'OWNER' OR nominee_id = NEW.user_id AND NEW.role = 'OWNER');
          RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER cancel_ownership_offers AFTER UPDATE OF role ON organization_members
        FOR EACH ROW WHEN (OLD.role <> NEW.role) EXECUTE FUNCTION cancel_ownership_offers()
    """)


def mail() -> None:
    """Mail about a tenant's thing ends with the tenant."""
    op.add_column("outgoing_mail", sa.Column("organization_id", sa.Uuid))
    op.create_foreign_key(
        "fk_outgoing_mail_organization_id",
        "outgoing_mail",
        "organizations",
        ["organization_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(
        "ix_outgoing_mail_organization_id",
        "outgoing_mail",
        ["organization_id"],
        postgresql_where=sa.text("organization_id IS NOT NULL"),
    )
    op.execute("""
        UPDATE outgoing_mail SET organization_id = invitations.organization_id
        FROM invitations WHERE invitations.id = outgoing_mail.subject_id
    """)


def downgrade() -> None:
    """Undo."""
    op.execute(keep_an_owner(""))
    op.drop_table("farewells")
    op.drop_column("outgoing_mail", "organization_id")
    op.execute("DROP TRIGGER cancel_ownership_offers ON organization_members")
    op.execute("DROP FUNCTION cancel_ownership_offers()")
    op.drop_table("ownership_offers")


def keep_an_owner(hold: str) -> str:
    """The rule of 0003, with how it holds the account that it counts on."""
    return f"""
        CREATE OR REPLACE FUNCTION keep_an_owner(organization uuid) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
          PERFORM FROM organizations WHERE id = organization AND deleted_at IS NULL FOR NO KEY UPDATE;
          IF NOT FOUND THEN
            RETURN;
          END IF;
          PERFORM FROM organization_members m JOIN users u ON u.id = m.user_id
          WHERE m.organization_id = organization AND m.role = 'OWNER' AND u.deactivated_at IS NULL {hold};
          IF NOT FOUND THEN
            RAISE check_violation USING CONSTRAINT = 'organization_keeps_an_owner',
              MESSAGE = 'an organization needs at least one active Owner';
          END IF;
        END $$
    """


def record() -> list[sa.Column]:
    """The columns every table begins with."""
    return [
        sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("uuid_v7()")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    ]
