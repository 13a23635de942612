"""Row-level security: the web works as a role of its own, to which each tenant table shows one tenant.

The tables stay their owner's, for migrations and purges. The web role owns nothing and bypasses nothing. What
it must know before a tenant is entered, it sees through views and functions of the owner.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WEB = "freehold_web"
# Empty for whoever entered nothing; and a setting that was set before in this connection is '', not NULL.
ENTERED = "ANY ((SELECT nullif(current_setting('freehold.organization_ids', true), '')::uuid[])::uuid[])"
TENANT = f"organization_id = {ENTERED}"
ME = "(SELECT nullif(current_setting('freehold.user_id', true), '')::uuid)"
# Compared as text by texteq, which is leakproof: an index may serve it before the policy does.
MY_ADDRESS = "(SELECT nullif(current_setting('freehold.email_key', true), ''))"
RIGHTS = {
    "users": "SELECT, INSERT, UPDATE",
    "signups": "SELECT, INSERT, UPDATE, DELETE",
    "one_time_tokens": "SELECT, INSERT, UPDATE, DELETE",
    "outgoing_mail": "SELECT, INSERT, UPDATE, DELETE",
    "rate_limits": "SELECT, INSERT, UPDATE, DELETE",
    "organizations": "SELECT, INSERT, UPDATE",
    "organization_slugs": "SELECT",
    "organization_members": "SELECT, INSERT, UPDATE, DELETE",
    "projects": "SELECT, INSERT, UPDATE, DELETE",
    "project_members": "SELECT, INSERT, UPDATE, DELETE",
    "invitations": "SELECT, INSERT, UPDATE",
    "ownership_offers": "SELECT, INSERT, UPDATE, DELETE",
    "farewells": "SELECT, INSERT, UPDATE, DELETE",
    "audit_events": "SELECT",
    "audit_heads": "SELECT",
    "refusal_counts": "SELECT, INSERT, UPDATE, DELETE",
    "alembic_version": "SELECT",
    "gate_sessions": "SELECT",
    "gate_places": "SELECT",
}

OF_TENANT = (
    *("organization_members", "projects", "project_members", "invitations", "ownership_offers"),
    "audit_events",
)

# Which rows are a person's own, before a tenant is entered.
OWN = {
    "organization_members": f"user_id = {ME}",
    "project_members": f"user_id = {ME}",
    "invitations": f"email_key = {MY_ADDRESS}",
    "organizations": f"id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = {ME}"
    f" UNION ALL SELECT g.organization_id FROM project_members g WHERE g.user_id = {ME})",
}

# Rules that look at more than the web role sees run as their owner, or what is hidden would not count.
RULES = (
    "keep_organization_slug()",
    "keep_an_owner_of_organization()",
    "keep_an_owner_of_membership()",
    "keep_an_owner_of_user()",
)
AS_OWNER = "SECURITY DEFINER SET search_path = public, pg_temp"

# The event of a log-in or log-out, written with the session's row or not at all.
SESSION_EVENT = """
        IF changed IS NOT NULL AND NOT renewed THEN
          PERFORM record_audit(jsonb_build_array(jsonb_build_object(
            'action', '{}', 'user_id', person, 'actor_id', person, 'subject_id', changed,
            'ip', address, 'request_id', request)));
        END IF;
"""

PURGEABLE = "deleted_at <= now() - interval '30 days'"

# In PL/pgSQL, whose plans are kept: a function in SQL would be planned anew at every call.
FUNCTIONS = {
    # A password changed between log-in's look and this leaves no session behind: the epoch differs.
    """begin_session(
         new_sid text, data jsonb, whose uuid, epoch integer, idle interval, address inet, browser text,
         request text, renewed boolean)""": (
        "void",
        f"""
        INSERT INTO sessions (sid, sess, user_id, credential_epoch, expire, ip, user_agent)
        SELECT new_sid, data, id, credential_epoch, now() + idle, address, browser
        FROM users WHERE id = whose AND credential_epoch = epoch AND deactivated_at IS NULL
        RETURNING id, user_id INTO changed, person;
        {SESSION_EVENT.format("session.began")}
        """,
    ),
    # Never an upsert: a session that was ended while the request ran must not come back.
    "keep_session(its_sid text, new_sess jsonb, idle interval, longest interval)": (
        "void",
        """
        UPDATE sessions SET sess = new_sess, last_seen_at = now(), expire = least(now() + idle, created_at + longest)
        WHERE sid = its_sid;
        """,
    ),
    "end_session(its_sid text, address inet, request text, renewed boolean)": (
        "void",
        f"""
        DELETE FROM sessions WHERE sid = its_sid RETURNING id, user_id INTO changed, person;
        {SESSION_EVENT.format("session.ended")}
        """,
    ),
    "end_sessions(whose uuid)": ("void", "DELETE FROM sessions WHERE user_id = whose;"),
    "delete_expired_sessions(most integer)": (
        "bigint",
        """
        DELETE FROM sessions WHERE sid IN (
          SELECT sid FROM sessions WHERE expire <= now() LIMIT most FOR UPDATE SKIP LOCKED);
        GET DIAGNOSTICS gone = ROW_COUNT;
        RETURN gone;
        """,
    ),
    # What nobody may restore any more goes for good. The rule stands here, so that no door can purge earlier.
    "purgeable_organizations()": (
        "SETOF uuid",
        f"RETURN QUERY SELECT id FROM organizations WHERE {PURGEABLE};",
    ),
    "purge_organization(organization uuid)": (
        "boolean",
        f"""
        DELETE FROM organizations WHERE id IN (
          SELECT id FROM organizations WHERE id = organization AND {PURGEABLE} FOR UPDATE SKIP LOCKED);
        RETURN FOUND;
        """,
    ),
    "sessions_of(whose uuid)": (
        "bigint",
        "RETURN (SELECT count(*) FROM sessions WHERE user_id = whose AND expire > now());",
    ),
    # A genuine link names an invitation; the code proves the link after it entered the tenant that this returns.
    "organization_of_invitation(invitation uuid)": (
        "uuid",
        "RETURN (SELECT organization_id FROM invitations WHERE id = invitation);",
    ),
    # How many members one's own organization has, for the list of one's organizations.
    "members_of_mine(organization uuid)": (
        "bigint",
        f"""
        RETURN (SELECT count(*) FROM organization_members WHERE organization_id = organization
          AND EXISTS (SELECT FROM organization_members WHERE organization_id = organization AND user_id = {ME}));
        """,
    ),
}


def upgrade() -> None:
    """Apply."""
    make_web_role()
    gate()
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO {WEB}")
    for table in OF_TENANT:
        protect(table, TENANT)
    protect("organizations", TENANT.replace("organization_id", "id", 1))
    protect("audit_heads", f"chain = {ENTERED}")
    protect("organization_slugs", None)
    op.execute(f"CREATE POLICY anybody ON organization_slugs FOR SELECT TO {WEB} USING (true)")  # addresses are public
    for table, rows in OWN.items():
        op.execute(f"CREATE POLICY own ON {table} FOR SELECT TO {WEB} USING ({rows})")
    for rule in RULES:
        op.execute(f"ALTER FUNCTION {rule} {AS_OWNER}")
    op.execute("REVOKE ALL ON FUNCTION keep_an_owner(uuid) FROM PUBLIC")
    for signature, (returned, body) in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {signature} RETURNS {returned} LANGUAGE plpgsql {AS_OWNER} AS $$"
            f" DECLARE gone bigint; changed uuid; person uuid; BEGIN {body} END $$"
        )
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {WEB}")
    for function in ("record_audit(jsonb)", "purge_audit(uuid, bytea)"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {WEB}")


def make_web_role() -> None:
    """Make the role, which all databases of a server share, unless it is there; and let the owner step down to it."""
    op.execute(f"""
        DO $$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{WEB}') THEN
            BEGIN
              CREATE ROLE {WEB} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION;
            EXCEPTION
              WHEN duplicate_object OR unique_violation THEN NULL;  -- another database was migrated this moment
              WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'As a superuser, run: CREATE ROLE {WEB}; GRANT {WEB} TO %; and migrate again.',
                  quote_ident(current_user);
            END;
          END IF;
          IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{WEB}' AND (rolsuper OR rolbypassrls)) THEN
            RAISE EXCEPTION 'The role {WEB} bypasses row-level security: ALTER ROLE {WEB} NOSUPERUSER NOBYPASSRLS';
          END IF;
          BEGIN
            SET LOCAL ROLE {WEB};
            RESET ROLE;
          EXCEPTION WHEN insufficient_privilege THEN
            BEGIN
              GRANT {WEB} TO CURRENT_USER;
            EXCEPTION WHEN internal_error THEN NULL;  -- the same, by another database's migration
            END;
          END;
        END $$
    """)


def gate() -> None:
    """What the first statement of a request sees: living sessions, and the places of each person.

    Each LIMIT 1 keeps PostgreSQL from plans that are good for most and bad for a few: reading all of somebody's
    thousand memberships, or for a stranger hashing the whole table. The indexes have both columns for the same reason.
    """
    for table in ("organization_members", "project_members"):
        op.create_index(f"ix_{table}_user_id_organization_id", table, ["user_id", "organization_id"])
        op.drop_index(f"ix_{table}_user_id", table)
    op.execute("""
        CREATE VIEW gate_sessions AS
        SELECT s.sid, s.id, s.sess, s.created_at, s.last_seen_at, s.credential_epoch, s.user_id,
               u.email, u.email_key, u.name, u.email_verified_at
        FROM sessions s
        JOIN users u ON u.id = s.user_id AND u.credential_epoch = s.credential_epoch AND u.deactivated_at IS NULL
        WHERE s.expire > clock_timestamp()
    """)
    op.execute("""
        CREATE VIEW gate_places AS
        SELECT u.id AS user_id, o.id, o.name, o.slug, o.version, m.id AS member_id, m.role
        FROM organizations o CROSS JOIN users u
        LEFT JOIN LATERAL (
          SELECT id, role FROM organization_members WHERE organization_id = o.id AND user_id = u.id LIMIT 1) m ON true
        WHERE o.deleted_at IS NULL AND (m.id IS NOT NULL OR (
          SELECT true FROM project_members g WHERE g.organization_id = o.id AND g.user_id = u.id LIMIT 1))
    """)


def protect(table: str, rows: str | None) -> None:
    """Let the owner see all of a table, and the web role the rows of the tenant that it entered."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
    if rows:
        op.execute(f"CREATE POLICY tenant ON {table} TO {WEB} USING ({rows}) WITH CHECK ({rows})")


def downgrade() -> None:
    """Undo. The role stays: other databases may use it."""
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    for rule in RULES:
        op.execute(f"ALTER FUNCTION {rule} SECURITY INVOKER RESET search_path")
    op.execute("GRANT EXECUTE ON FUNCTION keep_an_owner(uuid), record_audit(jsonb) TO PUBLIC")
    op.execute(f"REVOKE ALL ON FUNCTION record_audit(jsonb), purge_audit(uuid, bytea) FROM {WEB}")
    for table in (*OF_TENANT, "organizations", "audit_heads", "organization_slugs"):
        for policy in ("owner", "tenant", "own", "anybody"):
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")
    op.execute("DROP VIEW gate_places, gate_sessions")
    for table in ("organization_members", "project_members"):
        op.create_index(f"ix_{table}_user_id", table, ["user_id"])
        op.drop_index(f"ix_{table}_user_id_organization_id", table)
    for table in RIGHTS.keys() - {"gate_sessions", "gate_places"}:
        op.execute(f"REVOKE ALL ON {table} FROM {WEB}")
