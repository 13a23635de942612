"""Commands about accounts."""

import click
from flask.cli import AppGroup

from blueprints.auth.blueprint import bp
from models import LastOwner, User, housekeeping, leaving, transaction
from models.text import BadText, address


class Account(click.ParamType):
    """An email address that has an account."""

    name = "email"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> User:
        """Find the account."""
        try:
            user = User.by_email(address(value))
        except BadText as error:
            self.fail(f"{value} {error}.", param, ctx)
        return user or self.fail(f"No account uses {value}.", param, ctx)


users = AppGroup("users", help="Close people's accounts, and open them again.")
bp.cli.add_command(users)


@bp.cli.command("prune")
def prune() -> None:
    """Delete what has expired: sessions, links, mail, and organizations that were deleted more than 30 days ago."""
    for what, count in housekeeping.prune().items():
        click.echo(f"{count:,} {what}")


@users.command("deactivate")
@click.argument("user", metavar="EMAIL", type=Account())
@click.option("--new-owner", metavar="EMAIL", type=Account(), help="Becomes an Owner where none would be left.")
def deactivate(user: User, new_owner: User | None) -> None:
    r"""Close the account that uses EMAIL, at once.

    The person can no longer log in, and every session and mailed link of theirs ends. Memberships, roles and what the
    person did stay, and `flask users reactivate EMAIL` opens the account again.

    An organization always keeps an Owner who can log in. Where the person is the last one, the command refuses and
    names the organizations. Give it a new Owner, a member already or not, and that person takes over all of them:

    \b
        flask users deactivate amara@example.org --new-owner sven@example.org
    """
    try:
        with transaction():
            given = leaving.deactivate(user, new_owner)
    except LastOwner:
        owned = ", ".join(f"{organization.name} ({organization.slug})" for organization in leaving.last_owned(user.id))
        raise click.ClickException(f"{user.email} is the last Owner of {owned}. Give --new-owner EMAIL.") from None
    except leaving.NoSuccessor as refusal:
        raise click.ClickException(str(refusal)) from None
    for organization in given:
        click.echo(f"{new_owner.email if new_owner else ''} is now an Owner of {organization.name}.")
    click.echo(f"{user.email} is deactivated: every session ended, and nobody can log in with it.")


@users.command("reactivate")
@click.argument("user", metavar="EMAIL", type=Account())
def reactivate(user: User) -> None:
    """Open a deactivated account again, with the memberships and roles that it has."""
    with transaction():
        user.reactivate()
    click.echo(f"{user.email} is active: the person can log in again.")
