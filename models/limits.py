"""The limits of the product: what is counted, for whom, how many and why that many."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from config import CHALLENGE_LIFE
from models.network import networks
from models.rate_limit import Claim, Limit

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)

# Two hundred is one full form, and what UX.md 1.10 promises. An organization may have several who invite, and is
# where GitHub stops too. Five a day is an invitation, a second one, and a few who did not know of each other; more is
# mail that nobody asked for. Nobody presses a button every other second for a minute.
INVITES_OF_SENDER = Limit("invitations by a sender", 200, DAY)
INVITES_OF_ORGANIZATION = Limit("invitations by an organization", 500, DAY)
INVITES_TO_ADDRESS = Limit("invitations to an address", 5, DAY)
INVITING_AT_ONCE = Limit("inviting at once", 30, MINUTE)

# Guesses at one account, all doors together: at most a hundred in any one day (NIST SP 800-63B-4, 3.2.2). That is
# twice the bursts: sixty from anywhere, twenty by a browser that the account knows, twenty by a session.
TRIES_OF_ACCOUNT = Limit("log-ins to an account", 30, DAY)
TRIES_OF_BROWSER = Limit("log-ins in a known browser", 10, DAY)
PROOFS_OF_ACCOUNT = Limit("proofs by the present password", 10, DAY)

# Guesses at a second step, by whoever knows the password: a hundred codes in any day, where three in a million are
# right at any moment, hit once in nine years (NIST SP 800-63B-4, 3.2.2, allows a hundred failures in a row).
STEPS_AT_ONCE = Limit("second steps at once", 5, 5 * MINUTE)
STEPS_OF_ACCOUNT = Limit("second steps", 50, DAY)

# Whatever a passkey was asked is answered once; after an hour, it is too old by itself.
ANSWERS_TO_CHALLENGE = Limit("answers to a challenge", 1, CHALLENGE_LIFE)

# From one place at one account: who mistypes has five tries at once, and then one a minute; ten in any five minutes.
# From one place at all accounts: an office that arrives at nine, but no list of passwords tried at each of them.
TRIES_FROM_NETWORK_AT_ACCOUNT = Limit("log-ins to an account from a network", 5, 5 * MINUTE)
TRIES_FROM_NETWORK = Limit("log-ins from a network", 50, 5 * MINUTE)
WIDER = 10  # times as many from the larger network around it

# A class that signs up together, in one room. A mail that does not come is asked for again and again; after five, there
# are five in the mailbox, and one more each hour. So nobody is kept from a link by those who ask for it in their name;
# nor, as each kind of mail is counted by itself, by those who ask for another.
PASSWORDS_FROM_NETWORK = Limit("passwords chosen from a network", 50, HOUR)
MAILS_FROM_NETWORK = Limit("mails asked for from a network", 50, HOUR)
MAILS_TO_ADDRESS = Limit("mails to an address", 5, 5 * HOUR)
UNLOCKS_OF_ACCOUNT = Limit("mails about guesses at an account", 1, DAY)

TOLD = (INVITES_OF_SENDER, INVITES_OF_ORGANIZATION)  # what is left of these is shown beside the form


def at_once(sender_id: UUID) -> Claim:
    """One press of a button that invites."""
    return Claim(INVITING_AT_ONCE, sender_id)


def inviting(sender_id: UUID, organization_id: UUID, n: int = 1) -> list[Claim]:
    """N invitations, or fresh links, by one sender in the name of one organization."""
    return [Claim(INVITES_OF_SENDER, sender_id, n), Claim(INVITES_OF_ORGANIZATION, organization_id, n)]


def invited(email_key: str) -> Claim:
    """One mail to an address, whoever invites it."""
    return Claim(INVITES_TO_ADDRESS, email_key)


def trying(email_key: str, ip: str | None) -> list[Claim]:
    """One try to log in. By the address, never the account's id: an unknown one is counted as a known one is.

    Returns:
        First what a success gives back.
    """
    here = Claim(TRIES_FROM_NETWORK_AT_ACCOUNT, f"{networks(ip)[0]} {email_key}")
    return [here, Claim(TRIES_OF_ACCOUNT, email_key), *_from(TRIES_FROM_NETWORK, ip)]


def trying_where_known(browser_id: UUID) -> Claim:
    """One try in a browser that the account knows, where the others are used up."""
    return Claim(TRIES_OF_BROWSER, browser_id)


def proving(user_id: UUID) -> Claim:
    """One try of the present password by who is logged in."""
    return Claim(PROOFS_OF_ACCOUNT, user_id)


def stepping(user_id: UUID) -> list[Claim]:
    """One code tried at the second step."""
    return [Claim(STEPS_AT_ONCE, user_id), Claim(STEPS_OF_ACCOUNT, user_id)]


def answering(challenge: bytes) -> Claim:
    """The one answer to what a passkey was asked."""
    return Claim(ANSWERS_TO_CHALLENGE, challenge.hex())


def trying_passkey(ip: str | None) -> list[Claim]:
    """One answer of a passkey, whoever's it is."""
    return _from(TRIES_FROM_NETWORK, ip)


def choosing(ip: str | None) -> list[Claim]:
    """One password to hash, for somebody who has none yet or forgot it."""
    return _from(PASSWORDS_FROM_NETWORK, ip)


def mailing(about: str, email_key: str, ip: str | None) -> list[Claim]:
    """One mail to an address that somebody typed.

    Args:
        about: each kind is counted by itself: who signs up in somebody's name, again and again, keeps them from no link
            to a new password.
        email_key: the address.
        ip: where it was typed.
    """
    return [Claim(MAILS_TO_ADDRESS, f"{about} {email_key}"), *_from(MAILS_FROM_NETWORK, ip)]


def telling(email_key: str) -> Claim:
    """One mail to an account that others guess at."""
    return Claim(UNLOCKS_OF_ACCOUNT, email_key)


def _from(limit: Limit, ip: str | None) -> list[Claim]:
    """One by a network and, where that is easily had many times, one by the larger network around it."""
    near, around = networks(ip)
    wider = replace(limit, name=f"{limit.name} and those around it", burst=limit.burst * WIDER)
    return [Claim(limit, near)] + ([Claim(wider, around)] if around else [])
