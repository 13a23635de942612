"""What the host's commands share: finding what they are about, and saying no in a sentence."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import click

from models import Organization, OrganizationSlug, Refusal, User, db, tenant
from models.text import BadText, address

SHOWN = 50  # things that a command lists; who looks for more says more


def account(email: str) -> User:
    """Find the account that uses an address, or end the command."""
    try:
        user = User.by_email(address(email))
    except BadText as error:
        raise click.ClickException(f"{email} {error}.") from None
    if user is None:
        raise click.ClickException(f"No account uses {email}.")
    return user


def organization(slug: str) -> Organization:
    """Find the organization that has an address, or had it, and enter it; or end the command."""
    known = db.session.get(OrganizationSlug, slug.lower())
    if known is None:
        raise click.ClickException(f"No organization has the address {slug}.")
    tenant.enter(known.organization_id)
    return db.session.get_one(Organization, known.organization_id)


@contextmanager
def refusing() -> Iterator[None]:
    """End the command with the words of a rule that says no."""
    try:
        yield
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from None


def tell(lines: Iterable[str], nothing: str) -> None:
    """Print the first SHOWN of some lines; or that there is nothing."""
    said = list(lines)
    for line in said[:SHOWN] or [nothing]:
        click.echo(line)
    if len(said) > SHOWN:
        click.echo("… and more.")


def tell_facts(facts: Mapping[str, str]) -> None:
    """Print a line for each name with what belongs to it."""
    for name, fact in facts.items():
        click.echo(f"  {name:12}{fact}")
