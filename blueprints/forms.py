"""What all forms share: our CSRF token, cleaned text, and messages that name their field."""

from typing import Any

from flask import g, request
from wtforms import EmailField, Form, HiddenField, PasswordField, StringField, TextAreaField, ValidationError
from wtforms import SelectChoice as _Choice  # type: ignore[attr-defined]  # the stubs are those of WTForms 3.2
from wtforms.fields import Field
from wtforms.validators import StopValidation

from blueprints.csrf import FormCSRF
from models import password
from models.text import Address, BadText, address, clean_line, clean_text

NAME_LENGTH = 100  # characters of any name (DESIGN.md section 2)


class OurForm(Form):
    """The parent of every form: filled from a POST, with the CSRF token as a field."""

    class Meta:
        """WTForms' own way to say so."""

        csrf = True
        csrf_class = FormCSRF
        csrf_field_name = "csrf_token"

    def __init__(self, **kwargs: Any) -> None:
        """Take what was posted; `data=` or keyword arguments fill a form that is shown."""
        super().__init__(request.form if request.method == "POST" else None, **kwargs)

    def accepted(self) -> bool:
        """True if this is a POST and everything in it can be used."""
        return request.method == "POST" and self.validate()

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field; a stale token is told above the form, where it can be read."""
        fine = super().validate(extra_validators)
        token = self["csrf_token"]
        if token.errors:
            self.form_errors = [*self.form_errors, *token.errors]
            token.errors = []
        return fine

    def refuse(self, field: str, message: str) -> None:
        """Add what only the change itself could find out, like a name that somebody took meanwhile."""
        if field:
            self[field].errors = [*self[field].errors, message]
        else:
            self.form_errors = [*self.form_errors, message]


class VersionedForm(OurForm):
    """A form that knows which version of the thing its page was made from; a caller may leave that out."""

    version = HiddenField()

    def outdated(self, version: int) -> bool:
        """Tell whether somebody else changed the thing since; from now on the form speaks of this version."""
        seen, self.version.data = str(self.version.data or ""), str(version)
        return seen not in ("", str(version))


def choice(value: str, label: str) -> Any:
    """One option of radio buttons or a drop-down."""
    return _Choice(value, label)


class Line:
    """A validator that trims, normalises and requires one line."""

    clean = staticmethod(clean_line)

    def __init__(self, what: str, longest: int = NAME_LENGTH, *, required: bool = True) -> None:
        """Name the field for its messages, like "your name"."""
        self.what, self.longest, self.required = what, longest, required

    def __call__(self, form: Form, field: Field) -> None:
        """Clean the field's data, or stop with a sentence."""
        try:
            field.data = self.clean(field.data or "", self.longest)
        except BadText as error:
            raise StopValidation(f"{self.what[0].upper()}{self.what[1:]} {error}") from None
        if self.required and not field.data:
            raise StopValidation(f"Enter {self.what}")


class Lines(Line):
    """The same for text of several lines."""

    clean = staticmethod(clean_text)


class AddressField(EmailField):
    """An email address; `.address` has it read once the form is accepted."""

    address: Address

    def pre_validate(self, form: Any) -> None:
        """Read the address."""
        try:
            self.address = address(self.data or "")
        except BadText:
            raise StopValidation("Enter an email address in the format name@example.com") from None


class NewPasswordField(PasswordField):
    """A password to choose. It is never printed back."""

    def pre_validate(self, form: Any) -> None:
        """Judge it beside the email and name, in the form or its `about`, which others know."""
        about = [str(form[name].data or "") for name in ("email", "name") if name in form]
        about += getattr(form, "about", ())
        try:
            password.check_strength(self.data or "", *about)
        except password.WeakPassword as error:
            raise StopValidation(str(error)) from None


class CurrentPasswordField(PasswordField):
    """A password to prove. It is never printed back."""

    def pre_validate(self, form: Any) -> None:
        """Require one."""
        if not self.data:
            raise StopValidation("Enter your password")


class ProofField(CurrentPasswordField):
    """The same, asked only of whoever was not proven within the last minutes."""

    def pre_validate(self, form: Any) -> None:
        """Require one, or a fresh session."""
        if not g.identity.fresh:
            super().pre_validate(form)


__all__ = [
    "AddressField",
    "CurrentPasswordField",
    "HiddenField",
    "Line",
    "Lines",
    "NewPasswordField",
    "OurForm",
    "ProofField",
    "StringField",
    "TextAreaField",
    "ValidationError",
    "VersionedForm",
    "choice",
]
