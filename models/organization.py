"""Organizations (tenants) and who belongs to them."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Self
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, bindparam, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from models import audit, tenant
from models.audit.actions import (
    MEMBER_JOINED,
    ORGANIZATION_CREATED,
    ORGANIZATION_DELETED,
    ORGANIZATION_RENAMED,
    ORGANIZATION_RESTORED,
    TWO_STEP_NOT_REQUIRED,
    TWO_STEP_REQUIRED,
)
from models.base import Base, Record, Refusal, db, direct
from models.outgoing_mail import OutgoingMail
from models.role import Role

SLUG = "[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])"

# First segments of our own addresses, and names that people would take for ours.
RESERVED = frozenset(
    (
        *("account", "admin", "api", "app", "assets", "auth", "deleted", "dev", "forgot-password", "healthz", "help"),
        *("invitation", "invitations", "live", "login", "logout", "metrics", "new", "orgs", "privacy", "readyz"),
        *("reset-password", "root", "security", "settings", "signup", "static", "status", "support", "switcher"),
        *("system", "terms", "unlock", "verify-email", "well-known", "www"),
    )
)


class SlugTaken(Refusal):
    """Another organization uses or used this address."""

    field = "slug"
    constraint = "uq_organization_slugs_slug"


class SlugInUse(SlugTaken):
    """Another organization uses this address."""

    constraint = "uq_organizations_slug"


class LastOwner(Refusal):
    """An organization needs at least one Owner. Make someone else an Owner first."""

    constraint = "organization_keeps_an_owner"


class AlreadyMember(Refusal):
    """This person is a member already."""

    constraint = "uq_organization_members_organization_id_user_id"


class Organization(Record, Base):
    """A tenant."""

    __tablename__ = "organizations"
    __table_args__ = (
        Index("uq_organizations_slug", "slug", unique=True),
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,48}[a-z0-9]$'", name="slug"),
    )
    # A change comes back with the time at which it was made.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012

    name: Mapped[str]
    slug: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    updated_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    deleted_at: Mapped[datetime | None]
    second_factor_required_at: Mapped[datetime | None]  # since when everyone in it needs two-step verification

    @classmethod
    def create(cls, name: str, slug: str, owner_id: UUID) -> Self:
        """Make an organization with its first Owner.

        Args:
            name: its name.
            slug: its address; where it was derived from the name, free_slug() found one.
            owner_id: the user who makes it.

        Raises:
            SlugTaken: by the surrounding transaction, if the address is or was another organization's.
        """
        organization = cls(id=db.session.scalars(select(func.uuid_v7())).one(), name=name, slug=slug)
        tenant.enter(organization.id)
        db.session.add(organization)
        db.session.flush()
        organization._add(owner_id, Role.OWNER, owner_id)
        audit.note(ORGANIZATION_CREATED, organization_id=organization.id, subject=owner_id, after=organization._called)
        return organization

    @classmethod
    def lock(cls, id: UUID) -> None:
        """Enter an organization and lock it against every other change of who may do what, until the transaction ends.

        Taken first by each such change, so that two never wait for each other in a circle, and each sees what the
        one before it did. NO KEY: rows that refer to the organization can still be added meanwhile.

        Raises:
            NoResultFound: it was purged.
        """
        tenant.enter(id)
        direct(_LOCKED, {"id": id}).one()

    def admit(
        self, user_id: UUID, role: Role, by: UUID | None = None, invitation_id: UUID | None = None
    ) -> "OrganizationMember":
        """Make a user a member.

        Args:
            user_id: who joins.
            role: as what.
            by: who gave them that role; None where nobody in particular did.
            invitation_id: what they accepted, if they did.

        Raises:
            AlreadyMember: by the surrounding transaction.
        """
        member = self._add(user_id, role, by)
        after = {"role": role.name} | ({"invitation": str(invitation_id)} if invitation_id else {})
        audit.note(MEMBER_JOINED, organization_id=self.id, subject=user_id, after=after)
        return member

    def _add(self, user_id: UUID, role: Role, by: UUID | None) -> "OrganizationMember":
        member = OrganizationMember(organization_id=self.id, user_id=user_id, role=role, granted_by=by)
        db.session.add(member)
        db.session.flush()
        return member

    def rename(self, name: str, slug: str, by: UUID) -> None:
        """Take a new name and address. The old address leads here for ever, and nobody else can take it.

        Raises:
            SlugTaken: by the surrounding transaction.
        """
        before = self._called
        self.name, self.slug, self.updated_by, self.version = name, slug, by, self.version + 1
        if self._called != before:
            audit.note(ORGANIZATION_RENAMED, organization_id=self.id, before=before, after=self._called)

    def require_second_factor(self, required: bool) -> None:
        """Ask everyone in it for two-step verification, or no more. Twice is once."""
        self._relock()
        if required is (self.second_factor_required_at is not None):
            return
        self.second_factor_required_at = func.now() if required else None
        audit.note(TWO_STEP_REQUIRED if required else TWO_STEP_NOT_REQUIRED, organization_id=self.id)

    @classmethod
    def requiring_second_factor(cls) -> list[Self]:
        """Return those that let nobody in without it, of the organizations that are shown: a person's own."""
        required = cls.second_factor_required_at.is_not(None) & cls.deleted_at.is_(None)
        return list(db.session.scalars(select(cls).where(required).order_by(func.lower(cls.name), cls.id)))

    def delete(self) -> datetime:
        """Delete the organization: nobody can enter it, an Owner may restore it within 30 days. Its Owners are told.

        Returns:
            When.
        """
        self._relock()
        if self.deleted_at is None:
            self.deleted_at = func.now()
            audit.note(ORGANIZATION_DELETED, organization_id=self.id, before=self._called)
            self._tell_owners("organization_deleted")
            db.session.flush()
        return self.updated_at

    def restore(self) -> None:
        """Undo delete(), and tell the Owners."""
        self._relock()
        if self.deleted_at is not None:
            self.deleted_at = None
            audit.note(ORGANIZATION_RESTORED, organization_id=self.id, after=self._called)
            self._tell_owners("organization_restored")

    def _relock(self) -> None:
        """Lock, and look again: of two that do the same, the second changes nothing."""
        db.session.refresh(self, with_for_update={"key_share": True})

    def _tell_owners(self, message: str) -> None:
        owners = OrganizationMember.organization_id == self.id, OrganizationMember.role == Role.OWNER
        ids = db.session.scalars(select(OrganizationMember.id).where(*owners)).all()
        if ids:
            OutgoingMail.queue_all(message, list(ids), self.id)

    @property
    def _called(self) -> dict[str, str]:
        return {"name": self.name, "slug": self.slug}


_LOCKED = select(Organization.id).where(Organization.id == bindparam("id")).with_for_update(key_share=True)


class OrganizationSlug(Base):
    """Every address an organization has or had. The database keeps it (migrations), so that none is taken twice."""

    __tablename__ = "organization_slugs"

    slug: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @classmethod
    def current(cls, former: str) -> str | None:
        """Return today's address of the organization that had this one; None if none had it."""
        return db.session.scalar(
            select(Organization.slug)
            .join(cls, cls.organization_id == Organization.id)
            .where(cls.slug == former, Organization.deleted_at.is_(None))
        )


class OrganizationMember(Record, Base):
    """A user's membership of an organization."""

    __tablename__ = "organization_members"
    __table_args__ = (
        UniqueConstraint("organization_id", "user_id"),
        Index("ix_organization_members_user_id_organization_id", "user_id", "organization_id"),
    )
    # A new role comes back with the time at which it was given.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    role: Mapped[Role]
    granted_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    granted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(server_default=text("1"))


def free_slug(name: str) -> str:
    """Return an address made from a name that nobody has or had: "Northfield Ltd" gives northfield-ltd, or …-2."""
    numbered = _numbered(slug_from(name))
    while True:
        some = list(islice(numbered, 100))
        taken = set(db.session.scalars(select(OrganizationSlug.slug).where(OrganizationSlug.slug.in_(some))))
        if free := next((slug for slug in some if slug not in taken), None):
            return free


def slug_from(name: str) -> str:
    """Turn a name into an address: ASCII letters and digits, hyphens between words, 2 to 50 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:45].strip("-")
    return slug if len(slug) > 1 and slug not in RESERVED else f"org-{slug}".strip("-")


def _numbered(slug: str) -> Iterator[str]:
    yield slug
    number = 2
    while True:
        yield f"{slug}-{number}"
        number += 1
