"""Commands about accounts."""

import click

from blueprints.auth.blueprint import bp
from models import housekeeping


@bp.cli.command("prune")
def prune() -> None:
    """Delete what has expired: sessions, sign-ups, links and mail that was sent long ago."""
    for what, count in housekeeping.prune().items():
        click.echo(f"{count:,} {what}")
