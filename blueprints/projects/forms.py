"""What is typed and chosen on the pages of projects."""

from typing import Any

from flask import request
from wtforms import Form, RadioField, SearchField, SelectField

from blueprints.forms import (
    Line,
    Lines,
    OurForm,
    StringField,
    TextAreaField,
    ValidationError,
    VersionedForm,
    choice,
)
from models import Project, Role
from models.project import OPEN, RESTRICTED

DESCRIPTION_LENGTH = 500  # characters
INHERIT = "INHERIT"  # the choice that stands for `inherit=1`


class DetailsForm(VersionedForm):
    """What a project says of itself."""

    name = StringField("Name", [Line("a name for the project")])
    description = TextAreaField(
        "Description (optional)", [Lines("the description", DESCRIPTION_LENGTH, required=False)]
    )

    def details(self) -> tuple[str, str]:
        """Name and description, as Project.create() takes them."""
        return self.name.data or "", self.description.data or ""

    def wanted(self, project: Project) -> tuple[str, str, str]:
        """The same with who can use it, as Project.edit() takes them: here, that stays."""
        return *self.details(), project.access


class ProjectForm(DetailsForm):
    """The same, with who can use it."""

    access = RadioField(
        "Who can use it",
        choices=[choice(OPEN, "Everyone in the organization"), choice(RESTRICTED, "Only people you name")],
        validate_choice=False,
    )

    def wanted(self, project: Project) -> tuple[str, str, str]:
        """All of it, as Project.edit() takes it."""
        return *self.details(), self.access.data

    def validate_access(self, field: Any) -> None:
        """Take one of the two."""
        if field.data not in (OPEN, RESTRICTED):
            raise ValidationError("Choose who can use the project")


class DeleteForm(OurForm):
    """The project's name, typed once more."""

    confirm = StringField("Name of the project")

    def __init__(self, project: Project) -> None:
        """Ask for the name of a project."""
        super().__init__()
        self.expected = project.name

    def validate_confirm(self, field: Any) -> None:
        """Compare as people do: without case, and without spaces around."""
        typed = (field.data or "").strip()
        if typed.casefold() != self.expected.casefold():
            raise ValidationError(f"Type {self.expected} to confirm." + (f" You typed {typed}." if typed else ""))


class RoleForm(VersionedForm):
    """The role that somebody shall have on a project, posted as `role`, or as `inherit=1`."""

    role = RadioField("Role on this project", validate_choice=False)

    def __init__(self, choices: list[Any], chosen: str, version: int) -> None:
        """Offer choices, of which one is marked."""
        posted = request.method == "POST"
        super().__init__(data={"role": None if posted else chosen, "version": version})
        self.role.choices = choices
        if posted and request.form.get("inherit") == "1":
            self.role.data = INHERIT

    def validate_role(self, field: Any) -> None:
        """Take the names of roles, and nothing else; whether they may be given is asked of the authority."""
        if field.data != INHERIT and field.data not in Role.__members__:
            raise ValidationError("Choose a role")

    @property
    def chosen(self) -> Role | None:
        """The role; None to follow the organization."""
        return Role.__members__.get(self.role.data)


class Search(Form):
    """The search above a list."""

    q = SearchField("Search")

    def __init__(self) -> None:
        """Take it from the address."""
        super().__init__(request.args)


class AccessSearch(Search):
    """The same, with the choice whom to show."""

    show = SelectField(
        "Show",
        choices=[
            choice("", "Everyone"),
            choice("here", "Set on this project"),
            choice("organization", "From the organization"),
            choice("change", "Can change things"),
        ],
    )
