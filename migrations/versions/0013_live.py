"""Live pages: each change tells who listens on the channel `live`, with its commit and by whatever door it came.

What is told names rows by their keys: which topic of which organization, on which project, and the people whom it
concerns themselves. Who may hear of it is not decided here, but by access/hearing.py, when it arrives.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WEB = "freehold_web"
AS_OWNER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp"
TELL = "tell_live(text, uuid, uuid, uuid[], boolean, boolean)"
MOST = 100  # people in one notification, which holds less than 8,000 bytes

# By table: what a statement tells, of all the rows that it changed: `changed` has them as they are or, deleted, were.
STATEMENTS = {
    "organization_members": """
        PERFORM tell_live('members', organization_id, people => array_agg(DISTINCT user_id), rights => true)
        FROM changed GROUP BY organization_id;
        -- Where they are named on a project, its list of people says something else now.
        PERFORM tell_live('access', p.organization_id, p.project_id)
        FROM project_members p JOIN changed c ON c.organization_id = p.organization_id AND c.user_id = p.user_id;
    """,
    "project_members": """
        PERFORM tell_live('access', organization_id, project_id, array_agg(DISTINCT user_id), rights => true)
        FROM changed GROUP BY organization_id, project_id;
    """,
    "invitations": """
        PERFORM tell_live('invitations', organization_id) FROM changed GROUP BY organization_id;
        PERFORM tell_live('organizations', people => array_agg(DISTINCT u.id))
        FROM users u JOIN changed c ON c.email_key = u.email_key
        WHERE u.email_verified_at IS NOT NULL HAVING count(*) > 0;
    """,
    "audit_events": """
        PERFORM tell_live('audit', organization_id) FROM changed
        WHERE organization_id IS NOT NULL GROUP BY organization_id;
    """,
    "sessions": """
        PERFORM tell_live('sessions', people => array_agg(DISTINCT user_id)) FROM changed HAVING count(*) > 0;
    """,
}
SEEN = {"INSERT": "NEW TABLE AS changed", "UPDATE": "NEW TABLE AS changed", "DELETE": "OLD TABLE AS changed"}
ONLY = {"audit_events": ("INSERT",), "sessions": ("INSERT", "DELETE")}  # an update only keeps a session alive

# By table: which change of a row tells something, and what.
ANY_CHANGE, UPDATE = "INSERT OR UPDATE OR DELETE", "UPDATE"
ROWS = {
    "projects": (
        ANY_CHANGE,
        "true",
        """
        PERFORM tell_live('projects', coalesce(NEW.organization_id, OLD.organization_id), coalesce(NEW.id, OLD.id),
          open => coalesce('organization' IN (NEW.access, OLD.access), false));
        """,
    ),
    "ownership_offers": (
        ANY_CHANGE,
        "true",
        """
        PERFORM tell_live('ownership', coalesce(NEW.organization_id, OLD.organization_id),
          people => ARRAY[coalesce(NEW.nominee_id, OLD.nominee_id), coalesce(NEW.offered_by, OLD.offered_by)]);
        """,
    ),
    "organizations": (
        UPDATE,
        "(OLD.name, OLD.slug, OLD.deleted_at) IS DISTINCT FROM (NEW.name, NEW.slug, NEW.deleted_at)",
        """
        PERFORM tell_live('organization', NEW.id);
        PERFORM tell_live('organizations', people => array_agg(user_id)) FROM (
          SELECT user_id FROM organization_members WHERE organization_id = NEW.id
          UNION SELECT user_id FROM project_members WHERE organization_id = NEW.id) everyone
        HAVING count(*) > 0;
        """,
    ),
    "outgoing_mail": (
        UPDATE,
        "NEW.organization_id IS NOT NULL AND (OLD.state, OLD.last_error) IS DISTINCT FROM (NEW.state, NEW.last_error)",
        "PERFORM tell_live('invitations', NEW.organization_id);",
    ),
    "users": (
        UPDATE,
        "(OLD.name, OLD.email, OLD.credential_epoch, OLD.deactivated_at)"
        " IS DISTINCT FROM (NEW.name, NEW.email, NEW.credential_epoch, NEW.deactivated_at)",
        """
        PERFORM tell_live('sessions', people => ARRAY[NEW.id]);
        PERFORM tell_live('members', organization_id) FROM organization_members WHERE user_id = NEW.id;
        PERFORM tell_live('access', organization_id, project_id) FROM project_members WHERE user_id = NEW.id;
        """,
    ),
}


def upgrade() -> None:
    """Apply."""
    # A session's end tells the pages it had open; the gate's view says until when each of them lives by itself.
    op.execute("""
        CREATE OR REPLACE VIEW gate_sessions AS
        SELECT s.sid, s.id, s.sess, s.created_at, s.last_seen_at, s.credential_epoch, s.user_id,
               u.email, u.email_key, u.name, u.email_verified_at, s.expire
        FROM sessions s
        JOIN users u ON u.id = s.user_id AND u.credential_epoch = s.credential_epoch AND u.deactivated_at IS NULL
        WHERE s.expire > clock_timestamp()
    """)
    telling()
    for table, body in STATEMENTS.items():
        function(table, body)
        for event in ONLY.get(table, SEEN):
            op.execute(f"""
                CREATE TRIGGER tell_live_{event.lower()} AFTER {event} ON {table} REFERENCING {SEEN[event]}
                FOR EACH STATEMENT EXECUTE FUNCTION tell_live_of_{table}()
            """)
    for table, (events, when, body) in ROWS.items():
        function(table, body)
        op.execute(f"""
            CREATE TRIGGER tell_live AFTER {events} ON {table} FOR EACH ROW WHEN ({when})
            EXECUTE FUNCTION tell_live_of_{table}()
        """)


def telling() -> None:
    """The one sentence that is told; of many people, in several notifications. `tab` is the page that asked for it."""
    op.execute(f"""
        CREATE FUNCTION tell_live(
          topic text, organization uuid DEFAULT NULL, project uuid DEFAULT NULL, people uuid[] DEFAULT '{{}}',
          rights boolean DEFAULT false, open boolean DEFAULT false) RETURNS void
        {AS_OWNER} AS $$
        BEGIN
          FOR place IN 1 .. greatest(cardinality(people), 1) BY {MOST} LOOP
            PERFORM pg_notify('live', json_strip_nulls(json_build_object(
              'topic', topic, 'organization', organization, 'project', project,
              'people', people[place : place + {MOST - 1}], 'rights', rights, 'open', open,
              'tab', nullif(current_setting('freehold.tab', true), '')))::text);
          END LOOP;
        END $$
    """)
    op.execute(f"REVOKE ALL ON FUNCTION {TELL} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {TELL} TO {WEB}")


def function(table: str, body: str) -> None:
    """Make the function of a table's triggers, which looks past row-level security: people are elsewhere as well."""
    op.execute(f"""
        CREATE FUNCTION tell_live_of_{table}() RETURNS trigger {AS_OWNER} AS $$
        BEGIN
          {body}
          RETURN NULL;
        END $$
    """)


def downgrade() -> None:
    """Undo. The view keeps its column, which does no harm."""
    for table in (*STATEMENTS, *ROWS):
        op.execute(f"DROP FUNCTION tell_live_of_{table}() CASCADE")
    op.execute(f"DROP FUNCTION {TELL}")
