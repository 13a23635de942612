"""After a restore: prove that the data is ours and whole, and end what must not come back to life with it.

A backup remembers sessions, links and mail that ended since it was made. Both verbs work on the tables' owner's
connection, which sees every tenant, and know nothing of where the data came from.
"""

import json
from typing import NamedTuple

from sqlalchemy import Connection, Update, and_, delete, func, select, text, update

from models import lookup
from models.audit.actions import ACCOUNT_LOGGED_OUT, DATA_RESTORED
from models.audit.proof import Verified, verify
from models.email_change import WAITING, EmailChange
from models.invitation import PENDING, Invitation
from models.known_browser import KnownBrowser
from models.organization import Organization
from models.outgoing_mail import QUEUED, OutgoingMail
from models.sealed import unseal
from models.second_factor import SEALED, SecondFactor
from models.session import Session
from models.signup import Signup
from models.token import OneTimeToken

NOW = func.now()


class OtherKey(Exception):
    """SECRET_KEY does not open what is sealed in the data; the message says what does not work without it."""


class Ended(NamedTuple):
    """What was ended, in numbers."""

    people: int  # who were logged in
    links: int
    invitations: int
    mails: int


def prove(connection: Connection) -> Verified:
    """Compute the whole audit log anew, and make sure that SECRET_KEY opens what is sealed.

    Raises:
        Broken: the log is not as it was written, or a tombstone is not signed by our key.
        OtherKey: there are authenticator apps' keys, and it opens none of them.
    """
    found = verify(connection)
    secrets = connection.scalars(select(SecondFactor.secret)).all()
    if secrets and not any(unseal(SEALED, secret) for secret in secrets):
        raise OtherKey(
            f"SECRET_KEY is another one than that of this data: it opens none of the {len(secrets):,} authenticator "
            "apps' keys. Set the one that was kept with the backup, as SECRET_KEY or SECRET_KEY_PREVIOUS."
        )
    return found


def settle(connection: Connection) -> Ended:
    """End every session, every mailed link and all queued mail, and write into every organization's log that it was.

    An invitation that waits expires: its link is dead, it can be sent again, and the invited person can ask for that.
    A link that takes a change of email back goes on, for whoever holds the former address may need it.

    Returns:
        How much of each there was.
    """
    people = lookup.logged_in(connection)
    connection.execute(delete(Session))
    remembered = update(KnownBrowser).where(KnownBrowser.remembered_until.is_not(None))
    connection.execute(remembered.values(remembered_until=None))
    links = (
        update(OneTimeToken).where(OneTimeToken.used_at.is_(None), OneTimeToken.expires_at > NOW),
        update(Signup).where(Signup.confirmed_at.is_(None), Signup.expires_at > NOW),
        update(EmailChange).where(text(WAITING), EmailChange.expires_at > NOW),
    )
    waiting = update(Invitation).where(and_(text(PENDING), Invitation.expires_at > NOW))
    queued = update(OutgoingMail).where(text(QUEUED)).values(state="dropped")
    ended = Ended(
        people=len(people),
        links=sum(_expired(connection, which) for which in links),
        invitations=_expired(connection, waiting),
        mails=connection.execute(queued).rowcount,
    )
    logged_out = [{"action": ACCOUNT_LOGGED_OUT.name, "user_id": id, "subject_id": id} for id in people]
    organizations = connection.scalars(select(Organization.id)).all()
    restored = [{"action": DATA_RESTORED.name, "organization_id": id} for id in organizations]
    events = json.dumps(logged_out + restored, default=str)
    connection.execute(text("SELECT record_audit(CAST(:events AS jsonb))"), {"events": events})
    return ended


def _expired(connection: Connection, which: Update) -> int:
    return connection.execute(which.values(expires_at=NOW)).rowcount
