"""An SMTP server by hand, which misbehaves at the word that a test chooses."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto

from tests.runtime.mail_server import PATIENCE


class Rude(Enum):
    """What a server can do instead of answering."""

    DROP = auto()  # close the connection
    HANG = auto()  # say nothing until the other side gives up
    DRIP = auto()  # say one letter after the other, without end
    BROKEN_TLS = auto()  # agree to encrypt, and then send something else
    TAKE_AND_DROP = auto()  # after the text alone: keep the mail, and close without a word
    TAKE_AND_HANG = auto()  # the same, in silence


Answer = str | bytes | Rude
USUAL = {"banner": "220 Ready", "DATA": "354 Go ahead", "QUIT": "221 Bye", "STARTTLS": "220 Go ahead"}
STEPS = ("banner", "EHLO", "MAIL", "RCPT", "DATA", "text", "QUIT")  # "text": the answer to the final dot


class RudeServer:
    """Answers as every server does, but for `answers`: a step to what is said or done at it.

    An answer can be a function, called at that step; what it returns counts, and None is the usual answer.
    """

    def __init__(self, port: int = 0) -> None:
        """Listen on a port, or on any that is free."""
        self.answers: dict[str, Answer | Callable[[], Answer | None]] = {}
        self.heard: list[str] = []
        self.mails: list[bytes] = []  # which the server took
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._open: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> "RudeServer":
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            going = self._answer(connection, "banner")
            while going and (line := lines.readline().decode("latin-1")):
                step = line.partition(" ")[0].strip().upper()
                self.heard.append(step)
                going = self._answer(connection, step) and step != "QUIT"
                if going and step == "DATA" and "DATA" not in self.answers:
                    text = b"".join(iter(lines.readline, b".\r\n"))
                    going = self._answer(connection, "text", text)

    def _answer(self, connection: socket.socket, step: str, text: bytes = b"") -> bool:
        """Say or do what is due at a step; False ends the conversation."""
        usual = USUAL.get(
            step, "250-Here\r\n250 STARTTLS" if step == "EHLO" and "STARTTLS" in self.answers else "250 OK"
        )
        chosen = self.answers.get(step, usual)
        chosen = (chosen() or usual) if callable(chosen) else chosen
        if step == "text" and chosen in (usual, Rude.TAKE_AND_DROP, Rude.TAKE_AND_HANG):
            self.mails.append(text)
        if isinstance(chosen, Rude):
            self._misbehave(connection, chosen)
            return False
        connection.sendall(chosen.encode() + b"\r\n" if isinstance(chosen, str) else chosen)
        return True

    def _misbehave(self, connection: socket.socket, how: Rude) -> None:
        if how is Rude.BROKEN_TLS:
            connection.sendall(b"220 Go ahead\r\n")
            connection.recv(1)
            connection.sendall(b"What do you mean?\r\n")
        while how is Rude.DRIP and not self._over.wait(0.1):
            connection.sendall(b"2")
        if how in (Rude.HANG, Rude.TAKE_AND_HANG, Rude.BROKEN_TLS):
            while connection.recv(4096):
                pass
