"""What is kept about one person, in three statements: no secrets, and of others what they typed themselves."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from models import leaving, tenant
from models.base import db

# Row-level security shows the rows of the organizations that the person belongs to, of which these are their own.
_PARTS = {
    "account": """
        SELECT to_jsonb(a) FROM (
          SELECT id, email, name, created_at, email_verified_at, second_factor_at FROM users WHERE id = :me) a
    """,
    "sessions": """
        SELECT jsonb_agg(to_jsonb(s) ORDER BY s.created_at) FROM sessions_of_person(:me) s
    """,
    "browsers": """
        SELECT jsonb_agg(jsonb_build_object('known_since', created_at, 'last_used_at', last_used_at, 'ip', host(ip),
          'user_agent', user_agent) ORDER BY created_at) FROM known_browsers WHERE user_id = :me
    """,
    "passkeys": """
        SELECT jsonb_agg(jsonb_build_object('name', name, 'created_at', created_at, 'last_used_at', last_used_at)
          ORDER BY id) FROM passkeys WHERE user_id = :me
    """,
    "changes_of_email": """
        SELECT jsonb_agg(jsonb_build_object('email', email, 'former_email', former_email, 'asked_at', created_at,
          'confirmed_at', confirmed_at, 'ended_at', ended_at) ORDER BY id) FROM email_changes WHERE user_id = :me
    """,
    "organizations": """
        SELECT jsonb_agg(jsonb_build_object('name', o.name, 'slug', o.slug, 'role', m.role,
          'member_since', m.created_at) ORDER BY m.id)
        FROM organization_members m JOIN organizations o ON o.id = m.organization_id WHERE m.user_id = :me
    """,
    "projects": """
        SELECT jsonb_agg(jsonb_build_object('name', p.name, 'organization_id', r.organization_id, 'role', r.role,
          'since', r.created_at) ORDER BY r.id)
        FROM project_members r JOIN projects p ON p.id = r.project_id WHERE r.user_id = :me
    """,
    "invitations_by_me": """
        SELECT jsonb_agg(jsonb_build_object('email', email, 'role', role, 'sent_at', created_at, 'message', message)
          ORDER BY id)
        FROM invitations WHERE invited_by = :me
    """,
    "events": """
        SELECT jsonb_agg(to_jsonb(e) ORDER BY e.at) FROM events_of_person(:me) e
    """,
}
_STATEMENT = text("SELECT " + ", ".join(f"({part}) AS {name}" for name, part in _PARTS.items()))
_INVITATIONS = text("""
    SELECT jsonb_agg(jsonb_build_object('role', role, 'sent_at', created_at, 'expires_at', expires_at,
      'message', message, 'accepted_at', accepted_at, 'declined_at', declined_at) ORDER BY id)
    FROM invitations WHERE email_key = :email_key
""")


def of(user_id: UUID, email_key: str) -> dict[str, Any]:
    """Read it.

    Args:
        user_id: whose.
        email_key: their address; where nobody proved it, invitations to it are not theirs to see, and "" is given.
    """
    with leaving.everywhere(user_id):
        found = dict(zip(_PARTS, db.session.execute(_STATEMENT, {"me": user_id}).one(), strict=True))
        tenant.own(user_id, email_key)
        found["invitations_to_me"] = db.session.scalar(_INVITATIONS, {"email_key": email_key})
    return {name: [] if part is None else part for name, part in found.items()}
