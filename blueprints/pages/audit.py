"""`flask audit …`: for whoever runs the host, to prove that the audit log is what it was."""

from typing import IO

import click
from flask import Blueprint
from sqlalchemy import select

from models import Organization
from models.audit.checkpoints import Broken, checkpoints
from models.audit.proof import verify
from runtime.database import as_owner

bp = Blueprint("audit", __name__, cli_group="audit")
bp.cli.help = "Prove that the audit log is what it was."


@bp.cli.command("checkpoint")
@click.option("--organization", metavar="SLUG", help="Of one organization alone, by its address.")
def checkpoint(organization: str | None) -> None:
    """Print what every chain of the log is now, signed, a line each. Keep it outside of the database.

    What happened since the last one that left the machine can be doubted; nothing before it.

    \b
        flask audit checkpoint >> /somewhere/else/audit.jsonl
    """
    with as_owner() as connection:
        organization_id = connection.scalar(select(Organization.id).where(Organization.slug == organization))
        if organization and organization_id is None:
            raise click.ClickException(f"No organization has the address {organization}.")
        for found in checkpoints(connection, organization_id):
            click.echo(found.line())


@bp.cli.command("verify")
@click.option("--checkpoint", type=click.File("r"), metavar="FILE", help="Lines that `flask audit checkpoint` printed.")
def prove(checkpoint: IO[str] | None) -> None:
    """Compute the whole log anew. Without a checkpoint, whoever owns the database could have done the same.

    It changes nothing. At the first event that is not what it was, it says which, and ends with exit code 1.

    \b
        flask audit verify --checkpoint /somewhere/else/audit.jsonl
    """
    try:
        with as_owner() as connection:
            found = verify(connection, checkpoint or ())
    except Broken as broken:
        raise click.ClickException(str(broken)) from None
    click.echo(f"{found.events:,} events in {found.chains:,} chains are as they were written.")
    if found.until:
        click.echo(f"They hold what the checkpoints say, the latest of which is of {found.until}.")
