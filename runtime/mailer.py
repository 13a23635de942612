"""Delivers outgoing mail by SMTP: a worker in each web process, or `flask mail deliver` by itself.

At least once: a worker claims a mail under a lease and commits, sends with no transaction open, and commits the
outcome. If it dies between, the lease ends and another sends the same mail, with the same Message-ID and link.
"""

import logging
import os
import random
import smtplib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import psycopg
from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from models import OutgoingMail, db, housekeeping, transaction
from models.outgoing_mail import GIVE_UP
from runtime import metrics, smtp
from runtime.database import listen

Render = Callable[[OutgoingMail], EmailMessage | None]

TIDY_EVERY = 3600.0  # seconds between deletions of what has expired, plus or minus a fifth
LONGEST_NAP = 30.0  # seconds between looks when nobody wakes us
FIRST_RETRY, LONGEST_RETRY = 10, 900  # seconds; doubled at each try, plus or minus a fifth

log = logging.getLogger("freehold.mail")


def start(app: Flask, render: Render) -> Callable[[], None]:
    """Deliver in the background of this process, and of each process that forks from it.

    Returns:
        A function that ends this process's worker, and waits for the mail that it is sending.
    """
    over = threading.Event()

    def start_in_child() -> None:
        if not over.is_set():
            with app.app_context():
                db.engine.dispose(close=False)  # the connections are the parent's
            _thread(app, render, threading.Event())

    os.register_at_fork(after_in_child=start_in_child)
    return _thread(app, render, over)


def _thread(app: Flask, render: Render, over: threading.Event) -> Callable[[], None]:
    worker = threading.Thread(target=run, args=(app, render, over), name="mail", daemon=True)
    worker.start()
    app.extensions["mail"] = worker  # for who looks whether it lives (runtime.readiness)

    def stop() -> None:
        over.set()
        worker.join()

    return stop


def run(app: Flask, render: Render, over: threading.Event) -> None:
    """Deliver mail as it is queued, until told to stop. Survives the database and the mail server going away.

    Args:
        app: the application.
        render: writes a queued mail, or returns None if it should not be sent any more.
        over: looked at between mails; once set, ends the loop.
    """
    pause, tidy = 1.0, _next_tidying()
    while not over.is_set():
        try:
            with app.app_context(), listen("outgoing_mail") as wake:
                while not over.is_set():
                    deliver_due(render, over)
                    tidy = _tidied(tidy)
                    _nap(wake, over)
                    pause = 1.0
        except (psycopg.Error, DBAPIError, NoConnection) as error:
            log.warning("The mail worker lost the database (%s) and tries again.", type(error).__name__)
        except Exception:
            log.exception("The mail worker stumbled and goes on.")
        over.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311
        pause = min(pause * 2, LONGEST_NAP)


def _tidied(due: float) -> float:
    """Delete what has expired, if that is due by the monotonic clock; return when it is due next."""
    if time.monotonic() < due:
        return due
    housekeeping.prune()
    return _next_tidying()


def _next_tidying() -> float:
    return time.monotonic() + TIDY_EVERY * random.uniform(0.8, 1.2)  # noqa: S311


def deliver_due(render: Render, over: threading.Event | None = None) -> int:
    """Deliver every mail that is due, or until told to stop; returns how many were looked at."""
    count = 0
    while not (over and over.is_set()) and _deliver_one(render):
        count += 1
    return count


def _deliver_one(render: Render) -> bool:
    with transaction():
        mail = OutgoingMail.claim()
    if mail:
        message, error = _attempt(mail, render)
        with transaction():
            _record(mail, message, error)
        metrics.MAILS.labels(metrics.TRY_AGAIN if mail.state == "queued" else mail.state).inc()
    db.session.remove()
    return mail is not None


def _attempt(mail: OutgoingMail, render: Render) -> tuple[EmailMessage | None, Exception | None]:
    """Write and send one mail. Whatever is wrong with it is noted beside it: it must not stop the others."""
    message = None
    try:
        message = render(mail)
        db.session.commit()  # no connection is held while SMTP talks
        if message:
            smtp.send(message)
    except (DBAPIError, NoConnection):
        raise
    except (OSError, smtplib.SMTPException, smtp.NoServer) as error:
        return message, error
    except Exception as error:
        log.exception("The mail %s (%s) could not be written.", mail.id, mail.message)
        return message, error
    return message, None


def _record(mail: OutgoingMail, message: EmailMessage | None, error: Exception | None) -> None:
    attempt = mail.attempts
    db.session.refresh(mail, with_for_update=True)
    ours = (mail.state, mail.attempts) == ("queued", attempt)  # no other took it over when our lease had ended
    if error:
        log.warning("The mail %s was not sent: %s", mail.id, smtp.words(error))
        if ours:
            mail.failed(smtp.words(error), _retry_after(mail, error))
    elif message:
        mail.sent()
    elif ours:
        mail.dropped()


def _retry_after(mail: OutgoingMail, error: Exception) -> timedelta | None:
    """Back off with jitter; give up at once on a refusal for good, else after GIVE_UP."""
    if smtp.for_good(error) or mail.due_at - mail.created_at > GIVE_UP:
        return None
    seconds = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(mail.attempts - 1, 10))
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311


def _nap(wake: "psycopg.Connection[tuple[object, ...]]", over: threading.Event) -> None:
    """Sleep until a mail is queued or one is due."""
    due = OutgoingMail.seconds_to_next()
    db.session.remove()
    left = LONGEST_NAP if due is None else min(max(float(due), 0.05), LONGEST_NAP)
    while left > 0 and not over.is_set():
        for _ in wake.notifies(timeout=min(left, 1.0), stop_after=1):
            return
        left -= 1.0
