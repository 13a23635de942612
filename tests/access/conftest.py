"""What the proofs of access share: eight people who are logged in, and organizations that are laid out in a moment."""

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from flask import Flask

from models.password import hash_password
from tests.access.model import FOLLOWS, Organization
from tests.access.rows import Rows, logged_in, put_back, session
from tests.browser_like import Browser
from tests.factories import PASSWORD

PEOPLE = ("amara", "ravi", "sven", "kofi", "hana", "lena", "mateo", "ines")
ROLES = ("", "VIEWER", "OPERATOR", "ADMIN", "OWNER")


def id_of(*names: str) -> UUID:
    """The key of what is laid out: id_of("amara"), id_of("north"), id_of("north", "atlas") …."""
    return uuid5(NAMESPACE_URL, "/".join(names))


def listed(page: str) -> dict[str, str]:
    """The rows of a page's list: name -> role."""
    rows = re.findall(r"<tr[^>]*>\s*<td>.*?(?=<tr|</tr|</tbody|\Z)", page, flags=re.S)
    cells = [re.search(r'<bdi>([^<]+).*data-role="(\w+)"', row, flags=re.S) for row in rows]
    return {cell[1].lower(): cell[2].upper() for cell in cells if cell}


@pytest.fixture
def users() -> dict[str, SimpleNamespace]:
    """The accounts of PEOPLE: `id` and `email` of each."""
    return {name: SimpleNamespace(id=id_of(name), email=f"{name}@example.org") for name in PEOPLE}


@pytest.fixture
def people(app: Flask) -> dict[str, Browser]:
    """A browser for each of PEOPLE, logged in once something is laid out."""
    return {name: logged_in(app, name) for name in PEOPLE}


@pytest.fixture
def lay(
    app: Flask, users: dict[str, SimpleNamespace], query: Callable[..., Any]
) -> Callable[[dict[str, Organization]], None]:
    """lay({"north": Organization(…)}) makes PEOPLE and exactly these organizations, with keys from id_of()."""
    with app.app_context():
        known = {"password_hash": hash_password(PASSWORD), "email_verified_at": "yesterday"}
        sessions = [session(app, name, user.id) for name, user in users.items()]
    accounts = [
        {"id": user.id, "name": name.capitalize(), "email": user.email, "email_key": user.email, **known}
        for name, user in users.items()
    ]

    def lay_out(organizations: dict[str, Organization]) -> None:
        rows = [_rows(name, organization) for name, organization in organizations.items()]
        put_back(query, {"users": accounts, "sessions": sessions}, *rows)

    return lay_out


def _rows(name: str, made: Organization) -> Rows:
    """One organization, as rows."""
    here = {"organization_id": id_of(name)}
    projects = [(title, id_of(name, title), project) for title, project in made.projects.items()]
    return {
        "organizations": [{"id": id_of(name), "name": name, "slug": name}],
        "organization_members": [
            {**here, "id": id_of(name, who), "user_id": id_of(who), "role": ROLES[role]}
            for who, role in made.members.items()
        ],
        "projects": [
            {**here, "id": key, "name": title, "access": "restricted" if project.restricted else "organization"}
            for title, key, project in projects
        ],
        "project_members": [
            {**here, "project_id": key, "user_id": id_of(who), "role": ROLES[role] if role != FOLLOWS else None}
            for _, key, project in projects
            for who, role in project.rows.items()
        ],
    }
