"""Organizations on the running server, filled through the models, and what tests do on their pages."""

import re
from dataclasses import dataclass
from typing import Any

from flask import Flask
from playwright.sync_api import Locator, Page, expect

from blueprints.presentation import short
from models import Invitation, Organization, OrganizationMember, Project, Role, User, db, tenant, transaction
from models.project import OPEN
from models.text import address
from tests.browser_like import Browser
from tests.factories import PASSWORD, add_user, make_user


@dataclass
class Host:
    """An organization of Amara's on the running server, filled without a browser; its mail is sent by the server."""

    app: Flask
    postbox: Any
    word: str
    amara: User
    organization: Organization

    @property
    def url(self) -> str:
        return f"/orgs/{self.organization.slug}"

    def email(self, name: str) -> str:
        return f"{name}-{self.word}@example.org"

    def account(self, name: str) -> str:
        """Add an account; return its address."""
        return self.person(name).email

    def person(self, name: str) -> User:
        """Add an account; return it."""
        with self.app.app_context():
            return make_user(name, self.email(name.partition(" ")[0].lower()))

    def member(self, name: str, role: Role = Role.VIEWER) -> User:
        """Add a member; return the account."""
        user = self.person(name)
        with self.app.app_context(), transaction():
            tenant.enter(self.organization.id)
            db.session.merge(self.organization).admit(user.id, role)
        return user

    def crowd(self, number: int) -> None:
        """Add as many members at once."""
        with self.app.app_context(), transaction():
            tenant.enter(self.organization.id)
            here = db.session.merge(self.organization)
            for n in range(number):
                here.admit(add_user(f"Person {n:03}", self.email(f"person{n}")).id, Role.VIEWER)

    def project(self, name: str) -> str:
        """Add a project; return its address."""
        with self.app.app_context(), transaction():
            tenant.enter(self.organization.id)
            made = Project.create(self.organization.id, name, "", OPEN, self.amara.id)
        return f"{self.url}/projects/{made.id}"

    def invite(self, email: str) -> str:
        """Invite, and return the link that arrived."""
        self.invitation(email)
        return self.postbox.link_for(email)

    def invitation(self, email: str) -> Invitation:
        """Invite; the mail is on its way."""
        with self.app.app_context(), transaction():
            tenant.enter(self.organization.id)
            return Invitation.issue(self.organization.id, address(email), Role.OPERATOR, self.amara.id)

    def change_of(self, user: User) -> str:
        """The selector of what leads from somebody's row to their role."""
        return f"#c-{short(self.member_id(user))}"

    def member_id(self, user: User) -> Any:
        """The key of somebody's membership."""
        with self.app.app_context():
            tenant.enter(self.organization.id)
            mine = OrganizationMember.user_id == user.id
            return db.session.scalar(db.select(OrganizationMember.id).where(mine))

    def change(self, statement: str, **values: Any) -> None:
        """Change the organization's rows: `:here` is its id."""
        with self.app.app_context(), transaction():
            tenant.enter(self.organization.id)
            db.session.execute(db.text(statement), {"here": self.organization.id, **values})

    def count(self, statement: str, **values: Any) -> Any:
        """The one number that a statement gives: `:here` is the organization's id."""
        with self.app.app_context():
            tenant.enter(self.organization.id)
            return db.session.scalar(db.text(statement), {"here": self.organization.id, **values})

    def end_sessions(self, user: User) -> None:
        """End every session of somebody's."""
        with self.app.app_context(), transaction():
            db.session.execute(db.select(db.func.end_sessions(user.id)))

    def let_in(self, page: Page, user: User | None = None) -> Page:
        """Begin a session as log-in does, without its page."""
        session = Browser(self.app, user or self.amara).cookie("session")
        page.context.add_cookies([{"name": "session", "value": session or "", "url": self.app.config["SERVER"]}])
        return page


def log_in(page: Page, email: str) -> None:
    page.goto("/login")
    page.get_by_label("Email", exact=True).fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).not_to_have_url(re.compile("/login"))


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row", name=re.compile(re.escape(name)))


def heading(page: Page) -> Any:
    return expect(page.get_by_role("heading", level=1))


def told(page: Page, words: str | re.Pattern[str]) -> None:
    """Wait for a toast."""
    expect(page.locator("#toasts .toast", has_text=words)).to_be_visible()
