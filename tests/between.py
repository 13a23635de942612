"""A line between the application and its database, on which a test listens, keeps silent, or cuts."""

import re
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote

NAME = ".s.PGSQL.5432"
Heed = Callable[[bytes], object]


class Cut(Exception):
    """Hang up instead of passing a message on."""


def pass_on(_message: bytes) -> None:
    """What a line usually does."""


class Between:
    """Passes on what both sides say. `heed` is called with each of the client's messages first, and may raise Cut."""

    def __init__(self, url: str, heed: Heed = pass_on) -> None:
        """Lead to the database of an address; `self.url` is the one to use instead."""
        self.heed = heed
        self._home = tempfile.TemporaryDirectory(prefix="freehold-between-")
        self._to = unquote(re.findall(r"host=([^&]+)", url)[0]) + f"/{NAME}"
        self.url = re.sub(r"host=[^&]+", f"host={quote(self._home.name)}", url)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(Path(self._home.name) / NAME))
        self._listener.listen(100)
        self._open: list[socket.socket] = [self._listener]

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._home.cleanup()

    def cut(self) -> None:
        """Hang up, for good."""
        for each in self._open:
            _hang_up(each)

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                self._open += [client, server]
                threading.Thread(target=self._there, args=(client, server), daemon=True).start()

    def _there(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError, Cut):
            server.connect(self._to)
            threading.Thread(target=_back, args=(client, server), daemon=True).start()
            for message in _messages(client):
                self.heed(message)
                server.sendall(message)
        _hang_up(client)
        _hang_up(server)


def _back(client: socket.socket, server: socket.socket) -> None:
    with suppress(OSError):
        while said := server.recv(65536):
            client.sendall(said)
    _hang_up(client)


def _messages(client: socket.socket) -> Iterator[bytes]:
    """Read message by message. The first has no letter before its length, which counts itself but not the letter."""
    stream, letter = client.makefile("rb"), 0
    while len(head := stream.read(letter + 4)) == letter + 4:
        yield head + stream.read(int.from_bytes(head[letter:]) - 4)
        letter = 1


def _hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
