"""The mail we send, written when it is sent: from ids, so that no link lies in a table.

Each message is a function of messages.py and three templates: <name>.subject.txt, <name>.txt and <name>.html.

A mail has one link, ours. What people typed (their name, an organization's name, a message) is written so that no mail
program makes a link of it: "www.example.com" becomes "www. example. com". Anybody can sign up under any name and have
us mail it to strangers; what looks like a link in our mail is trusted as ours.
"""

from email.message import EmailMessage

from emails.messages import MESSAGES
from emails.writing import compose, unlinked
from models import OutgoingMail, tenant

__all__ = ["MESSAGES", "render", "unlinked"]


def render(mail: OutgoingMail) -> EmailMessage | None:
    """Write a queued mail.

    Returns:
        The mail, with a Message-ID that is the same at every try; None if it should not be sent any more.
    """
    if mail.organization_id:
        tenant.enter(mail.organization_id)
    message = MESSAGES[mail.message](mail.subject_id)
    return compose(message, mail) if message else None
