"""The cast: always the same people, in the organization of all examples."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask

from models import Organization, OrganizationMember, Project, Role, User, db, tenant, transaction
from models.password import hash_password
from models.project import OPEN, RESTRICTED
from models.text import address

PASSWORD = "correct cargo ship paper"
_hash: list[str] = []


@dataclass(frozen=True)
class Northfield:
    """The organization, its people by role, a guest of one project, and a stranger who owns another organization."""

    organization: Organization
    owner: User  # Amara Okafor
    admin: User  # Sven Weber
    operator: User  # Kofi Mensah
    viewer: User  # Hana Reyes
    guest: User  # Lena Novak, Operator on the restricted project
    stranger: User  # Mateo Lindqvist, Owner of Harbour Labs
    members: dict[Role, OrganizationMember]
    project: Project  # open: Billing pipeline
    restricted: Project  # Payroll
    harbour: Organization
    harbour_member: OrganizationMember
    harbour_project: Project

    def person(self, name: str) -> User | None:
        """The user by part: "owner" … "stranger"; None for "visitor"."""
        return None if name == "visitor" else getattr(self, name)

    @contextmanager
    def inside(self, app: Flask) -> Iterator[None]:
        """An application context in which the models see Northfield."""
        with app.app_context():
            tenant.enter(self.organization.id)
            yield

    def member(self, name: str) -> OrganizationMember:
        """The membership by role name: "owner", "admin", "operator", "viewer"."""
        return self.members[Role[name.upper()]]


def add_user(name: str, email: str | None = None, *, password: str = PASSWORD) -> User:
    """Add an account with a proven address; inside a transaction."""
    if password != PASSWORD:
        hashed = hash_password(password)
    else:
        _hash[:] = _hash or [hash_password(PASSWORD)]
        hashed = _hash[0]
    mailbox = email or f"{name.lower().replace(' ', '.')}@example.org"
    return User.create(address(mailbox), name, hashed, proven=True)


def make_user(name: str, email: str | None = None, *, password: str = PASSWORD) -> User:
    """The same, in a transaction of its own."""
    hash_ready = hash_password(PASSWORD) if not _hash else _hash[0]
    _hash[:] = [hash_ready]
    with transaction():
        return add_user(name, email, password=password)


def populate() -> Northfield:
    """Make the cast; inside an application context."""
    if not _hash:
        _hash.append(hash_password(PASSWORD))
    with transaction():
        people = [add_user(name) for name in ("Amara Okafor", "Sven Weber", "Kofi Mensah", "Hana Reyes", "Lena Novak")]
        stranger = add_user("Mateo Lindqvist", "mateo@example.com")
        northfield = Organization.create("Northfield", "northfield", people[0].id)
        for user, role in zip(people[1:4], (Role.ADMIN, Role.OPERATOR, Role.VIEWER), strict=True):
            northfield.admit(user.id, role)
        project = Project.create(northfield.id, "Billing pipeline", "Invoices, nightly", OPEN, people[0].id)
        restricted = Project.create(northfield.id, "Payroll", "", RESTRICTED, people[0].id)
        restricted.set_role(people[4].id, Role.OPERATOR, people[0].id)
        harbour = Organization.create("Harbour Labs", "harbour-labs", stranger.id)
        harbour_project = Project.create(harbour.id, "Lighthouse", "", OPEN, stranger.id)
    return Northfield(
        northfield,
        *(people[0], people[1], people[2], people[3], people[4], stranger),
        members={row.role: row for row in _members(northfield)},
        project=project,
        restricted=restricted,
        harbour=harbour,
        harbour_member=_members(harbour)[0],
        harbour_project=harbour_project,
    )


def _members(organization: Organization) -> list[OrganizationMember]:
    tenant.enter(organization.id)
    rows = db.session.scalars(
        db.select(OrganizationMember).where(OrganizationMember.organization_id == organization.id)
    )
    return list(rows)
