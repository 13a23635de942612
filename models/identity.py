"""Who is asking, and as what: session, account, organization and role, in the one statement every request begins with.

It is compiled once and sent by the driver's cursor: building and compiling a query costs a request more than
running this one (docs/decisions/0004-request-path.md).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_login import UserMixin

from models.base import db
from models.role import Role

# The session counts only while it carries its account's credential epoch: a changed password ends it at once.
# Whether somebody without a membership is a guest is looked up only for them.
_STATEMENT = """
SELECT s.id, s.sess, s.created_at, s.last_seen_at < now() - interval '5 minutes',
       u.id, u.email, u.email_key, u.name, u.email_verified_at IS NOT NULL,
       o.id, o.name, o.slug, o.version, m.id, m.role::text,
       m.id IS NULL AND EXISTS (SELECT FROM project_members g WHERE g.organization_id = o.id AND g.user_id = u.id)
FROM sessions s
JOIN users u ON u.id = s.user_id AND u.credential_epoch = s.credential_epoch AND u.deactivated_at IS NULL
LEFT JOIN organizations o ON o.slug = %(slug)s AND o.deleted_at IS NULL
LEFT JOIN organization_members m ON m.organization_id = o.id AND m.user_id = u.id
WHERE s.sid = %(sid)s AND s.expire > clock_timestamp()
"""


@dataclass(frozen=True, slots=True)
class Viewer(UserMixin):
    """The person who is logged in, as much of them as every page needs."""

    id: UUID
    email: str
    email_key: str
    name: str
    email_verified: bool


@dataclass(frozen=True, slots=True)
class Place:
    """The organization that the address names."""

    id: UUID
    name: str
    slug: str
    version: int


@dataclass(frozen=True, slots=True)
class Actor:
    """A person's standing in one organization: what the authority is asked about. A guest has no role there."""

    user_id: UUID
    organization_id: UUID
    role: Role | None
    member_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What the statement found."""

    session_id: UUID
    data: dict[str, Any]
    logged_in_at: datetime
    seen_long_ago: bool
    viewer: Viewer
    place: Place | None
    actor: Actor | None

    @classmethod
    def load(cls, sid: str, slug: str | None) -> "Identity | None":
        """Find a live session and, where the address names an organization, its user's standing in it.

        Args:
            sid: the session's key, an HMAC of the cookie.
            slug: the organization in the address, if any.

        Returns:
            None without a live session. `place` and `actor` are None for a stranger to the organization: to them
            it does not exist.
        """
        row = db.session.connection().exec_driver_sql(_STATEMENT, {"sid": sid, "slug": slug}).one_or_none()
        if row is None:
            return None
        place = actor = None
        if row[13] or row[15]:
            place = Place(*row[9:13])
            actor = Actor(row[4], row[9], Role[row[14]] if row[14] else None, row[13])
        return cls(row[0], row[1], row[2], row[3], Viewer(*row[4:9]), place, actor)
