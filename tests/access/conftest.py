"""What the proofs of access share: eight people who are logged in, and organizations that are laid out in a moment."""

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from models import User, transaction
from tests.access.model import FOLLOWS, Organization
from tests.browser_like import Browser
from tests.factories import add_user

PEOPLE = ("amara", "ravi", "sven", "kofi", "hana", "lena", "mateo", "ines")
ROLES = ("", "VIEWER", "OPERATOR", "ADMIN", "OWNER")

_CLEAR = """DO $$ BEGIN
  DELETE FROM outgoing_mail; DELETE FROM rate_limits; DELETE FROM invitations; DELETE FROM organizations;
END $$"""
# One statement: an organization has its Owner from the first moment.
_LAY = """
WITH o AS (
  INSERT INTO organizations (id, name, slug) SELECT id, name, name
  FROM jsonb_to_recordset(%(organizations)s::jsonb) AS r (id uuid, name text)
), m AS (
  INSERT INTO organization_members (id, organization_id, user_id, role) SELECT id, organization_id, user_id, role::role
  FROM jsonb_to_recordset(%(members)s::jsonb) AS r (id uuid, organization_id uuid, user_id uuid, role text)
), p AS (
  INSERT INTO projects (id, organization_id, name, access) SELECT id, organization_id, name, access
  FROM jsonb_to_recordset(%(projects)s::jsonb) AS r (id uuid, organization_id uuid, name text, access text)
)
INSERT INTO project_members (project_id, organization_id, user_id, role)
SELECT project_id, organization_id, user_id, role::role
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (project_id uuid, organization_id uuid, user_id uuid, role text)
"""


def id_of(*names: str) -> UUID:
    """The key of what is laid out: id_of("north"), id_of("north", "amara") or id_of("north", "atlas")."""
    return uuid5(NAMESPACE_URL, "/".join(names))


def listed(page: str) -> dict[str, str]:
    """The rows of a page's list: name -> role."""
    rows = re.findall(r"<tr[^>]*>\s*<td>.*?</tr>", page, flags=re.S)
    cells = [re.search(r'<strong>(?:<[^>]*>)*([^<]+).*data-role="(\w+)"', row, flags=re.S) for row in rows]
    return {cell[1].lower(): cell[2].upper() for cell in cells if cell}


@pytest.fixture
def users(app: Any) -> dict[str, User]:
    """The accounts of PEOPLE."""
    with app.app_context(), transaction():
        return {name: add_user(name.capitalize()) for name in PEOPLE}


@pytest.fixture
def people(users: dict[str, User], browser: Callable[..., Browser]) -> dict[str, Browser]:
    """A browser for each of PEOPLE, logged in."""
    return {name: browser(user) for name, user in users.items()}


@pytest.fixture
def lay(users: dict[str, User], query: Callable[..., Any]) -> Callable[[dict[str, Organization]], None]:
    """lay({"north": Organization(…)}) makes exactly these organizations, with keys from id_of()."""

    def lay_out(organizations: dict[str, Organization]) -> None:
        rows: dict[str, list[dict[str, Any]]] = {"organizations": [], "members": [], "projects": [], "rows": []}
        for name, made in organizations.items():
            here = {"organization_id": id_of(name)}
            rows["organizations"].append({"id": id_of(name), "name": name})
            for who, role in made.members.items():
                rows["members"].append({**here, "id": id_of(name, who), "user_id": users[who].id, "role": ROLES[role]})
            for title, project in made.projects.items():
                access = "restricted" if project.restricted else "organization"
                rows["projects"].append({**here, "id": id_of(name, title), "name": title, "access": access})
                for who, role in project.rows.items():
                    row = {"project_id": id_of(name, title), "user_id": users[who].id}
                    rows["rows"].append({**here, **row, "role": ROLES[role] if role != FOLLOWS else None})
        query(_CLEAR)
        query(_LAY, **{name: json.dumps(value, default=str) for name, value in rows.items()})

    return lay_out
