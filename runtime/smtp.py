"""One conversation with the mail server of SMTP_URL: send a mail, and judge what the server answered."""

import logging
import smtplib
import ssl
import time
from contextlib import closing, suppress
from email.message import EmailMessage
from urllib.parse import SplitResult, unquote, urlsplit

from config import LOOPBACK, settings
from models.outgoing_mail import LEASE

WORD = 10.0  # seconds to wait for each word of the server before the mail itself
WHOLE = LEASE.total_seconds() - 20  # seconds for all of it: over before another worker takes the mail up

log = logging.getLogger("freehold.mail")


class NoServer(Exception):
    """This host sends no mail (SMTP_URL=none)."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def send(message: EmailMessage) -> None:
    """Hand one mail to the server of SMTP_URL; in development without one, show it on the console.

    Raises:
        OSError, smtplib.SMTPException: the server did not take it.
        NoServer: there is none, and mails carry links that no log may keep.
    """
    chosen = settings()
    if chosen.sends_mail:
        _send(message, urlsplit(chosen.smtp_url))
    elif chosen.production or chosen.smtp_url == "none":
        raise NoServer
    else:
        body = message.get_body(("plain",))
        text = body.get_content() if body else ""
        log.warning("Without SMTP_URL, mail is only shown. To %s: %s\n%s", message["To"], message["Subject"], text)


def _send(message: EmailMessage, url: SplitResult) -> None:
    started = time.monotonic()
    with closing(_connect(url)) as server:
        _make_safe(server, url)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        if server.sock:  # what is left, for four words: MAIL, RCPT, DATA, and the text's receipt
            server.sock.settimeout(max(1.0, (WHOLE - (time.monotonic() - started)) / 4))
        server.send_message(message)
        with suppress(OSError, smtplib.SMTPException):
            server.quit()  # the server has the mail: what goes wrong from here is no reason to send it again


def _connect(url: SplitResult) -> smtplib.SMTP:
    host, port = url.hostname or "", url.port or 0
    if url.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=WORD, context=_trust(url))
    return smtplib.SMTP(host, port, timeout=WORD)


def _make_safe(server: smtplib.SMTP, url: SplitResult) -> None:
    """Encrypt where the server can. A password is never sent readable, except to this machine itself."""
    server.ehlo_or_helo_if_needed()
    if url.scheme == "smtp" and server.has_extn("starttls"):
        server.starttls(context=_trust(url))
    elif url.scheme == "smtp" and url.username and url.hostname not in LOOPBACK:
        raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS, so the password was not sent")


def _trust(url: SplitResult) -> ssl.SSLContext:
    """Judge certificates as a browser does; a server on this machine itself has none for its name."""
    context = ssl.create_default_context()
    if url.hostname in LOOPBACK:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def for_good(error: Exception) -> bool:
    """Tell whether to give up: the server refuses this recipient or text for good (5xx), or there is no server.

    Any other refusal (a wrong password, say) is the host's to mend, and no mail is lost meanwhile.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return 500 <= error.smtp_code < 600
    return isinstance(error, NoServer)


def words(error: Exception) -> str:
    """Return what the server said, for whoever looks at the pending list."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(said)}" for code, said in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error) or type(error).__name__


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
