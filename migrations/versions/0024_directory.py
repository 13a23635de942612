"""The directory: the members of each organization in the orders in which they are listed, and how many there are.

Names are columns of the accounts. To list an organization by them, its members' accounts would all be read each time;
the directory has beside each membership what lists are ordered and narrowed by, in indexes that begin with the tenant.
Triggers keep it, by whatever door a change comes.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ENUM

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

WEB = "freehold_web"
# As in 0009.
ENTERED = "ANY ((SELECT nullif(current_setting('freehold.organization_ids', true), '')::uuid[])::uuid[])"
AS_OWNER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp"
ME = "(SELECT nullif(current_setting('freehold.user_id', true), '')::uuid)"
ROLE = ENUM("VIEWER", "OPERATOR", "ADMIN", "OWNER", name="role", create_type=False)

LISTED = """
    SELECT m.organization_id, m.user_id, m.role, m.created_at, u.search_text, u.second_factor_at IS NOT NULL
    FROM {members} m JOIN users u ON u.id = m.user_id
"""
ENTRY = "directory (organization_id, user_id, role, joined_at, search_text, two_step)"
COUNTED = "SELECT organization_id, role, count(*) AS number FROM {members} GROUP BY organization_id, role"

# The oldest transaction that still runs: what any later statement sees and this one does not, it or a later one wrote.
NOW = "pg_snapshot_xmin(pg_current_snapshot())::xid::text"

FUNCTIONS = {
    # Whoever is renamed in this moment is waited for: FOR SHARE, and the next statement sees what came of it.
    "list_members": f"""
        PERFORM FROM users u JOIN changed m ON m.user_id = u.id ORDER BY u.id FOR SHARE OF u;
        INSERT INTO {ENTRY} {LISTED.format(members="changed")};
    """,
    "list_role": """
        UPDATE directory SET role = NEW.role WHERE organization_id = NEW.organization_id AND user_id = NEW.user_id;
    """,
    "list_person": """
        UPDATE directory SET search_text = NEW.search_text, two_step = NEW.second_factor_at IS NOT NULL
        WHERE user_id = NEW.id;
    """,
    "count_members": f"""
        -- Nothing to take from where the organization itself is deleted.
        IF TG_OP <> 'INSERT' THEN
          UPDATE member_counts c SET members = c.members - w.number FROM ({COUNTED.format(members="was")}) w
          WHERE c.organization_id = w.organization_id AND c.role = w.role;
        END IF;
        IF TG_OP <> 'DELETE' THEN
          INSERT INTO member_counts AS c (organization_id, role, members)
          {COUNTED.format(members="changed")} ORDER BY organization_id, role
          ON CONFLICT (organization_id, role) DO UPDATE SET members = c.members + excluded.members;
        END IF;
    """,
}
TRIGGERS = {
    "list_members": "AFTER INSERT ON organization_members REFERENCING NEW TABLE AS changed FOR EACH STATEMENT",
    "list_role": "AFTER UPDATE ON organization_members FOR EACH ROW WHEN (OLD.role <> NEW.role)",
    "list_person": "AFTER UPDATE ON users FOR EACH ROW WHEN ((OLD.search_text, OLD.second_factor_at IS NULL)"
    " IS DISTINCT FROM (NEW.search_text, NEW.second_factor_at IS NULL))",
}
COUNTING = {
    "INSERT": "NEW TABLE AS changed",
    "UPDATE": "OLD TABLE AS was NEW TABLE AS changed",
    "DELETE": "OLD TABLE AS was",
}

MEMBERS_OF_MINE = """
    CREATE OR REPLACE FUNCTION members_of_mine(organization uuid) RETURNS bigint {as_owner} AS $$ BEGIN
      RETURN (SELECT {number} WHERE organization_id = organization
        AND EXISTS (SELECT FROM organization_members WHERE organization_id = organization AND user_id = {me}));
    END $$
"""


def upgrade() -> None:
    """Apply. All that takes long comes before the first lock for which a writer of the application waits."""
    tables()
    for name, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger {AS_OWNER} AS $$ BEGIN {body} RETURN NULL; END $$")
        op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")
    op.execute(f"SELECT set_config('freehold.filled_from', {NOW}, true)")
    op.execute(f"INSERT INTO {ENTRY} {LISTED.format(members='organization_members')}")
    indexes()
    op.execute(f"INSERT INTO member_counts {COUNTED.format(members='directory')}")
    op.execute("ANALYZE directory, member_counts")
    triggers()
    catch_up()
    keys()
    number = "coalesce(sum(members), 0) FROM member_counts"
    op.execute(MEMBERS_OF_MINE.format(as_owner=AS_OWNER, me=ME, number=number))


def tables() -> None:
    """Make what is kept, without the keys that lead elsewhere; the web role reads its tenant's rows."""
    op.create_table(
        "directory",
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("role", ROLE, nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("two_step", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "user_id", name="pk_directory"),
    )
    op.create_table(
        "member_counts",
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("role", ROLE, nullable=False),
        sa.Column("members", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "role", name="pk_member_counts"),
        sa.CheckConstraint("members >= 0", name="ck_member_counts_members"),
    )
    for table in ("directory", "member_counts"):
        op.execute(f"GRANT SELECT ON {table} TO {WEB}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
        op.execute(f"CREATE POLICY tenant ON {table} TO {WEB} USING (organization_id = {ENTERED})")


def triggers() -> None:
    """Keep it from here on: until the commit, whoever changes members or accounts waits."""
    for name, when in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()")
    for event, seen in COUNTING.items():
        op.execute(f"""
            CREATE TRIGGER count_members_{event.lower()} AFTER {event} ON organization_members REFERENCING {seen}
            FOR EACH STATEMENT EXECUTE FUNCTION count_members()
        """)


def catch_up() -> None:
    """Bring in what was changed while the directory was filled: rows that a later transaction wrote, or deleted.

    Whose they are is put into a table to be analyzed: how many, no plan could guess. Entries without a member are only
    looked for where there are more of them than members.
    """
    late = "age(xmin) <= (SELECT age(current_setting('freehold.filled_from')::xid))"
    op.execute(f"""
        CREATE TEMPORARY TABLE late_people ON COMMIT DROP AS
        SELECT user_id FROM organization_members WHERE {late} UNION SELECT id FROM users WHERE {late}
    """)
    op.execute("ANALYZE late_people")
    op.execute(f"""
        INSERT INTO {ENTRY} {LISTED.format(members="organization_members")} JOIN late_people p ON p.user_id = m.user_id
        ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role, joined_at = excluded.joined_at,
          search_text = excluded.search_text, two_step = excluded.two_step
    """)
    op.execute("""
        CREATE TEMPORARY TABLE late_places ON COMMIT DROP AS
        SELECT organization_id FROM organization_members JOIN late_people USING (user_id)
    """)
    op.execute("""
        WITH gone AS (
          DELETE FROM directory d
          WHERE (SELECT count(*) FROM directory) <> (SELECT count(*) FROM organization_members) AND NOT EXISTS (
            SELECT FROM organization_members m WHERE m.organization_id = d.organization_id AND m.user_id = d.user_id)
          RETURNING organization_id)
        INSERT INTO late_places SELECT organization_id FROM gone
    """)
    there = "(SELECT * FROM directory WHERE organization_id IN (SELECT organization_id FROM late_places)) d"
    op.execute("ANALYZE late_places")
    op.execute("DELETE FROM member_counts WHERE organization_id IN (SELECT organization_id FROM late_places)")
    op.execute(f"INSERT INTO member_counts {COUNTED.format(members=there)}")


def keys() -> None:
    """Let entries and counts end with what they are of."""
    op.create_foreign_key(
        "fk_directory_organization_id_user_id",
        "directory",
        "organization_members",
        ["organization_id", "user_id"],
        ["organization_id", "user_id"],
        ondelete="CASCADE",
    )
    op.create_foreign_key(
        "fk_member_counts_organization_id",
        "member_counts",
        "organizations",
        ["organization_id"],
        ["id"],
        ondelete="CASCADE",
    )


def indexes() -> None:
    """One for each order, with all that narrows in it, so that the table itself is read for no more than a page."""
    op.create_index("ix_directory_user_id", "directory", ["user_id"])
    orders: dict[str, list[Any]] = {"name": [], "role": ["role"], "joined_at": ["joined_at"]}
    orders["role_desc"] = [sa.text("role DESC")]
    for name, first in orders.items():
        columns = ["organization_id", *first, "search_text", "user_id"]
        op.create_index(f"ix_directory_by_{name}", "directory", columns, postgresql_include=["two_step"])


def downgrade() -> None:
    """Undo."""
    number = "count(*) FROM organization_members"
    op.execute(MEMBERS_OF_MINE.format(as_owner=AS_OWNER, me=ME, number=number))
    for event in COUNTING:
        op.execute(f"DROP TRIGGER count_members_{event.lower()} ON organization_members")
    for name, when in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {when.split(' ON ')[1].split()[0]}")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
    op.drop_table("member_counts")
    op.drop_table("directory")
