"""Makes the demo's rows, with times in the past, and writes them."""

import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from config import INVITATION_LIFE
from demo.names import names
from demo.plans import ACCOUNTS, DESCRIPTIONS, NAMED, PLANS, Plan
from models import Invitation, Organization, OrganizationMember, Project, ProjectMember, Role, User, audit, db, tenant
from models.audit.actions import ORGANIZATION_CREATED
from models.project import OPEN, RESTRICTED

OF_TENANT = (OrganizationMember, Project, ProjectMember, Invitation)  # each refers to those before
RANKS = [Role.VIEWER] * 55 + [Role.OPERATOR] * 36 + [Role.ADMIN] * 8 + [Role.OWNER]  # among a hundred people


class Demo:
    """All of it: the same people at every run, with new keys and times, written in a few statements."""

    def __init__(self, password_hash: str) -> None:
        """Begin with nobody. Every account gets the same hash: making one takes longer than all the rest."""
        self._hash, self._now = password_hash, datetime.now(UTC)
        self._random = Random(1811)  # noqa: S311 - nothing secret comes of it
        self._names = names(self._random)
        self._users: dict[str, User] = {}
        self._made: list[Any] = []

    def fill(self) -> str:
        """Write it; return a sentence with the numbers."""
        for plan in PLANS:
            here = self._add(Organization, self._ago(900, 700), name=plan.name, slug=plan.slug)
            members = self._members(plan, here)
            self._projects(plan, here, members)
            self._invitations(plan, here, members)
        self._write(self._users.values())
        for here in self._all(Organization):
            tenant.enter(here.id)
            self._write([here])
            audit.note(ORGANIZATION_CREATED, organization_id=here.id, after={"name": here.name, "slug": here.slug})
            for model in OF_TENANT:
                self._write(thing for thing in self._all(model) if thing.organization_id == here.id)
        made = Counter(type(thing) for thing in self._made)
        return (
            f"Made {made[Organization]} organizations with {made[User]} people, {made[Project]} projects and "
            f"{made[Invitation]} invitations."
        )

    def _all(self, model: type[Any]) -> list[Any]:
        return [thing for thing in self._made if type(thing) is model]

    def _write(self, things: Iterable[Any]) -> None:
        db.session.add_all(things)
        db.session.flush()

    def _members(self, plan: Plan, here: Organization) -> list[OrganizationMember]:
        people = [(self._cast(name), role) for name, role in plan.cast.items()] or [(self._somebody(), Role.OWNER)]
        people += [(self._somebody(), self._random.choice(RANKS)) for _ in range(plan.people - len(people))]
        return [self._member(here, user, role, people[0][0]) for user, role in people]

    def _member(self, here: Organization, user: User, role: Role, by: User) -> OrganizationMember:
        joined = self._ago(690, 1)
        given = {"role": role, "granted_by": by.id, "granted_at": joined}
        return self._add(OrganizationMember, joined, organization_id=here.id, user_id=user.id, **given)

    def _projects(self, plan: Plan, here: Organization, members: list[OrganizationMember]) -> None:
        kinds = ((plan.open, OPEN, False), (plan.restricted, RESTRICTED, False), (plan.archived, OPEN, True))
        for written, access, archived in kinds:
            for name in filter(None, written.split(", ")):
                project = self._add(
                    Project,
                    self._ago(600, 60),
                    organization_id=here.id,
                    name=name,
                    description=DESCRIPTIONS.get(name, ""),
                    access=access,
                    updated_at=self._ago(50, 0),
                    archived_at=self._ago(40, 3) if archived else None,
                )
                self._roles_on(project, members)

    def _roles_on(self, project: Project, members: list[OrganizationMember]) -> None:
        """A few members with a role of their own, on a restricted project some who follow, now and then a guest."""
        named = self._random.sample(members[5:], min(len(members[5:]), 9 if project.restricted else 3))
        roles: dict[UUID, Role | None] = {m.user_id: self._random.choice(list(Role)[:3]) for m in named}
        if project.restricted:
            roles.update({m.user_id: None for m in named[::2]})
        if len(members) > 20 and self._random.random() < 0.5:
            roles[self._somebody("example.org").id] = self._random.choice(list(Role)[:2])
        roles.update({self._cast(name).id: role for name, role in NAMED.get(project.name, {}).items()})
        for user_id, role in roles.items():
            row = {"project_id": project.id, "organization_id": project.organization_id, "user_id": user_id}
            self._add(ProjectMember, self._ago(50, 1), **row, role=role, granted_by=members[0].user_id)

    def _invitations(self, plan: Plan, here: Organization, members: list[OrganizationMember]) -> None:
        """Most of them wait; then some of each end."""
        for number in range(plan.invited):
            end = ("", "", "", "expires_at", "", "declined_at", "revoked_at")[number % 7]
            email = self._address(next(self._names)[1], "example.org")
            self._invite(here, members[0].user_id, email, self._random.choice(RANKS[:90]), end)
        if plan.name == "Harbour Labs":
            self._invite(here, members[0].user_id, ACCOUNTS["Viewer of Northfield"], Role.OPERATOR)

    def _invite(self, here: Organization, by: UUID, email: str, role: Role, end: str = "") -> None:
        sent = self._ago(30, 8) if end == "expires_at" else self._ago(6, 0)
        times = {"expires_at": sent + INVITATION_LIFE} | (
            {end: self._now} if end in ("declined_at", "revoked_at") else {}
        )
        nonce = secrets.token_bytes(32)
        to = {"organization_id": here.id, "email": email, "email_key": email}
        self._add(Invitation, sent, **to, **times, role=role, nonce=nonce, invited_by=by)

    def _cast(self, name: str) -> User:
        local = name.lower().replace(" ", ".")
        email = next((email for email in ACCOUNTS.values() if email.startswith(local)), f"{local}@example.com")
        return self._users.get(email) or self._user(name, email)

    def _somebody(self, domain: str = "example.com") -> User:
        name, local = next(self._names)
        return self._user(name, self._address(local, domain))

    def _address(self, local: str, domain: str) -> str:
        """An address that nobody has yet."""
        free = (f"{local}{number}@{domain}" for number in ("", *range(2, 1000)))
        return next(email for email in free if email not in self._users and email not in ACCOUNTS.values())

    def _user(self, name: str, email: str) -> User:
        since = self._ago(1200, 900)
        self._users[email] = self._add(
            User, since, name=name, email=email, email_key=email, password_hash=self._hash, email_verified_at=since
        )
        return self._users[email]

    def _add(self, model: type[Any], since: datetime, **values: Any) -> Any:
        thing = model(id=key(since), created_at=since, **values)
        self._made.append(thing)
        return thing

    def _ago(self, longest: float, shortest: float) -> datetime:
        """A moment between so many days ago."""
        return self._now - timedelta(days=self._random.uniform(shortest, longest))


def key(since: datetime) -> UUID:
    """Make a key of a moment in the past: keys are ordered by time, as if the row had been made then (RFC 9562)."""
    milliseconds = int(since.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62))
