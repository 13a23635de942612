"""gunicorn's gevent worker, for clients that are slow and pages that stay open."""

import time
from typing import Any

import gevent
from gevent import socket
from gunicorn.http.body import Body
from gunicorn.workers.ggevent import GeventWorker
from werkzeug.exceptions import RequestTimeout

# For the whole of a request's body: a megabyte (the most that we take) at 0.8 Mbit/s, or a long form by any telephone.
# A head has as long as a connection may stay open unused (gunicorn.conf.py).
BODY_SECONDS = 10.0


class Worker(GeventWorker):
    """Waits for no request for ever, and keeps no open page when it is told to stop."""

    sockets: list[Any]

    def run(self) -> None:
        """Serve. Open pages are let go as soon as the worker stops: they come back by themselves, to another one."""
        self.sockets = [Listener(each) for each in self.sockets]
        gevent.spawn(self._let_go)
        super().run()

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Answer a request, whose body must come in time."""
        req.body = TimelyBody(req)
        return super().handle_request(listener_name, req, sock, addr)

    def _let_go(self) -> None:
        while self.alive:
            gevent.sleep(0.1)
        self.wsgi.extensions["live"].stop()


class Listener(socket.socket):
    """A listening socket that knows its name when it is closed.

    gunicorn asks for it once a connection is taken: one taken just before the worker stops would be dropped unanswered.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._name = listener.getsockname()
        super().__init__(listener.family, listener.type, fileno=listener.detach())

    def getsockname(self) -> Any:
        """Return where it listens, or listened."""
        return self._name


class TimelyBody(Body):
    """A request's body (`wsgi.input`) that must have come when its time is over, however much is sent by then."""

    def __init__(self, request: Any) -> None:
        super().__init__(request.body.reader)
        self.request, self.ends_at = request, time.monotonic() + BODY_SECONDS

    def _read_reader(self, size: int) -> bytes:
        """Wait for more of it; every way to read a body comes by here.

        Raises:
            RequestTimeout: it did not come in time. The connection ends with the answer.
        """
        try:
            with gevent.Timeout(max(0.0, self.ends_at - time.monotonic()), RequestTimeout()):
                return bytes(super()._read_reader(size))
        except RequestTimeout:
            self.request.force_close()
            raise
