"""The forms of accounts."""

from typing import Any

from wtforms import BooleanField, RadioField, SelectField

from blueprints.forms import (
    AddressField,
    CurrentPasswordField,
    HiddenField,
    Line,
    NewPasswordField,
    OurForm,
    ProofField,
    StringField,
    choice,
)
from blueprints.looks import ZONES


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
    density = RadioField("Density of lists", choices=[choice("", "Comfortable"), choice("compact", "Compact")])
    zone = SelectField("Time zone", choices=[choice("", "UTC"), *(choice(z, z.replace("_", " ")) for z in ZONES)])


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


class SecondStepForm(OurForm):
    """The second step of logging in."""

    code = StringField("Code", [Line("the code")])
    remember = BooleanField("Do not ask again in this browser for 30 days")


class ProofForm(OurForm):
    """What takes a fresh proof of who one is, and nothing else."""

    current_password = ProofField("Your password")


class CodeForm(OurForm):
    """The code of a mail."""

    code = StringField("6-digit code", [Line("the code")])


class ConfirmForm(OurForm):
    """Who one is, by the present password."""

    current_password = CurrentPasswordField("Your password")


class ConfirmByCodeForm(OurForm):
    """The same by the second step: a code of the app, or a recovery code."""

    code = StringField("Code", [Line("the code")])


class PasskeyNameForm(OurForm):
    """What a person calls a passkey."""

    name = StringField("Name", [Line("a name for the passkey")])


class PasskeyForm(PasskeyNameForm):
    """The same, with what the device made."""

    credential = HiddenField()


class TwoStepForm(ProofForm):
    """An authenticator app that took a secret, and shows it by a code."""

    secret = HiddenField()
    code = StringField("6-digit code", [Line("the code that the app shows")])


class EmailForm(ProofForm):
    """Another address for one's account."""

    email = AddressField("New email address")


class DeleteAccountForm(ProofForm):
    """The end of one's account, by a fresh proof."""


class ButtonForm(OurForm):
    """A page with a button alone: it carries the token."""
