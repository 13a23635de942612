"""Several people of one organization, each in a browser of their own, on the running server."""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import select

from models import (
    Invitation,
    Organization,
    OrganizationMember,
    Project,
    Role,
    Session,
    User,
    db,
    membership,
    tenant,
    transaction,
)
from models.project import OPEN
from models.text import address
from tests.browser_like import Browser as Client
from tests.factories import make_user

LIVE = re.compile(r"/live\?")  # the address of a stream
SOON = 3_000  # milliseconds: a second, and what a busy machine adds (bench/seen.py measures)
PEOPLE = {
    "amara": "Amara Okafor",
    "sven": "Sven Weber",
    "kofi": "Kofi Mensah",
    "hana": "Hana Reyes",
    "mateo": "Mateo Lindqvist",
}
ROLES = {"sven": Role.ADMIN, "kofi": Role.OPERATOR, "hana": Role.VIEWER}


@dataclass
class Cast:
    """Northfield, its people, and what they do in browsers of their own, or without one."""

    app: Flask
    new_page: Callable[..., Page]
    organization: Organization
    people: dict[str, User]
    project: Project

    def page(self, who: str, path: str = "", to: str = "", *, clock: bool = False, **options: Any) -> Page:
        """Open a page of the organization (or another: `to`) as somebody, and wait until it listens.

        With `clock` its time can be set.
        """
        page = self.new_page(**options)
        if clock:
            page.clock.install()
        sid = Client(self.app, self.people[who]).cookie("session") or ""
        page.context.add_cookies([{"name": "session", "value": sid, "url": self.app.config["SERVER"]}])
        with page.expect_response(lambda answer: "/live" in answer.url):
            page.goto(to or f"/orgs/{self.organization.slug}{path.format(project=self.project.id)}")
        return page

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Do something in a transaction, inside the organization."""
        with self.app.app_context(), transaction():
            tenant.enter(self.organization.id)
            yield

    def admit_more(self, number: int) -> None:
        """Add so many Viewers."""
        with self.app.app_context():
            users = [make_user(f"Person {n}", f"{n}-{self.organization.slug}@example.org") for n in range(number)]
        with self.changing():
            here = db.session.get_one(Organization, self.organization.id)
            for user in users:
                here.admit(user.id, Role.VIEWER)

    def member(self, who: str) -> OrganizationMember:
        """Somebody's membership."""
        return db.session.scalars(select(OrganizationMember).filter_by(user_id=self.people[who].id)).one()

    def set_role(self, who: str, role: Role) -> None:
        """Give somebody another role."""
        with self.changing():
            membership.change_role(self.member(who), role, self.people["amara"].id)

    def remove(self, who: str) -> None:
        """End somebody's membership."""
        with self.changing():
            membership.remove(self.member(who))

    def rename(self, who: str, name: str) -> None:
        """Give somebody another name."""
        with self.changing():
            db.session.get_one(User, self.people[who].id).name = name

    def rename_organization(self, name: str) -> None:
        """Give the organization another name."""
        with self.changing():
            here = db.session.get_one(Organization, self.organization.id)
            here.rename(name, here.slug, self.people["amara"].id)

    def delete_organization(self) -> None:
        """Delete it."""
        with self.changing():
            db.session.get_one(Organization, self.organization.id).delete()

    def invite(self, email: str) -> None:
        """Invite somebody."""
        with self.changing():
            Invitation.issue(self.organization.id, address(email), Role.VIEWER, self.people["amara"].id)

    def edit_project(self, name: str, access: str = OPEN) -> None:
        """Give the project another name, or restrict it."""
        with self.changing():
            db.session.get_one(Project, self.project.id).edit(name, "", access, self.people["amara"].id)

    def set_project_role(self, who: str, role: Role) -> None:
        """Give somebody a role on the project."""
        with self.changing():
            db.session.get_one(Project, self.project.id).set_role(self.people[who].id, role, self.people["amara"].id)

    def log_out_everywhere(self, who: str) -> None:
        """End somebody's sessions."""
        with self.changing():
            Session.end_all(self.people[who].id)


def populate(app: Flask, new_page: Callable[..., Page]) -> Cast:
    """Make the organization, whose name and addresses nobody used before."""
    word = uuid.uuid4().hex[:8]
    with app.app_context():
        people = {who: make_user(name, f"{who}-{word}@example.org") for who, name in PEOPLE.items()}
        amara = people["amara"].id
        with transaction():
            northfield = Organization.create(f"Northfield {word}", f"northfield-{word}", amara)
            for who, role in ROLES.items():
                northfield.admit(people[who].id, role)
            project = Project.create(northfield.id, "Billing pipeline", "Invoices, nightly", OPEN, amara)
    return Cast(app, new_page, northfield, people, project)
