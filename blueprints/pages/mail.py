"""`flask mail …`: delivering mail apart from the web processes, and looking after what was not delivered."""

import signal
from uuid import UUID

import click
from flask import Blueprint, current_app

import emails
from blueprints import hosting
from models import OutgoingMail, db, transaction
from runtime import mailer

bp = Blueprint("mail", __name__, cli_group="mail")
bp.cli.help = "Deliver mail, and look after what was not delivered."
STOP = {signal.SIGTERM, signal.SIGINT}
STATE = click.option(
    "--state", type=click.Choice(["failed", "dropped", "sent"]), default="failed", show_default=True, help="Which ones."
)


@bp.cli.command("deliver")
@click.option("--once", is_flag=True, help="Deliver what is due, and end.")
def deliver(*, once: bool) -> None:
    """Deliver queued mail until stopped; for hosts that set MAIL_WORKER=off for their web processes.

    Several may run at once: each mail is one's.

    \b
        flask mail deliver --once
    """
    if once:
        click.echo(f"{mailer.deliver_due(emails.render):,} mails were looked at.")
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)  # for the worker's thread too: the mail in hand is finished
    stop = mailer.start(current_app._get_current_object(), emails.render)  # type: ignore[attr-defined]
    signal.sigwait(STOP)
    stop()


@bp.cli.command("list")
@STATE
def list_mails(state: str) -> None:
    """List mails that failed: their id, what they are, to whom, and what the mail server said.

    It shows the latest 50. A mail whose reason is over, like an invitation that was revoked, is to nobody any more.
    Dropped ones made no sense any more when it was their turn, or waited when the data was restored.

    \b
        flask mail list
    """
    found = OutgoingMail.latest(state, hosting.SHOWN + 1)
    hosting.tell((f"{mail.id}  {mail.message} to {_to(mail)}: {mail.last_error or state}" for mail in found), "None.")


@bp.cli.command("send-again")
@click.argument("id", type=click.UUID)
def send_again(id: UUID) -> None:
    """Queue a mail once more, by its ID in `flask mail list`. It is written anew from what is true now.

    It keeps its Message-ID and link: what has expired stays expired, and what makes no sense any more is dropped again.
    A mail of more than three days ago is tried once.

    \b
        flask mail send-again 01a2229b-88dc-7c7e-89b0-ca6b6c7b090a
    """
    mail = db.session.get(OutgoingMail, id)
    if mail is None:
        raise click.ClickException(f"No mail has the id {id}. It may have been removed: they are kept for 30 days.")
    with transaction():
        queued = mail.send_again()
    click.echo(f"{mail.message} to {_to(mail)} {'is queued.' if queued else 'waits already.'}")


@bp.cli.command("purge")
@STATE
@click.confirmation_option("--yes", prompt="Delete them, and what is known of their delivery?")
def purge(state: str) -> None:
    """Delete the mails that failed, before the 30 days are over that they are kept. Queued ones stay.

    \b
        flask mail purge --state failed
    """
    with transaction():
        gone = OutgoingMail.purge(state)
    click.echo(f"{gone:,} mails are deleted.")


def _to(mail: OutgoingMail) -> str:
    message = emails.render(mail)
    return message["To"] if message else "nobody any more"
