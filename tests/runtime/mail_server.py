"""A real SMTP server for tests: it keeps what it is given, and answers as it is told."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

TAKEN = "250 OK"
PATIENCE = 60  # seconds that a test waits for what should take a moment; a first start compiles every package
_CERTIFICATE = Path(__file__).with_name("localhost.pem")  # signed by itself, for tests alone


def ignore(_mail: EmailMessage) -> None:
    """What a server usually does while it takes a mail: nothing else."""


class Inbox:
    """What arrived. `answers` maps a command, like "DATA", to what the server says to it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.logins: list[tuple[str, str, bool]] = []  # name, password, and whether the line was encrypted
        self.encrypted: list[bool] = []
        self.answers: dict[str, str] = {}
        self.on_data: Callable[[EmailMessage], Any] = ignore
        self._arrived = threading.Condition()

    def wait_for(self, count: int) -> list[EmailMessage]:
        """Return the mails as soon as there are so many."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.mails) >= count, PATIENCE), f"{len(self.mails)} of {count}"
            return list(self.mails)

    def subjects(self) -> list[str]:
        return [mail["Subject"] for mail in self.mails]

    def recipients(self) -> list[str]:
        return [mail["To"] for mail in self.mails]

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if "RCPT" not in self.answers:
            envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", TAKEN)

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", TAKEN)

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        mail: Any = message_from_bytes(envelope.content, policy=default)
        await server.loop.run_in_executor(None, self.on_data, mail)
        with self._arrived:
            self.mails.append(mail)
            self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
            self._arrived.notify_all()
        return TAKEN

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Any) -> str:
        return self.answers.get("QUIT", "221 Bye")

    def log_in(self, _server: Any, session: Any, _envelope: Any, _mechanism: str, data: LoginPassword) -> AuthResult:
        self.logins.append((data.login.decode(), data.password.decode(), session.ssl is not None))
        return AuthResult(success=data.password == b"let me in", handled=False)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(inbox: Inbox, port: int, host: str = "127.0.0.1", **options: Any) -> Iterator[Inbox]:
    """Run the server until the end of `with`; options are aiosmtpd's."""
    controller = Controller(inbox, hostname=host, port=port, **options)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


def certificate() -> ssl.SSLContext:
    """What a server needs to encrypt."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(_CERTIFICATE)
    return context
