"""Tenants: organizations, their addresses and members, projects with their roles, and invitations.

Rows that name two things of a tenant carry its id in a composite foreign key, so that no row can cross tenants.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROLE = pg.ENUM("VIEWER", "OPERATOR", "ADMIN", "OWNER", name="role", create_type=False)
PENDING = "accepted_at IS NULL AND revoked_at IS NULL AND declined_at IS NULL AND replaced_at IS NULL"


def upgrade() -> None:
    """Apply."""
    organizations()
    members()
    projects()
    invitations()


def organizations() -> None:
    """The tenants, and every address that one has or had."""
    op.create_table(
        "organizations",
        *record(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        version(),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
        sa.CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,48}[a-z0-9]$'", name="ck_organizations_slug"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="ck_organizations_name"),
    )
    op.create_index("uq_organizations_slug", "organizations", ["slug"], unique=True)
    op.create_table(
        "organization_slugs",
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("slug", name="pk_organization_slugs"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_organization_slugs_organization_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_organization_slugs_organization_id", "organization_slugs", ["organization_id"])
    op.execute("""
        CREATE FUNCTION keep_organization_slug() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO organization_slugs (slug, organization_id) VALUES (NEW.slug, NEW.id)
          ON CONFLICT (slug) DO NOTHING;
          PERFORM FROM organization_slugs WHERE slug = NEW.slug AND organization_id = NEW.id;
          IF NOT FOUND THEN
            RAISE unique_violation USING CONSTRAINT = 'uq_organization_slugs_slug',
              MESSAGE = 'another organization has or had this address';
          END IF;
          RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER keep_organization_slug AFTER INSERT OR UPDATE OF slug ON organizations
        FOR EACH ROW EXECUTE FUNCTION keep_organization_slug()
    """)


def members() -> None:
    """Who belongs to an organization; and that an Owner who can log in always does."""
    op.create_table(
        "organization_members",
        *record(),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("role", ROLE, nullable=False),
        version(),
        sa.PrimaryKeyConstraint("id", name="pk_organization_members"),
        sa.UniqueConstraint("organization_id", "user_id", name="uq_organization_members_organization_id_user_id"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_organization_members_organization_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_organization_members_user_id"),
    )
    op.create_index("ix_organization_members_user_id", "organization_members", ["user_id"])
    # Counting alone is not enough: two Owners who step down at once each see the other. So the organization is locked
    # first, and what is counted is what the other transaction left. Deferred, so that one transaction may hand over.
    op.execute("""
        CREATE FUNCTION keep_an_owner(organization uuid) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
          PERFORM FROM organizations WHERE id = organization AND deleted_at IS NULL FOR NO KEY UPDATE;
          IF NOT FOUND THEN
            RETURN;
          END IF;
          PERFORM FROM organization_members m JOIN users u ON u.id = m.user_id
          WHERE m.organization_id = organization AND m.role = 'OWNER' AND u.deactivated_at IS NULL;
          IF NOT FOUND THEN
            RAISE check_violation USING CONSTRAINT = 'organization_keeps_an_owner',
              MESSAGE = 'an organization needs at least one active Owner';
          END IF;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION keep_an_owner_of_organization() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          PERFORM keep_an_owner(NEW.id);
          RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION keep_an_owner_of_membership() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          PERFORM keep_an_owner(OLD.organization_id);
          RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION keep_an_owner_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          PERFORM keep_an_owner(organization_id) FROM (
            SELECT organization_id FROM organization_members WHERE user_id = NEW.id AND role = 'OWNER'
            ORDER BY organization_id
          ) owned;
          RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE CONSTRAINT TRIGGER keep_an_owner AFTER INSERT OR UPDATE OF deleted_at ON organizations
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep_an_owner_of_organization()
    """)
    op.execute("""
        CREATE CONSTRAINT TRIGGER keep_an_owner AFTER UPDATE OR DELETE ON organization_members
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.role = 'OWNER')
        EXECUTE FUNCTION keep_an_owner_of_membership()
    """)
    op.execute("""
        CREATE CONSTRAINT TRIGGER keep_an_owner AFTER UPDATE OF deactivated_at ON users
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN (OLD.deactivated_at IS NULL AND NEW.deactivated_at IS NOT NULL)
        EXECUTE FUNCTION keep_an_owner_of_user()
    """)


def projects() -> None:
    """Projects, and what is set on one for a person."""
    op.create_table(
        "projects",
        *record(),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("access", sa.Text, nullable=False, server_default=sa.text("'organization'")),
        version(),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("archived_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("id", "organization_id", name="uq_projects_id_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_projects_organization_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("access IN ('organization', 'restricted')", name="ck_projects_access"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="ck_projects_name"),
    )
    op.create_index(
        "uq_projects_organization_id_name", "projects", ["organization_id", sa.text("lower(name)")], unique=True
    )
    op.create_table(
        "project_members",
        *record(),
        sa.Column("project_id", sa.Uuid, nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("role", ROLE),
        sa.Column("inherited_from_org", sa.Boolean, sa.Computed("role IS NULL", persisted=True), nullable=False),
        sa.Column("follows_user_id", sa.Uuid, sa.Computed("CASE WHEN role IS NULL THEN user_id END", persisted=True)),
        sa.Column("granted_by", sa.Uuid),
        version(),
        sa.PrimaryKeyConstraint("id", name="pk_project_members"),
        sa.UniqueConstraint("project_id", "user_id", name="uq_project_members_project_id_user_id"),
        sa.ForeignKeyConstraint(
            ["project_id", "organization_id"],
            ["projects.id", "projects.organization_id"],
            name="fk_project_members_project_id_organization_id",
            ondelete="CASCADE",
        ),
        # Only where the row follows the organization: then it needs the membership, and ends with it.
        sa.ForeignKeyConstraint(
            ["organization_id", "follows_user_id"],
            ["organization_members.organization_id", "organization_members.user_id"],
            name="fk_project_members_organization_id_follows_user_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_project_members_user_id"),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["users.id"], name="fk_project_members_granted_by", ondelete="SET NULL"
        ),
    )
    op.create_index("ix_project_members_organization_id_user_id", "project_members", ["organization_id", "user_id"])
    op.create_index("ix_project_members_user_id", "project_members", ["user_id"])


def invitations() -> None:
    """Offers of a role. At most one end, and at most one pending for an address."""
    op.create_table(
        "invitations",
        *record(),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("project_id", sa.Uuid),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text, nullable=False),
        sa.Column("role", ROLE, nullable=False),
        sa.Column("message", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("invited_by", sa.Uuid, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.Column("accepted_by", sa.Uuid),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("declined_at", sa.DateTime(timezone=True)),
        sa.Column("replaced_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_invitations_organization_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "organization_id"],
            ["projects.id", "projects.organization_id"],
            name="fk_invitations_project_id_organization_id",
            ondelete="SET NULL (project_id)",
        ),
        sa.ForeignKeyConstraint(["invited_by"], ["users.id"], name="fk_invitations_invited_by"),
        sa.ForeignKeyConstraint(["accepted_by"], ["users.id"], name="fk_invitations_accepted_by"),
        sa.CheckConstraint(
            "num_nonnulls(accepted_at, revoked_at, declined_at, replaced_at) <= 1", name="ck_invitations_one_end"
        ),
        sa.CheckConstraint("length(message) <= 500", name="ck_invitations_message"),
    )
    op.create_index(
        "uq_invitations_pending",
        "invitations",
        ["organization_id", "project_id", "email_key"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text(PENDING),
    )
    op.create_index(
        "ix_invitations_project_id", "invitations", ["project_id"], postgresql_where=sa.text("project_id IS NOT NULL")
    )
    op.create_index("ix_invitations_email_key", "invitations", ["email_key"], postgresql_where=sa.text(PENDING))
    op.create_index(
        "ix_invitations_invited_by",
        "invitations",
        ["organization_id", "invited_by"],
        postgresql_where=sa.text(PENDING),
    )


def downgrade() -> None:
    """Undo."""
    op.execute("DROP TRIGGER keep_an_owner ON users")
    for table in (
        "invitations",
        "project_members",
        "projects",
        "organization_members",
        "organization_slugs",
        "organizations",
    ):
        op.drop_table(table)
    for function in (
        "keep_an_owner_of_user()",
        "keep_an_owner_of_membership()",
        "keep_an_owner_of_organization()",
        "keep_an_owner(uuid)",
        "keep_organization_slug()",
    ):
        op.execute(f"DROP FUNCTION {function}")


def record() -> list[sa.Column]:
    """The columns every table begins with."""
    return [
        sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("uuid_v7()")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    ]


def version() -> sa.Column:
    """What a page that edits the row was shown, to notice that somebody else changed it since."""
    return sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1"))
