"""`flask orgs …`: what a host does to organizations from outside."""

import re

import click
from flask import Blueprint

from blueprints import hosting
from blueprints.orgs.forms import SHAPE
from models import Organization, User, leaving, lookup, transaction
from models.organization import RESERVED, SLUG, free_slug
from models.text import BadText, clean_line
from runtime.database import as_owner

bp = Blueprint("cli", __name__, cli_group="orgs")
bp.cli.help = "Find and create organizations, and give them an Owner."
LONGEST_NAME = 100  # characters (DESIGN.md section 2)


@bp.cli.command("find")
@click.argument("text")
def find(text: str) -> None:
    """List the organizations that have TEXT in their name or address, in any case; the deleted ones too.

    It shows at most 50, by name.

    \b
        flask orgs find north
    """
    with as_owner() as connection:
        found = lookup.organizations(connection, text, hosting.SHOWN + 1)
    lines = (f"{one.slug}  {one.name}{'  deleted' if one.deleted_at else ''}" for one in found)
    hosting.tell(lines, "None.")


@bp.cli.command("show")
@click.argument("slug")
def show(slug: str) -> None:
    """Show the organization that has the address SLUG, or had it: its members by role, and who its Owners are.

    It shows none of what the organization has in it.

    \b
        flask orgs show northfield
    """
    organization = hosting.organization(slug)
    click.echo(f"{organization.name} ({organization.slug})")
    members = lookup.members(organization.id)
    deleted, required = organization.deleted_at, organization.second_factor_required_at
    facts = {
        "since": f"{organization.created_at:%Y-%m-%d}",
        **({"deleted": f"{deleted:%Y-%m-%d}"} if deleted else {}),
        "two-step": "required of everyone" if required else "not required",
        "members": ", ".join(f"{role.label}: {count:,}" for role, count in members.items()),
    }
    hosting.tell_facts(facts)
    hosting.tell(map(_owner, lookup.owners(organization.id)), "  no Owner")


@bp.cli.command("create")
@click.argument("name")
@click.option("--owner", metavar="EMAIL", required=True, help="Its first Owner, who has an account.")
@click.option("--slug", help="Its address; made from the name unless given.")
def create(name: str, owner: str, slug: str | None) -> None:
    """Create an organization, also where ORG_CREATION=host keeps people from it. Its Owner invites everybody else.

    \b
        flask orgs create "Northfield Ltd" --owner amara@example.org
    """
    user, called = hosting.account(owner), _name(name)
    if user.deactivated_at:
        raise click.ClickException(f"{user.email} is deactivated.")
    with hosting.refusing(), transaction():
        made = Organization.create(called, _address(slug) if slug else free_slug(called), user.id)
    click.echo(f"{made.name} is at /orgs/{made.slug}, and {user.email} is its Owner.")


@bp.cli.command("make-owner")
@click.argument("slug")
@click.argument("email")
@click.confirmation_option("--yes", prompt="An Owner may do everything there, and remove the others. Go on?")
def make_owner(slug: str, email: str) -> None:
    """Make the person who uses EMAIL an Owner of an organization, where its own cannot be reached any more.

    The person needs an account, and need not be a member. The present Owners keep their role, and see in the audit log
    that the host did it; the new one can remove them. Who still has an Owner there should ask them instead.

    \b
        flask orgs make-owner northfield sven@example.org
    """
    organization, user = hosting.organization(slug), hosting.account(email)
    with hosting.refusing(), transaction():
        leaving.give_ownership(organization, user)
    click.echo(f"{user.email} is an Owner of {organization.name}.")


def _owner(user: User) -> str:
    return f"  Owner: {user.name} <{user.email}>{', deactivated' if user.deactivated_at else ''}"


def _name(text: str) -> str:
    try:
        name = clean_line(text, LONGEST_NAME)
    except BadText as error:
        raise click.ClickException(f"The name {error}.") from None
    if not name:
        raise click.ClickException("Give the organization a name.")
    return name


def _address(text: str) -> str:
    slug = text.strip().lower()
    if slug in RESERVED:
        raise click.ClickException(f"The address {slug} is used by Freehold itself. Choose another one.")
    if not re.fullmatch(SLUG, slug):
        raise click.ClickException(SHAPE)
    return slug
