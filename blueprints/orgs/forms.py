"""The forms of organizations, people and invitations."""

import re
from itertools import starmap
from typing import Any

from flask import request
from markupsafe import Markup
from wtforms import BooleanField, DateField, Form, RadioField, SearchField, SelectField
from wtforms.validators import StopValidation

from access import ProjectHere
from blueprints.forms import (
    HiddenField,
    Line,
    Lines,
    OurForm,
    ProofField,
    StringField,
    TextAreaField,
    VersionedForm,
    choice,
)
from blueprints.orgs import addressees
from models import Role
from models.audit.actions import ACTIONS
from models.organization import RESERVED, SLUG, free_slug

MOST = 200  # addresses a time (DESIGN.md section 2)
SHOWN = {"two-step-off": "Two-step is off", "two-step-on": "Two-step is on", "project-role": "Has a project role"}
ROLES = [choice(role.name, role.label) for role in Role]
SHAPE = "Use small letters, digits and hyphens for the address: 2 to 50 of them, with no hyphen at either end."


class SlugField(StringField):
    """An organization's address, in the form in which two are compared; empty where none was given."""

    def pre_validate(self, form: Any) -> None:
        """Refuse what cannot be an address, and words that people would take for ours."""
        self.data = (self.data or "").strip().lower()
        if self.data and not re.fullmatch(SLUG, self.data):
            raise StopValidation(SHAPE)
        if self.data in RESERVED:
            raise StopValidation(f"The address “{self.data}” is used by Freehold itself. Choose another one.")


class RoleField(RadioField):
    """A role to give. Only what the actor may give is offered; what is posted, the authority judges."""

    def offer(self, roles: list[Role]) -> None:
        """Show these, from the least up."""
        self.choices = [choice(role.name, role.label) for role in roles]

    def pre_validate(self, form: Any) -> None:
        """Refuse what is no role at all."""
        if self.data not in Role.__members__:
            raise StopValidation("Choose a role")

    @property
    def role(self) -> Role:
        """The role that was chosen."""
        return Role[self.data]


class NewOrganizationForm(OurForm):
    """/orgs/new."""

    name = StringField("Name", [Line("the organization's name")])
    slug = SlugField("Address")


class SettingsForm(VersionedForm):
    """/orgs/<slug>/settings."""

    name = StringField("Name", [Line("the organization's name")])
    slug = SlugField("Address", [Line("the address")])


class DeleteForm(OurForm):
    """/orgs/<slug>/settings/delete."""

    confirm = StringField("The organization's address")
    current_password = ProofField("Your password")


class SelectedForm(OurForm):
    """/orgs/<slug>/people/selected: their removal."""

    do = HiddenField()


class SelectedRoleForm(SelectedForm):
    """The same: another role."""

    role = RoleField("Role for all of them", choices=ROLES, default=Role.VIEWER.name)


class TwoStepForm(OurForm):
    """/orgs/<slug>/settings/two-step."""

    required = BooleanField("Require two-step verification of everyone")
    current_password = ProofField("Your password")


class TransferForm(OurForm):
    """/orgs/<slug>/settings/transfer."""

    member = HiddenField()
    role = RoleField("Your role afterwards", choices=[*reversed(ROLES)])
    current_password = ProofField("Your password")

    def __init__(self) -> None:
        """Take the member from what was posted, else from the address."""
        super().__init__(member=request.args.get("member"))


class ConfirmForm(OurForm):
    """A review page, whose only field is its button."""


class RemoveForm(ConfirmForm):
    """/orgs/<slug>/people/<member_id>/remove; the name stays with the page, should somebody else be quicker."""

    name = HiddenField(validators=[Line("the name", required=False)])


class ChangeRoleForm(VersionedForm):
    """/orgs/<slug>/people/<member_id>/role."""

    role = RoleField("Role", choices=ROLES)


class AddressesField(TextAreaField):
    """Email addresses, in whatever form a mail program or a spreadsheet gives them."""

    found: addressees.Found

    def pre_validate(self, form: Any) -> None:
        """Read them; what is misspelt does not stop the others."""
        self.found = addressees.read(self.data or "", MOST)
        if self.found.count > MOST:
            raise StopValidation(f"Enter at most {MOST} email addresses at a time. You entered {self.found.count:,}.")
        if not self.found.count:
            raise StopValidation("Enter at least one email address")


class InviteForm(OurForm):
    """/orgs/<slug>/people/invite."""

    emails = AddressesField("Email addresses")
    role = RoleField("Role", choices=ROLES, default=Role.VIEWER.name)
    message = TextAreaField("Message (optional)", [Lines("the message", 500, required=False)])
    project = HiddenField()  # the key of a project to invite guests to; without one, people into the organization
    here: ProjectHere | None = None  # that project, as the view found it

    def __init__(self) -> None:
        """Take the project from what was posted, else from the address."""
        super().__init__(project=request.args.get("project"))


class PeopleSearch(Form):
    """What is searched for in a list of people."""

    q = SearchField("Search by name or email")


class PeopleFilter(PeopleSearch):
    """What narrows the list of people."""

    role = SelectField("Role", choices=[choice("", "Every role"), *reversed(ROLES)])
    show = SelectField("Show", choices=[choice("", "All"), *starmap(choice, SHOWN.items())])


class PendingFilter(Form):
    """What narrows the list of pending invitations."""

    show = SelectField(
        "Show",
        choices=[
            choice("", "All"),
            choice("waiting", "Waiting"),
            choice("expired", "Expired"),
            choice("undelivered", "Not delivered"),
        ],
    )


class AuditFilter(Form):
    """What narrows the audit log."""

    person = SearchField("Person")
    action = SelectField("What happened")
    project = SearchField("Project")
    since = DateField("From", name="from")
    until = DateField("To", name="to")

    def __init__(self, data: dict[str, Any]) -> None:
        """Offer every action that there is, host products' own among them."""
        super().__init__(data=data)
        self.action.choices = [choice("", "Everything"), *(choice(a.name, a.label) for a in ACTIONS.values())]


def refuse_slug(form: NewOrganizationForm | SettingsForm, slug: str) -> None:
    """Say that another organization has or had the address, and name one that is free."""
    words = Markup("Another organization already uses the address <em>{}</em>. Try <em>{}</em>.")
    form.refuse("slug", words.format(slug, free_slug(slug)))
