"""Whom an organization knows: everybody who belongs to it, or did, with what they are searched by.

The audit log is asked for people by a part of their name. To find those who left, all that it says of leaving was read
each time: with two million such events, a fifth of a second.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

WEB = "freehold_web"
# As in 0009.
ENTERED = "ANY ((SELECT nullif(current_setting('freehold.organization_ids', true), '')::uuid[])::uuid[])"
AS_OWNER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp"

KNOW = """
    INSERT INTO known_people (organization_id, user_id, search_text)
    SELECT DISTINCT w.organization_id, w.user_id, u.search_text FROM {who} w JOIN users u ON u.id = w.user_id
    ORDER BY w.organization_id, w.user_id ON CONFLICT DO NOTHING
"""
FUNCTIONS = {
    # Whoever is renamed in this moment is waited for: FOR SHARE, and the next statement sees what came of it.
    "know_people": f"""
        PERFORM FROM users u JOIN changed c ON c.user_id = u.id ORDER BY u.id FOR SHARE OF u;
        {KNOW.format(who="changed")};
    """,
    "know_by_name": "UPDATE known_people SET search_text = NEW.search_text WHERE user_id = NEW.id;",
}
COME_BY = ("organization_members", "project_members")
BY_NAME = "AFTER UPDATE ON users FOR EACH ROW WHEN (OLD.search_text <> NEW.search_text)"
WERE_HERE = """(
    SELECT organization_id, user_id FROM organization_members
    UNION SELECT organization_id, user_id FROM project_members
    UNION SELECT e.organization_id, e.subject_id FROM audit_events e JOIN organizations o ON o.id = e.organization_id
    WHERE e.action IN ('guest.joined', 'member.left', 'member.removed')
)"""


# The oldest transaction that still runs: what any later statement sees and this one does not, it or a later one wrote.
NOW = "pg_snapshot_xmin(pg_current_snapshot())::xid::text"
LATE = "age({}xmin) <= (SELECT age(current_setting('freehold.filled_from')::xid))"


def upgrade() -> None:
    """Apply. All that takes long comes before the first lock for which a writer of the application waits."""
    op.create_table(
        "known_people",
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        # What is searched is in the key's own index: the table is not read.
        sa.PrimaryKeyConstraint(
            "organization_id", "user_id", name="pk_known_people", postgresql_include=["search_text"]
        ),
    )
    op.execute(f"GRANT SELECT ON known_people TO {WEB}")
    op.execute("ALTER TABLE known_people ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner ON known_people TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY tenant ON known_people TO {WEB} USING (organization_id = {ENTERED})")
    for name, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger {AS_OWNER} AS $$ BEGIN {body} RETURN NULL; END $$")
        op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")
    op.execute(f"SELECT set_config('freehold.filled_from', {NOW}, true)")
    op.execute(KNOW.format(who=WERE_HERE))
    op.create_index("ix_known_people_user_id", "known_people", ["user_id"])
    op.execute("ANALYZE known_people")
    triggers()
    catch_up()
    for column, table in (("organization_id", "organizations"), ("user_id", "users")):
        name = f"fk_known_people_{column}"
        op.create_foreign_key(name, "known_people", table, [column], ["id"], ondelete="CASCADE")


def triggers() -> None:
    """Keep it from here on: until the commit, whoever changes members or accounts waits."""
    for table in COME_BY:
        op.execute(f"""
            CREATE TRIGGER know_people AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION know_people()
        """)
    op.execute(f"CREATE TRIGGER know_by_name {BY_NAME} EXECUTE FUNCTION know_by_name()")


def catch_up() -> None:
    """Bring in what was changed while the table was filled: rows that a later transaction wrote, or deleted."""
    late = LATE.format("")
    came = " UNION ".join(
        f"SELECT organization_id, user_id FROM {table} WHERE {late}"
        for table in ("organization_members", "project_members")
    )
    op.execute(KNOW.format(who=f"({came})"))
    op.execute(f"""
        UPDATE known_people k SET search_text = u.search_text FROM users u
        WHERE {LATE.format("u.")} AND u.id = k.user_id AND u.search_text <> k.search_text
    """)
    op.execute("""
        DELETE FROM known_people k WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = k.user_id)
          OR NOT EXISTS (SELECT FROM organizations o WHERE o.id = k.organization_id)
    """)


def downgrade() -> None:
    """Undo."""
    for table in COME_BY:
        op.execute(f"DROP TRIGGER know_people ON {table}")
    op.execute("DROP TRIGGER know_by_name ON users")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
    op.drop_table("known_people")
