"""Commands about accounts."""

import click
from flask.cli import AppGroup

from blueprints.auth.blueprint import bp
from models import LastOwner, SecondFactor, User, housekeeping, leaving, transaction
from models.text import BadText, address

users = AppGroup("users", help="Close people's accounts, and open them again.")
bp.cli.add_command(users)


@bp.cli.command("prune")
def prune() -> None:
    """Delete what has expired: sessions, links, mail, and organizations that were deleted more than 30 days ago."""
    for what, count in housekeeping.prune().items():
        click.echo(f"{count:,} {what}")


@users.command("deactivate")
@click.argument("email")
@click.option("--new-owner", metavar="EMAIL", help="Becomes an Owner where none would be left.")
def deactivate(email: str, new_owner: str | None) -> None:
    r"""Close the account that uses EMAIL, at once.

    The person can no longer log in, and every session and mailed link of theirs ends. Memberships, roles and what the
    person did stay, and `flask users reactivate EMAIL` opens the account again.

    An organization always keeps an Owner who can log in. Where the person is the last one, the command refuses and
    names the organizations. Give it a new Owner, a member already or not, and that person takes over all of them:

    \b
        flask users deactivate amara@example.org --new-owner sven@example.org
    """
    user, successor = _account(email), _account(new_owner) if new_owner else None
    try:
        with transaction():
            given = leaving.deactivate(user, successor)
    except LastOwner:
        with leaving.everywhere(user.id):
            owned = ", ".join(f"{one.name} ({one.slug})" for one in leaving.last_owned(user.id))
        raise click.ClickException(f"{user.email} is the last Owner of {owned}. Give --new-owner EMAIL.") from None
    except leaving.NoSuccessor as refusal:
        raise click.ClickException(str(refusal)) from None
    for organization in given:
        click.echo(f"{new_owner} is now an Owner of {organization.name}.")
    click.echo(f"{user.email} is deactivated: every session ended, and nobody can log in with it.")


@users.command("reactivate")
@click.argument("email")
def reactivate(email: str) -> None:
    """Open a deactivated account again, with the memberships and roles that it has."""
    user = _account(email)
    with transaction():
        user.reactivate()
    click.echo(f"{user.email} is active: the person can log in again.")


@users.command("log-out")
@click.argument("email")
def log_out(email: str) -> None:
    """End every session of a person, and every link that was mailed to them; their password stays."""
    user = _account(email)
    with transaction():
        user.log_out_everywhere()
    click.echo(f"{user.email} is logged out everywhere.")


@users.command("turn-off-two-step")
@click.argument("email")
def turn_off_two_step(email: str) -> None:
    """Let a person log in by the password alone, who lost phone and recovery codes. They are told by mail.

    Make sure first that it is that person who asks.
    """
    user = _account(email)
    with transaction():
        SecondFactor.turn_off(user)
    click.echo(f"{user.email} logs in by the password alone.")


def _account(email: str) -> User:
    """Find the account that uses an address, or end the command."""
    try:
        user = User.by_email(address(email))
    except BadText as error:
        raise click.ClickException(f"{email} {error}.") from None
    if user is None:
        raise click.ClickException(f"No account uses {email}.")
    return user
