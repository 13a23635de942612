"""The directory: the members of an organization as they are listed, and how many there are, kept by triggers.

What lists are ordered and narrowed by stands here, in indexes that begin with the organization (migrations 0024 and
0025); whatever else a line shows is read for the page alone.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    ScalarSelect,
    Select,
    SQLColumnExpression,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.role import Role
from models.user import User


class Listed(Base):
    """One member in the lists of their organization. Nobody writes it but the database itself."""

    __tablename__ = "directory"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["organization_members.organization_id", "organization_members.user_id"],
            ondelete="CASCADE",
        ),
        Index("ix_directory_user_id", "user_id"),
        *(
            Index(name, "organization_id", *first, "search_text", "user_id", postgresql_include=["two_step"])
            for name, *first in (
                ("ix_directory_by_name",),
                ("ix_directory_by_role", "role"),
                ("ix_directory_by_role_desc", text("role DESC")),
                ("ix_directory_by_joined_at", "joined_at"),
            )
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[Role]
    joined_at: Mapped[datetime]
    search_text: Mapped[str]  # name and email without case and accents
    two_step: Mapped[bool]  # they have turned two-step verification on


def active_owners(organization_id: SQLColumnExpression[UUID] | UUID) -> Select[User]:
    """Select the Owners whose account is not closed: as many as there are with the role, from the top of its index."""
    number = MemberCount.of(organization_id, MemberCount.role == Role.OWNER)
    first = select(Listed.user_id).where(Listed.organization_id == organization_id).limit(number)
    owners = first.order_by(Listed.role.desc(), Listed.search_text, Listed.user_id).subquery()
    return select(User).join(owners, owners.c.user_id == User.id).where(User.deactivated_at.is_(None))


class KnownPerson(Base):
    """Somebody who belongs to an organization or did, as a member or a guest. Nobody writes it but the database."""

    __tablename__ = "known_people"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "user_id", postgresql_include=["search_text"]),
        Index("ix_known_people_user_id", "user_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    search_text: Mapped[str]  # as in the directory


class MemberCount(Base):
    """How many members an organization has with a role."""

    __tablename__ = "member_counts"
    __table_args__ = (CheckConstraint("members >= 0", name="members"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(primary_key=True)
    members: Mapped[int]

    @classmethod
    def of(
        cls, organization_id: SQLColumnExpression[UUID] | UUID, *which: SQLColumnExpression[bool]
    ) -> ScalarSelect[int]:
        """Return the query for how many members an organization has; `which` are conditions on their role."""
        counted = select(func.coalesce(func.sum(cls.members), 0)).where(cls.organization_id == organization_id, *which)
        return counted.scalar_subquery()
