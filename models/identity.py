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

# From two views of the tables' owner: the web role has no right on sessions, and enters a tenant only by what this
# statement finds. A session counts while it carries its account's credential epoch: a changed password ends it at
# once. A request writes its last-seen time where that is five minutes old (DESIGN.md section 4). An organization is a
# place for its members and guests alone.
_STATEMENT = """
SELECT s.id, s.sess, s.created_at, s.last_seen_at < now() - interval '5 minutes', s.credential_epoch,
       s.user_id, s.email, s.email_key, s.name, s.email_verified_at IS NOT NULL,
       p.id, p.name, p.slug, p.version, p.role::text, p.member_id
FROM gate_sessions s LEFT JOIN gate_places p ON p.slug = %(slug)s AND p.user_id = s.user_id
WHERE s.sid = %(sid)s
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
    credential_epoch: int
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
        viewer = Viewer(*row[5:10])
        if row[10]:
            place = Place(*row[10:14])
            actor = Actor(viewer.id, place.id, Role[row[14]] if row[14] else None, row[15])
        return cls(row[0], row[1], row[2], row[3], row[4], viewer, place, actor)
