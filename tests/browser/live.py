"""Several people of one organization, each in a browser of their own, on the running server."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask
from playwright.sync_api import Page, expect

from models import Organization, Project, Role, User, transaction
from models.project import OPEN, RESTRICTED
from tests.browser_like import Browser as Client
from tests.factories import make_user

SECOND = 1000  # milliseconds
PEOPLE = {"amara": "Amara Okafor", "sven": "Sven Weber", "kofi": "Kofi Mensah", "hana": "Hana Reyes"}
ROLES = {"sven": Role.ADMIN, "kofi": Role.OPERATOR, "hana": Role.VIEWER}


@dataclass
class Cast:
    """Northfield, its people, and their open pages."""

    app: Flask
    new_page: Callable[..., Page]
    slug: str
    organization: Organization
    people: dict[str, User]
    project: Project
    restricted: Project
    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, who: str, path: str = "", **options: object) -> Page:
        """Open a page of the organization as somebody who is logged in, and wait until it listens."""
        page = self.new_page(**options)
        client = Client(self.app, self.people[who])
        page.context.add_cookies(
            [{"name": "session", "value": client.cookie("session") or "", "url": self.app.config["URL"]}]
        )
        with page.expect_response(lambda answer: "/live" in answer.url):
            page.goto(f"/orgs/{self.slug}{path}")
        return page

    def change_role(self, page: Page, name: str, role: Role) -> None:
        """Change a member's role on the list of people, as its reader does."""
        page.get_by_role("row", name=re.compile(name)).get_by_role("link", name=re.compile("^Change")).click()
        page.get_by_label(re.compile(f"^{role.label}")).check()
        page.get_by_role("button", name="Save role").click()
        expect(page.get_by_role("dialog")).to_have_count(0)


def populate(app: Flask, new_page: Callable[..., Page]) -> Cast:
    """Make the organization."""
    word = uuid.uuid4().hex[:8]
    with app.app_context():
        people = {who: make_user(name, f"{who}-{word}@example.org") for who, name in PEOPLE.items()}
        amara = people["amara"].id
        with transaction():
            northfield = Organization.create(f"Northfield {word}", f"northfield-{word}", amara)
            for who, role in ROLES.items():
                northfield.admit(people[who].id, role)
            project = Project.create(northfield.id, "Billing pipeline", "Invoices, nightly", OPEN, amara)
            restricted = Project.create(northfield.id, "Payroll", "", RESTRICTED, amara)
    return Cast(app, new_page, northfield.slug, northfield, people, project, restricted)
