"""A server is replaced, and nobody who asks for a page meanwhile is refused."""

import signal
import time

import pytest

from tests.runtime.web_server import LONGEST, WebServer, listen

pytestmark = pytest.mark.usefixtures("app")


def test_a_socket_that_is_kept_keeps_those_who_come_while_no_server_is_there(tmp_path, settings):
    """As a systemd socket unit does; the address of the settings is not listened at."""
    with listen() as socket:
        first = WebServer(tmp_path, listener=socket, DATABASE_URL=settings.database_url)
        first.until("/healthz", 200)
        first.stop()
        waiting = first.send("GET /healthz HTTP/1.1\nHost: localhost\nConnection: close\n\n")
        second = WebServer(tmp_path, listener=socket, DATABASE_URL=settings.database_url)
        with waiting, waiting.makefile("rb") as answer:
            assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
        second.stop()


def test_new_workers_take_over_without_a_refusal(tmp_path, settings):
    server = WebServer(tmp_path, DATABASE_URL=settings.database_url)
    server.until("/healthz", 200)
    before, deadline = server.workers(), time.monotonic() + LONGEST
    server.process.send_signal(signal.SIGHUP)
    while server.workers() & before:
        assert server.status("/healthz") == 200
        assert time.monotonic() < deadline
    assert server.status("/healthz") == 200
    server.stop()
