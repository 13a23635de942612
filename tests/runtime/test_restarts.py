"""gunicorn as it is set here, when it is restarted; under load that is `python -m bench.restarts`."""

import os
import signal
import urllib.request

import pytest
from gevent import socket

from bench.peers.processes import tree
from runtime.worker import Listener
from tests.browser.server import Server
from tests.runtime.delivery import eventually


def test_a_connection_taken_just_before_a_worker_stops_finds_its_listeners_name():
    listener = Listener(socket.create_server(("127.0.0.1", 0)))
    there = listener.getsockname()
    with socket.create_connection(there):
        taken, _ = listener.accept()
        listener.close()
        with taken:
            assert listener.getsockname() == there == taken.getsockname()


@pytest.mark.long
def test_a_new_master_takes_over_the_listening_socket(make_database, port):
    with Server(make_database("handover"), port, "smtp://127.0.0.1:1") as server:
        workers = len(tree(server.pid)) - 1
        os.kill(server.pid, signal.SIGUSR2)
        eventually(lambda: len(tree(server.pid)) == 2 * (workers + 1))
        successor = next(pid for pid in tree(server.pid)[1:] if len(tree(pid)) > 1)
        try:
            os.kill(server.pid, signal.SIGTERM)
            eventually(lambda: len(tree(server.pid)) == 1)
            with urllib.request.urlopen(f"{server.url}/readyz", timeout=20) as answer:
                assert answer.status == 200
        finally:
            os.kill(successor, signal.SIGTERM)
            eventually(lambda: len(tree(successor)) == 1)
