"""Commands about accounts and the browsers in which people are logged in."""

import click
from flask.cli import AppGroup

from blueprints import hosting
from blueprints.auth.blueprint import bp
from models import LastOwner, Passkey, SecondFactor, Session, User, db, housekeeping, leaving, lookup, transaction
from models.device import device
from runtime.database import as_owner

users = AppGroup("users", help="Find people, close their accounts, and help them in again.")
sessions = AppGroup("sessions", help="See and end log-ins.")
bp.cli.add_command(users)
bp.cli.add_command(sessions)


@bp.cli.command("prune")
def prune() -> None:
    """Delete what has expired: sessions, links, mail, and organizations that were deleted more than 30 days ago.

    The mail worker does the same once an hour; this is for hosts without one. Nothing that still works is deleted.

    \b
        flask prune
    """
    for what, count in housekeeping.prune().items():
        click.echo(f"{count:,} {what}")


@users.command("find")
@click.argument("text")
def find(text: str) -> None:
    """List the accounts that have TEXT in their name or address, in any case.

    It shows at most 50, by address.

    \b
        flask users find reyes
    """
    found = lookup.people(text, hosting.SHOWN + 1)
    hosting.tell((f"{user.email}  {user.name}{_closed(user)}" for user in found), "Nobody.")


@users.command("show")
@click.argument("email")
def show(email: str) -> None:
    """Show the account that uses EMAIL: whether it is open, how it logs in, and where the person belongs.

    It shows no secret: neither password nor key.

    \b
        flask users show hana@example.org
    """
    user = hosting.account(email)
    click.echo(f"{user.name} <{user.email}>{_closed(user)}")
    facts = {
        "since": f"{user.created_at:%Y-%m-%d}",
        "address": "confirmed" if user.email_verified_at else "not confirmed",
        "two-step": "on" if user.second_factor_at else "off",
        "passkeys": str(len(Passkey.of_person(user.id))),
        "sessions": str(len(Session.of_person(user.id))),
    }
    hosting.tell_facts(facts)
    places = lookup.places(user.id)
    roles = (f"  {place.name} ({place.slug}): {place.role.label if place.role else 'guest'}" for place in places)
    hosting.tell(roles, "  in no organization")


@users.command("deactivate")
@click.argument("email")
@click.option("--new-owner", metavar="EMAIL", help="Becomes an Owner where none would be left.")
def deactivate(email: str, new_owner: str | None) -> None:
    """Close the account that uses EMAIL, at once.

    The person can no longer log in, and every session and mailed link of theirs ends. Memberships, roles and what the
    person did stay, and `flask users reactivate EMAIL` opens the account again.

    An organization always keeps an Owner who can log in. Where the person is the last one, the command refuses and
    names the organizations. Give it a new Owner, a member already or not, and that person takes over all of them:

    \b
        flask users deactivate amara@example.org --new-owner sven@example.org
    """
    user, successor = hosting.account(email), hosting.account(new_owner) if new_owner else None
    try:
        with transaction():
            given = leaving.deactivate(user, successor)
    except LastOwner:
        owned = _last_owned(user)
        raise click.ClickException(f"{user.email} is the last Owner of {owned}. Give --new-owner EMAIL.") from None
    except leaving.NoSuccessor as refusal:
        raise click.ClickException(str(refusal)) from None
    for organization in given:
        click.echo(f"{new_owner} is now an Owner of {organization.name}.")
    click.echo(f"{user.email} is deactivated: every session ended, and nobody can log in with it.")


@users.command("reactivate")
@click.argument("email")
def reactivate(email: str) -> None:
    """Open a deactivated account again, with the memberships and roles that it has.

    Sessions and links that ended stay ended. An account that its person deleted cannot be opened again.

    \b
        flask users reactivate amara@example.org
    """
    user = hosting.account(email)
    with transaction():
        user.reactivate()
    click.echo(f"{user.email} is active: the person can log in again.")


@users.command("log-out")
@click.argument("email")
def log_out(email: str) -> None:
    """End every session of a person, and every link that was mailed to them; their password stays.

    Who knows the password logs in again: where somebody else does, deactivate the account instead.

    \b
        flask users log-out hana@example.org
    """
    user = hosting.account(email)
    with transaction():
        user.log_out_everywhere()
    click.echo(f"{user.email} is logged out everywhere.")


@users.command("turn-off-two-step")
@click.argument("email")
@click.confirmation_option("--yes", prompt="Is it that person who asks?")
def turn_off_two_step(email: str) -> None:
    """Let a person log in by the password alone, who lost phone and recovery codes. They are told by mail.

    Make sure first that it is that person who asks. The app's key and the recovery codes are gone then; the person can
    turn it on again, with a new app. Passkeys stay. In an organization that requires two-step verification they see
    nothing until it is on again.

    \b
        flask users turn-off-two-step hana@example.org
    """
    user = hosting.account(email)
    with transaction():
        SecondFactor.turn_off(user)
    click.echo(f"{user.email} logs in by the password alone.")


@sessions.command("list")
@click.argument("email")
def list_sessions(email: str) -> None:
    """List where a person is logged in: the device, its address, and when it was last there. It shows no cookie.

    To end them all: `flask users log-out`. The person can end each under Your account.

    \b
        flask sessions list hana@example.org
    """
    found = Session.of_person(hosting.account(email).id)
    lines = (f"{row.last_seen_at:%Y-%m-%d %H:%M} UTC  {row.ip}  {device(row.user_agent)}" for row in found)
    hosting.tell(lines, "Nowhere.")


@sessions.command("end-all")
@click.confirmation_option("--yes", prompt="Log everybody out?")
def end_all() -> None:
    """End every session of everybody, and every link that was mailed to them, after a leak for example.

    Passwords stay; so do invitations. Each account's log says that the host did it. Who logs in meanwhile stays.

    \b
        flask sessions end-all
    """
    with as_owner() as connection:
        people = lookup.logged_in(connection)
    for id in people:
        with transaction():
            db.session.get_one(User, id).log_out_everywhere()
    click.echo(f"{len(people):,} people are logged out everywhere.")


def _closed(user: User) -> str:
    return f"  deactivated on {user.deactivated_at:%Y-%m-%d}" if user.deactivated_at else ""


def _last_owned(user: User) -> str:
    with leaving.everywhere(user.id):
        return ", ".join(f"{one.name} ({one.slug})" for one in leaving.last_owned(user.id))
