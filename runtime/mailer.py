"""Delivers outgoing mail by SMTP: a worker in each web process, or `flask mail deliver` by itself.

At least once: a worker claims a mail under a lease and commits, sends with no transaction open, and commits the
outcome. If it dies between, the lease ends and another sends the same mail, with the same Message-ID and link.
"""

import logging
import os
import random
import smtplib
import ssl
import threading
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import psycopg
from flask import Flask
from sqlalchemy.exc import DBAPIError, TimeoutError

from config import LOOPBACK, Settings, settings
from models import OutgoingMail, db, transaction
from models.outgoing_mail import GIVE_UP

Render = Callable[[OutgoingMail], EmailMessage | None]

SMTP_TIMEOUT = 20  # seconds for each word with the server; well inside the lease
LONGEST_NAP = 30.0  # seconds between looks when nobody wakes us
FIRST_RETRY, LONGEST_RETRY = 10, 3600  # seconds; doubled at each try, plus or minus a fifth

log = logging.getLogger("freehold.mail")


def start(app: Flask, render: Render) -> None:
    """Deliver in the background of this process, and of each process that forks from it."""
    os.register_at_fork(after_in_child=lambda: _thread(app, render))
    _thread(app, render)


def _thread(app: Flask, render: Render) -> None:
    threading.Thread(target=run, args=(app, render), name="mail", daemon=True).start()


def run(app: Flask, render: Render, until: Callable[[], bool] = lambda: False) -> None:
    """Deliver mail as it is queued, until told to stop. Survives the database and the mail server going away.

    Args:
        app: the application.
        render: writes a queued mail, or returns None if it should not be sent any more.
        until: asked between mails; True ends the loop.
    """
    pause = 1.0
    while not until():
        try:
            with app.app_context(), _listen(settings()) as wake:
                while not until():
                    deliver_due(render)
                    _nap(wake, until)
                    pause = 1.0
        except (psycopg.Error, DBAPIError, TimeoutError) as error:
            log.warning("The mail worker lost the database (%s) and tries again.", type(error).__name__)
            threading.Event().wait(pause * random.uniform(0.8, 1.2))  # noqa: S311
            pause = min(pause * 2, LONGEST_NAP)


def deliver_due(render: Render) -> int:
    """Deliver every mail that is due; returns how many were looked at."""
    count = 0
    while _deliver_one(render):
        count += 1
    return count


def _deliver_one(render: Render) -> bool:
    with transaction():
        mail = OutgoingMail.claim()
    if mail is None:
        db.session.remove()
        return False
    error, message = None, None
    try:
        message = render(mail)
        db.session.commit()  # no connection is held while SMTP talks
        if message:
            send(message)
    except (OSError, smtplib.SMTPException) as failure:
        error = failure
    with transaction():
        _record(mail, message, error)
    db.session.remove()
    return True


def _record(mail: OutgoingMail, message: EmailMessage | None, error: Exception | None) -> None:
    db.session.add(mail)
    if error:
        mail.failed(_words(error), _retry_after(mail, error))
    elif message:
        mail.sent()
    else:
        mail.dropped()


def send(message: EmailMessage) -> None:
    """Hand one mail to the server of SMTP_URL; without one, show it on the console.

    Raises:
        OSError, smtplib.SMTPException: the server did not take it.
    """
    chosen = settings()
    if not chosen.sends_mail:
        body = message.get_body(("plain",))
        log.info("Mail to %s: %s\n%s", message["To"], message["Subject"], body.get_content() if body else "")
        return
    url = urlsplit(chosen.smtp_url)
    connect = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
    with connect(url.hostname or "", url.port or 0, timeout=SMTP_TIMEOUT) as server:
        server.ehlo_or_helo_if_needed()
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=None if url.hostname in LOOPBACK else ssl.create_default_context())
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)


def _retry_after(mail: OutgoingMail, error: Exception) -> timedelta | None:
    """Back off with jitter; give up at once on a refusal for good (5xx), else after GIVE_UP."""
    for_good = _codes(error) and all(500 <= code < 600 for code in _codes(error))
    age = mail.due_at - mail.created_at
    if for_good or age > GIVE_UP:
        return None
    seconds = min(LONGEST_RETRY, FIRST_RETRY * 2 ** (mail.attempts - 1))
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311


def _codes(error: Exception) -> list[int]:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [code for code, _ in error.recipients.values()]
    return [error.smtp_code] if isinstance(error, smtplib.SMTPResponseException) else []


def _words(error: Exception) -> str:
    """The server's own words, for whoever looks at the pending list."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {words.decode('utf-8', 'replace')}" for code, words in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return str(error) or type(error).__name__


def _listen(settings: Settings) -> "psycopg.Connection[tuple[object, ...]]":
    url = settings.database_listen_url or db.engine.url.render_as_string(hide_password=False)
    wake = psycopg.connect(url.replace("+psycopg", ""), autocommit=True, application_name="freehold mail")
    wake.execute("LISTEN outgoing_mail")
    return wake


def _nap(wake: "psycopg.Connection[tuple[object, ...]]", until: Callable[[], bool]) -> None:
    """Sleep until a mail is queued or one is due."""
    due = OutgoingMail.seconds_to_next()
    db.session.remove()
    left = LONGEST_NAP if due is None else min(max(float(due), 0.05), LONGEST_NAP)
    while left > 0 and not until():
        for _ in wake.notifies(timeout=min(left, 1.0), stop_after=1):
            return
        left -= 1.0
