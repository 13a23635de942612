"""What the tests of projects share."""

from collections.abc import Callable

import pytest
from flask import Flask

from models import Project, Role, User, db, transaction
from tests.factories import Northfield

PROJECTS = "/orgs/northfield/projects"


@pytest.fixture
def at() -> Callable[..., str]:
    """at(project, "access", user) -> an address below the project's page; at() is the list."""

    def address(*parts: object) -> str:
        return "/".join([PROJECTS, *(str(getattr(part, "id", part)) for part in parts)])

    return address


@pytest.fixture
def give(app: Flask, northfield: Northfield) -> Callable[[Project, User, Role | None], None]:
    """give(project, user, Role.ADMIN) sets a role on a project; None lets the row follow the organization."""

    def set_role(project: Project, user: User, role: Role | None) -> None:
        with northfield.inside(app), transaction():
            db.session.get_one(Project, project.id).set_role(user.id, role, user.id)

    return set_role


@pytest.fixture
def archive(app: Flask, northfield: Northfield) -> Callable[[Project], None]:
    """archive(project) makes it read-only."""

    def make_read_only(project: Project) -> None:
        with northfield.inside(app), transaction():
            db.session.get_one(Project, project.id).archive()

    return make_read_only


@pytest.fixture
def row_of(query: Callable[..., list[tuple[str | None]]]) -> Callable[[Project, User], list[tuple[str | None]]]:
    """row_of(project, user) -> [] or [(role or None,)]: what is set there, as the database has it."""

    def find(project: Project, user: User) -> list[tuple[str | None]]:
        found = "SELECT role::text FROM project_members WHERE project_id = %(project)s AND user_id = %(user)s"
        return [(row[0],) for row in query(found, project=project.id, user=user.id)]

    return find


@pytest.fixture
def state(query: Callable[..., list[tuple[object, ...]]]) -> Callable[[], list[tuple[object, ...]]]:
    """state() -> all that the pages of projects can change."""
    return lambda: [
        *query("SELECT * FROM projects ORDER BY id"),
        *query("SELECT * FROM project_members ORDER BY id"),
    ]
