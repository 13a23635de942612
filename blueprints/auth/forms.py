"""The forms of accounts."""

from typing import Any

from wtforms import RadioField

from blueprints.forms import (
    AddressField,
    CurrentPasswordField,
    Line,
    NewPasswordField,
    OurForm,
    StringField,
    choice,
)


class SignUpForm(OurForm):
    """An account to be."""

    email = AddressField("Email")
    name = StringField("Name", [Line("your name")])
    password = NewPasswordField("Password")


class LogInForm(OurForm):
    """Who one is, and the proof."""

    email = AddressField("Email")
    password = CurrentPasswordField("Password")


class ThemeForm(OurForm):
    """How pages look in this browser."""

    theme = RadioField(
        "Theme", choices=[choice("", "Like this device"), choice("light", "Light"), choice("dark", "Dark")]
    )


class ForgotPasswordForm(OurForm):
    """Whose password is forgotten."""

    email = AddressField("Email")


class ResetPasswordForm(OurForm):
    """A new password, by a mailed link."""

    password = NewPasswordField("New password")

    def __init__(self, *about: str, **kwargs: Any) -> None:
        """Take what others know of the person, which the password must not be."""
        self.about = about
        super().__init__(**kwargs)


class ChangePasswordForm(ResetPasswordForm):
    """A new password, by the present one."""

    current_password = CurrentPasswordField("Current password")


class AccountForm(OurForm):
    """What others see of a person."""

    name = StringField("Name", [Line("your name")])


class DeleteAccountForm(OurForm):
    """The end of one's account, by the present password."""

    current_password = CurrentPasswordField("Your password")


class ButtonForm(OurForm):
    """A page with a button alone: it carries the token."""
