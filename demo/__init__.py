"""`flask demo`: fills a database with believable organizations, to look around in before there is anything real."""

import click
from flask.cli import with_appcontext

from config import settings
from demo.filling import Demo
from demo.plans import ACCOUNTS, NORTHFIELD
from models import OrganizationSlug, Refusal, db, transaction
from models.password import hash_password

PASSWORD = "a quiet harbour town"  # noqa: S105 - public, which is why production refuses this command


@click.command("demo")
@with_appcontext
def cli() -> None:
    """Fill the database with example organizations, and print the accounts to log in with.

    For development: production refuses it, because the accounts' password is public. Twice is once.

    \b
        flask demo
    """
    if settings().production:
        raise click.ClickException("flask demo is for development: the password of its accounts is public.")
    if db.session.get(OrganizationSlug, NORTHFIELD.slug):
        click.echo("The demo is in this database already.")
    else:
        password_hash = hash_password(PASSWORD)
        try:
            with transaction():
                click.echo(Demo(password_hash).fill())
        except Refusal as refusal:
            raise click.ClickException(f"The demo does not go with what is in this database: {refusal}") from None
    click.echo(f"\nLog in with the password: {PASSWORD}")
    for who, email in ACCOUNTS.items():
        click.echo(f"  {who:24}{email}")
