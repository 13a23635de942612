"""One conversation with the mail server of SMTP_URL: send a mail, and judge what the server answered."""

import logging
import smtplib
import socket
import ssl
import threading
from contextlib import closing, suppress
from email.message import EmailMessage
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from config import LOOPBACK, settings
from models.outgoing_mail import LEASE

WORD = 10.0  # seconds to wait for each word of the server before the mail itself
WHOLE = LEASE.total_seconds() - 20  # seconds for all of it: over before another worker takes the mail up
GOODBYE = 1.0  # seconds for the answer to QUIT, which decides nothing: the sooner the outcome is kept, the better

log = logging.getLogger("freehold.mail")


class NoServer(Exception):
    """This host sends no mail (SMTP_URL=none)."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class _Server(smtplib.SMTP):
    """A conversation that ends in time, also with a server that says one letter a second."""

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        self._end = threading.Timer(WHOLE, self._cut)
        self._end.daemon = True
        self._end.start()
        try:
            return super().connect(host, port, source_address)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        self._end.cancel()
        super().close()

    def wait(self, seconds: float) -> None:
        """Wait so long for each word from now on."""
        if self.sock:
            self.sock.settimeout(seconds)

    def _cut(self) -> None:
        with suppress(OSError):
            if self.sock:  # not by its own method: an encrypted one would forget first that it is encrypted
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _EncryptedServer(_Server, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


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
    with closing(_connect(url)) as server:
        _make_safe(server, url)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.wait(WHOLE - WORD)  # a server may look long at a mail, and giving up on it could send it twice
        server.send_message(message)
        server.wait(GOODBYE)
        with suppress(OSError, smtplib.SMTPException):
            server.quit()  # the server has the mail: what goes wrong from here is no reason to send it again


def _connect(url: SplitResult) -> _Server:
    host, port = url.hostname or "", url.port or 0
    if url.scheme == "smtps":
        return _EncryptedServer(host, port, timeout=WORD, context=_trust(url))
    return _Server(host, port, timeout=WORD)


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
    """Return what the server said on one line, for whoever looks at the pending list."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        said = "; ".join(_answer(*answer) for answer in error.recipients.values())
    elif isinstance(error, smtplib.SMTPResponseException):
        said = _answer(error.smtp_code, error.smtp_error)
    else:
        said = str(error)
    # A server may say anything; what the database or a page could not show must not stop the worker.
    return " ".join("".join(c if c.isprintable() else " " for c in said).split()) or type(error).__name__


def _answer(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {text}" if code > 0 else f"No mail server's answer: {text}"  # smtplib's -1
