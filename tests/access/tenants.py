"""Two tenants full of words and keys that nobody else may ever see, and people who belong to neither."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from tests.access.rows import Rows

PEOPLE = {"owner": "OWNER", "admin": "ADMIN", "operator": "OPERATOR", "viewer": "VIEWER", "guest": None}


@dataclass(frozen=True)
class Tenant:
    """One of the two. `word` stands in each of its texts."""

    word: str
    version: int  # of all of it: a number that nothing else has

    def id(self, name: str) -> UUID:
        """The key of a thing of ours: id("organization"), id("open"), id("member viewer"), id("user viewer") …"""
        return uuid5(NAMESPACE_URL, f"{self.word} {name}")

    @property
    def former(self) -> UUID:
        """The key of who was removed from here."""
        return self.id("former")

    def email(self, name: str) -> str:
        return f"{self.word}-{name}@example.org"

    @property
    def slug(self) -> str:
        return f"{self.word}-works"

    @property
    def slugs(self) -> list[str]:
        """Today's address, a former one, and that of an organization that was deleted."""
        return [self.slug, f"{self.word}-former", f"{self.word}-closed"]

    @cached_property
    def rows(self) -> Rows:
        """All that belongs to the tenant, and the people in it. Who was removed has no row, but left traces."""
        here, closed, former = self.id("organization"), self.id("closed"), self.former
        ours = {"organization_id": here, "version": self.version}
        return {
            "users": [self._user(name) for name in PEOPLE],
            "organizations": [
                {"id": here, "name": f"{self.word} works", "slug": self.slugs[0], "version": self.version},
                {"id": closed, "name": f"{self.word} closed", "slug": self.slugs[2], "deleted_at": "yesterday"},
            ],
            "organization_slugs": [{"slug": self.slugs[1], "organization_id": here}],
            "organization_members": [
                *(self._member(name, role, ours) for name, role in PEOPLE.items() if role),
                {**self._member("owner", "OWNER", ours), "id": self.id("closed owner"), "organization_id": closed},
            ],
            "projects": [
                # Named like the organization's address, so that one text confirms the deletion of both.
                {**ours, "id": self.id("open"), "name": self.slug, "description": f"{self.word} in the open"},
                {**ours, "id": self.id("restricted"), "name": f"{self.word} payroll", "access": "restricted"},
                {**ours, "id": self.id("archived"), "name": f"{self.word} archive", "archived_at": "yesterday"},
            ],
            "project_members": [
                self._row("guest", "restricted", "OPERATOR", former),
                self._row("viewer", "open", "ADMIN", former),
                self._row("operator", "restricted", None, former),
            ],
            "invitations": [
                self._invitation("pending", expires_at="tomorrow"),
                self._invitation("to a project", expires_at="tomorrow", project_id=self.id("restricted")),
                self._invitation("expired", expires_at="yesterday"),
                self._invitation("revoked", expires_at="tomorrow", revoked_at="yesterday"),
                self._invitation("accepted", expires_at="tomorrow", accepted_at="yesterday", accepted_by=former),
            ],
            "ownership_offers": [
                {"id": self.id("offer"), "organization_id": here, "former_role": "ADMIN"}
                | {"nominee_id": self.id("user viewer"), "offered_by": self.id("user owner")}
            ],
            "audit_events": [
                {"id": self.id("event"), "chain": here, "organization_id": here, "seq": 1, "action": "member.joined"}
                | {"actor_id": self.id("user owner"), "subject_id": self.id("user viewer"), "ip": "192.0.2.66"}
                | {"after": {"role": f"{self.word} role"}, "request_id": self.word, "prev": "\\x", "hash": "\\x"}
            ],
            "audit_heads": [{"chain": here, "seq": 1, "hash": "\\x"}],
            "outgoing_mail": [
                {"id": self.id("mail"), "message": "invitation", "subject_id": self.id("pending")}
                | {"organization_id": here}
                | {"state": "failed", "last_error": f"{self.word} error"}
            ],
        }

    @cached_property
    def secrets(self) -> re.Pattern[str]:
        """What nobody else may see: our word, and every key of ours."""
        keys = {str(cell) for rows in self.rows.values() for row in rows for name, cell in row.items() if name == "id"}
        return re.compile("|".join([self.word, *sorted(keys)]), flags=re.I)

    def _user(self, name: str) -> dict[str, Any]:
        email = self.email(name)
        proven = {"email": email, "email_key": email, "email_verified_at": "yesterday", "password_hash": "-"}
        return {"id": self.id(f"user {name}"), "name": f"{self.word} {name}", "version": self.version, **proven}

    def _member(self, name: str, role: str | None, ours: dict[str, Any]) -> dict[str, Any]:
        return {**ours, "id": self.id(f"member {name}"), "user_id": self.id(f"user {name}"), "role": role}

    def _row(self, person: str, project: str, role: str | None, by: UUID) -> dict[str, Any]:
        place = {"project_id": self.id(project), "organization_id": self.id("organization"), "granted_by": by}
        return {"id": self.id(f"row {person}"), "user_id": self.id(f"user {person}"), "role": role, **place}

    def _invitation(self, name: str, **times: Any) -> dict[str, Any]:
        email, by = self.email(name.replace(" ", "-")), {"invited_by": self.id("user owner")}
        said = {"email": email, "email_key": email, "message": f"{self.word} message", "role": "VIEWER", "nonce": "\\x"}
        return {"id": self.id(name), "organization_id": self.id("organization"), **said, **by, **times}


A, B = Tenant("quetzal", version=770066), Tenant("narwhal", version=770077)


def person(key: UUID, name: str) -> dict[str, Any]:
    """The account of somebody who belongs to no tenant any more, or never did; our words are not in it."""
    email = f"{name.replace(' ', '-')}@example.com"
    proven = {"email": email, "email_key": email, "email_verified_at": "yesterday", "password_hash": "-"}
    return {"id": key, "name": name, **proven}


STRANGER = uuid5(NAMESPACE_URL, "stranger")
OTHERS = [person(A.former, "once here"), person(B.former, "once there"), person(STRANGER, "never anywhere")]
