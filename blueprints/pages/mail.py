"""`flask mail …`: delivering mail apart from the web processes."""

import signal

import click
from flask import Blueprint, current_app

import emails
from runtime import mailer

bp = Blueprint("mail", __name__, cli_group="mail")
STOP = {signal.SIGTERM, signal.SIGINT}


@bp.cli.command("deliver")
@click.option("--once", is_flag=True, help="Deliver what is due, and end.")
def deliver(*, once: bool) -> None:
    """Deliver queued mail until stopped; for hosts that set MAIL_WORKER=off for their web processes."""
    if once:
        click.echo(f"{mailer.deliver_due(emails.render):,} mails were looked at.")
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)  # for the worker's thread too: the mail in hand is finished
    stop = mailer.start(current_app._get_current_object(), emails.render)  # type: ignore[attr-defined]
    signal.sigwait(STOP)
    stop()
