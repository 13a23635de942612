"""Projects of an organization, and the roles that people have on one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from models import audit
from models.audit.actions import (
    PROJECT_ARCHIVED,
    PROJECT_CHANGED,
    PROJECT_CREATED,
    PROJECT_DELETED,
    PROJECT_RESTORED,
    PROJECT_ROLE_FOLLOWS,
    PROJECT_ROLE_REMOVED,
    PROJECT_ROLE_SET,
    Action,
)
from models.base import Base, Record, Refusal, db
from models.invitation import PENDING, Invitation
from models.role import Role

OPEN, RESTRICTED = "organization", "restricted"  # who can use a project: all members, or the people named


class ProjectNameTaken(Refusal):
    """Another project of this organization has this name."""

    field = "name"
    constraint = "uq_projects_organization_id_name"


class Deleted(NamedTuple):
    """What ended with a project, and when."""

    at: datetime
    roles: int
    invitations: int


class Project(Record, Base):
    """A piece of an organization's work, on which roles apply."""

    __tablename__ = "projects"
    __table_args__ = (
        UniqueConstraint("id", "organization_id"),  # what composite foreign keys refer to
        Index("uq_projects_organization_id_name", "organization_id", text("lower(name)"), unique=True),
        Index("ix_projects_by_name", "organization_id", text("(archived_at IS NOT NULL)"), "folded", "id"),
        CheckConstraint("access IN ('organization', 'restricted')", name="access"),
    )
    # A change comes back with the time at which it was made.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default=text("''"))
    access: Mapped[str] = mapped_column(server_default=text("'organization'"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    updated_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    archived_at: Mapped[datetime | None]
    folded: Mapped[str] = mapped_column(Computed("fold(name)"), deferred=True)  # what it is sorted and searched by

    @classmethod
    def create(cls, organization_id: UUID, name: str, description: str, access: str, by: UUID) -> Self:
        """Add a project. Who makes a restricted one gets a row on it, which follows their organization role.

        Raises:
            ProjectNameTaken: by the surrounding transaction.
        """
        project = cls(organization_id=organization_id, name=name, description=description, access=access)
        db.session.add(project)
        db.session.flush()
        if access == RESTRICTED:
            project.put_row(by, None, by)
        project._note(PROJECT_CREATED, after={"name": name, "access": access})
        return project

    def edit(self, name: str, description: str, access: str, by: UUID) -> datetime:
        """Change what the project says of itself.

        Returns:
            When.

        Raises:
            ProjectNameTaken: by the surrounding transaction.
        """
        old, new = (self.name, self.description, self.access), (name, description, access)
        self.name, self.description, self.access = new
        self.updated_by, self.version = by, self.version + 1
        if old != new:
            # What a description says may be long and personal: the log has only that it changed.
            before, after = {"name": old[0], "access": old[2]}, {"name": name, "access": access}
            self._note(PROJECT_CHANGED, before=before, after=after | {"description_changed": old[1] != description})
        db.session.flush()
        return self.updated_at

    def archive(self) -> datetime | None:
        """Make the project read-only until it is restored.

        Returns:
            When; None where it was so already.
        """
        if self.archived_at is not None:
            return None
        self.archived_at = func.now()
        self._note(PROJECT_ARCHIVED)
        db.session.flush()
        return self.updated_at

    def restore(self) -> datetime | None:
        """Undo archive().

        Returns:
            When; None where it was not archived.
        """
        if self.archived_at is None:
            return None
        self.archived_at = None
        self._note(PROJECT_RESTORED)
        db.session.flush()
        return self.updated_at

    def delete(self) -> Deleted:
        """Remove the project with all that belongs to it.

        Returns:
            What ended with it: the statement still sees what it makes the database delete and revoke.
        """
        roles = select(func.count()).where(ProjectMember.project_id == self.id).scalar_subquery()
        waiting = Invitation.project_id == self.id, text(PENDING)
        invitations = select(func.count()).select_from(Invitation).where(*waiting).scalar_subquery()
        ending = delete(Project).where(Project.id == self.id).returning(func.now(), roles, invitations)
        ended = Deleted(*db.session.execute(ending).one())
        self._note(PROJECT_DELETED, before={"name": self.name, "access": self.access})
        return ended

    @property
    def restricted(self) -> bool:
        """True where only the people named can use the project (and the organization's Admins and Owners)."""
        return self.access == RESTRICTED

    def set_role(self, user_id: UUID, role: Role | None, by: UUID) -> datetime:
        """Give a person a role here, or with None let their row follow the organization.

        Returns:
            When.

        Raises:
            FollowsNothing: by the surrounding transaction: only a member's row can follow the organization.
        """
        before = db.session.execute(select(ProjectMember.role).where(*self._of(user_id))).one_or_none()
        at = self.put_row(user_id, role, by)
        if before is None or before.role is not role:
            action = PROJECT_ROLE_SET if role else PROJECT_ROLE_FOLLOWS
            self._note(action, subject=user_id, before=_says(before) if before else None, after=_says((role,)))
        return at

    def put_row(self, user_id: UUID, role: Role | None, by: UUID) -> datetime:
        """Write a person's row, for verbs that note more than that, and return when; see set_role()."""
        row = insert(ProjectMember).values(
            project_id=self.id, organization_id=self.organization_id, user_id=user_id, role=role, granted_by=by
        )
        changed = {"role": role, "granted_by": by, "created_at": func.now(), "version": ProjectMember.version + 1}
        either = row.on_conflict_do_update(index_elements=["project_id", "user_id"], set_=changed)
        return db.session.scalars(either.returning(func.now())).one()

    def remove(self, user_id: UUID) -> datetime | None:
        """Take away what was set here for a person. A member keeps what their organization role gives.

        Returns:
            When; None where nothing was set.
        """
        ending = delete(ProjectMember).where(*self._of(user_id)).returning(ProjectMember.role, func.now().label("at"))
        row = db.session.execute(ending).first()
        if row:
            self._note(PROJECT_ROLE_REMOVED, subject=user_id, before=_says([row.role]))
        return row.at if row else None

    def row_of(self, user_id: UUID) -> "ProjectMember | None":
        """Return what is set here for a person."""
        return db.session.scalar(select(ProjectMember).where(*self._of(user_id)))

    def _of(self, user_id: UUID) -> tuple[ColumnElement[bool], ...]:
        return ProjectMember.project_id == self.id, ProjectMember.user_id == user_id

    def _note(self, action: Action, **facts: Any) -> None:
        audit.note(action, organization_id=self.organization_id, project_id=self.id, **facts)


def _says(row: Sequence[Role | None]) -> dict[str, str | None]:
    """What is set in a row, as the log keeps it: a role, or None where it follows the organization."""
    return {"role": row[0].name if row[0] else None}


class FollowsNothing(Refusal):
    """Only a member of the organization can follow its role here."""

    constraint = "fk_project_members_organization_id_follows_user_id"


class ProjectMember(Record, Base):
    """What is set for one person on one project: a role, or (NULL) that the row follows the organization."""

    __tablename__ = "project_members"
    __table_args__ = (
        UniqueConstraint("project_id", "user_id"),
        Index("ix_project_members_organization_id_user_id", "organization_id", "user_id"),
        Index("ix_project_members_user_id_organization_id", "user_id", "organization_id"),
        ForeignKeyConstraint(
            ["project_id", "organization_id"], ["projects.id", "projects.organization_id"], ondelete="CASCADE"
        ),
        # Only where the row follows the organization: then it needs the membership, and ends with it.
        ForeignKeyConstraint(
            ["organization_id", "follows_user_id"],
            ["organization_members.organization_id", "organization_members.user_id"],
            ondelete="CASCADE",
        ),
    )

    project_id: Mapped[UUID]
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    role: Mapped[Role | None]
    inherited_from_org: Mapped[bool] = mapped_column(Computed("role IS NULL"))
    follows_user_id: Mapped[UUID | None] = mapped_column(Computed("CASE WHEN role IS NULL THEN user_id END"))
    granted_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
