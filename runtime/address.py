"""Whether the web server can listen where it is told to."""

import socket
import time

PORT_SECONDS = 2.0
LOOK_SECONDS = 0.05


class CannotServe(Exception):
    """Something outside keeps us from serving; the message says what to change."""


def check_address(host: str, port: int) -> None:
    """Find out now, before anything is started, whether we may listen there.

    A server that was killed a moment ago may still hold the port, so this takes a second look or two.

    Raises:
        CannotServe: if not.
    """
    deadline = time.monotonic() + PORT_SECONDS
    while trouble := _cannot_bind(host, port):
        if time.monotonic() > deadline:
            raise CannotServe(f"PORT: {port} on {host} cannot be used ({trouble}). Choose another: PORT={port + 1}")
        time.sleep(LOOK_SECONDS)


def _cannot_bind(host: str, port: int) -> str:
    """Try to listen on an address; return the trouble, or "" if there is none."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error.strerror or str(error)
    return ""
