"""Who is asking, and as what: session, account, organization and role, in the one statement every request begins with.

It is compiled once and sent by the driver's cursor: building and compiling a query costs a request more than
running this one (docs/decisions/0004-request-path.md).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from flask_login import UserMixin

from config import FRESH_FOR
from models.driver import quick
from models.role import Role

# From two views of the tables' owner: the web role has no right on sessions, and enters a tenant only by what this
# statement finds. A session counts while it carries its account's credential epoch: a changed password ends it at
# once. A request writes its last-seen time where that is five minutes old (DESIGN.md section 4). An organization is a
# place for its members and guests alone.
_STATEMENT = """
SELECT s.id, s.sess, s.created_at, s.last_seen_at < now() - interval '5 minutes', s.credential_epoch,
       s.user_id, s.email, s.email_key, s.name, s.email_verified_at IS NOT NULL,
       extract(epoch FROM s.expire - now())::float,
       p.id, p.name, p.slug, p.version, p.role::text, p.member_id, s.created_at > now() - %(fresh_for)s,
       p.requires_step, p.lacks_step
FROM gate_sessions s LEFT JOIN gate_places p ON p.slug = %(slug)s AND p.user_id = s.user_id
WHERE s.sid = %(sid)s
"""

# The same for many sessions at once, whose pages are open: which of them live, for how long, and what they are there.
_STANDINGS = """
SELECT s.sid, s.user_id, extract(epoch FROM s.expire - now())::float, p.id, p.role::text, p.member_id
FROM gate_sessions s
LEFT JOIN gate_places p ON p.id = %(organization_id)s AND p.user_id = s.user_id AND NOT p.lacks_step
WHERE s.sid = ANY(%(sids)s)
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
    requires_step: bool  # it asks everyone in it for two-step verification
    lacks_step: bool  # and this person has not turned it on: they get in nowhere


@dataclass(frozen=True, slots=True)
class Actor:
    """A person's standing in one organization: what the authority is asked about. A guest has no role there."""

    user_id: UUID
    organization_id: UUID
    role: Role | None
    member_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A session that lives, whose pages may be told of changes for as long as it does."""

    user_id: UUID
    lives_for: float  # seconds, unless it is used meanwhile
    actor: Actor | None  # in the organization that was asked about; None for whoever has no place in it

    @classmethod
    def of(cls, sids: list[str], organization_id: UUID | None) -> dict[str, Self]:
        """Look again at many sessions, in one statement.

        Args:
            sids: the sessions' keys.
            organization_id: where their users' standing is asked; None to ask no more than whether they live.

        Returns:
            The living ones by their keys.
        """
        given = {"sids": sids, "organization_id": organization_id}
        found = {}
        for sid, user_id, lives_for, place, role, member_id in quick(_STANDINGS, given):
            actor = Actor(user_id, place, Role[role] if role else None, member_id) if place else None
            found[sid] = cls(user_id, lives_for, actor)
        return found


@dataclass(frozen=True, slots=True)
class Identity:
    """What the statement found."""

    sid: str
    session_id: UUID
    data: dict[str, Any]
    logged_in_at: datetime
    seen_long_ago: bool
    credential_epoch: int
    viewer: Viewer
    lives_for: float  # seconds that the session has left, unless it is used meanwhile
    place: Place | None
    actor: Actor | None
    fresh: bool  # the person was proven within FRESH_FOR: a session gets a new id, and begins anew, with every proof

    def hold(self) -> bool:
        """Keep the account's password from changing until the transaction ends; False if the session ended by now."""
        quick("SELECT id FROM users WHERE id = %(id)s FOR UPDATE", {"id": self.viewer.id})
        return self.sid in Standing.of([self.sid], None)

    @classmethod
    def load(cls, sid: str, slug: str | None) -> Self | None:
        """Find a live session and, where the address names an organization, its user's standing in it.

        Args:
            sid: the session's key, an HMAC of the cookie.
            slug: the organization in the address, if any.

        Returns:
            None without a live session. `place` and `actor` are None for a stranger to the organization: to them
            it does not exist.
        """
        found = quick(_STATEMENT, {"sid": sid, "slug": slug, "fresh_for": FRESH_FOR})
        if not found:
            return None
        (row,) = found
        place = actor = None
        viewer = Viewer(*row[5:10])
        if row[11]:
            place = Place(*row[11:15], *row[18:20])
            actor = Actor(viewer.id, place.id, Role[row[15]] if row[15] else None, row[16])
        return cls(sid, row[0], row[1], row[2], row[3], row[4], viewer, row[10], place, actor, row[17])
