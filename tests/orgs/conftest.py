"""What the tests of organizations share."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from models import Invitation, OrganizationMember, Role, User, db, transaction
from models.text import address
from tests.factories import Northfield, add_user


@pytest.fixture
def invited(app: Flask, northfield: Northfield) -> Callable[..., Any]:
    """invited(email, role="VIEWER", by="owner", message="") -> the id of a pending invitation to Northfield."""

    def invite(email: str, role: str = "VIEWER", by: str = "owner", message: str = "") -> Any:
        inviter = northfield.person(by)
        assert inviter
        with northfield.inside(app), transaction():
            return Invitation.issue(northfield.organization.id, address(email), Role[role], inviter.id, message).id

    return invite


@pytest.fixture
def join(app: Flask, northfield: Northfield) -> Callable[..., OrganizationMember]:
    """join(name, role="VIEWER", email=None) -> the membership of somebody new in Northfield."""

    def admit(name: str, role: str = "VIEWER", email: str | None = None) -> OrganizationMember:
        with northfield.inside(app), transaction():
            return northfield.organization.admit(add_user(name, email).id, Role[role])

    return admit


@pytest.fixture
def crowd(app: Flask, northfield: Northfield) -> Callable[[int], None]:
    """crowd(60) adds members Person 001 … Person 060, all Operators."""

    def gather(number: int) -> None:
        with northfield.inside(app), transaction():
            password_hash = db.session.get_one(User, northfield.owner.id).password_hash
            names = [(f"Person {n:03}", f"person{n:03}@example.org") for n in range(1, number + 1)]
            people = [User(name=n, email=e, email_key=e, password_hash=password_hash) for n, e in names]
            db.session.add_all(people)
            db.session.flush()
            here = northfield.organization.id
            db.session.add_all(
                OrganizationMember(organization_id=here, user_id=p.id, role=Role.OPERATOR) for p in people
            )

    return gather


@pytest.fixture
def path(northfield: Northfield) -> Callable[[str], str]:
    """path("viewer") -> the address of a member of the cast."""
    return lambda name: f"/orgs/northfield/people/{northfield.member(name).id}"


@pytest.fixture
def role_of(northfield: Northfield, query: Callable[..., Any]) -> Callable[[str], str | None]:
    """role_of("viewer") -> the present role's name; None for who left."""

    def present(name: str) -> str | None:
        user = northfield.person(name)
        assert user
        found = query(
            "SELECT role::text FROM organization_members WHERE user_id = %(user)s AND organization_id = %(here)s",
            user=user.id,
            here=northfield.organization.id,
        )
        return found[0][0] if found else None

    return present
