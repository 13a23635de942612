"""The production server: two processes whose counts add up, and lines that are all JSON."""

import json
import os
import signal
import socket
import tempfile
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from runtime.postgres import throwaway
from runtime.server_options import CAREFUL_SETTINGS
from tests.browser.server import Server, free_port
from tests.watching.conftest import sample
from tests.watching.test_metrics import TOKEN

TRIES = 500
SECRET = "0123456789abcdef-in-a-link"


@pytest.fixture(scope="module")
def log():
    with tempfile.NamedTemporaryFile() as file:
        yield file


@pytest.fixture(scope="module")
def server(log):
    settings = {"FREEHOLD_ENV": "production", "METRICS_TOKEN": TOKEN}
    with (
        throwaway(CAREFUL_SETTINGS) as postgres,
        Server(postgres.url(), free_port(), "smtp://127.0.0.1:1", log=log, **settings) as running,
    ):
        yield running


def get(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, ""


def shown(server, name, **labels):
    status, text = get(f"{server.url}/metrics", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    return sample(text, name, **labels)


def directory(server):
    places = (Path("/dev/shm"), Path(tempfile.gettempdir()))
    return next(found for place in places for found in place.glob(f"freehold-{server.pid}-*"))


def answered(server):
    """How many requests for the log-in page each process has counted, by its id."""
    counts = {}
    for path in directory(server).glob("histogram_*.db"):
        keys = ((json.loads(key), value) for key, value, *_ in MmapedDict.read_all_values_from_file(str(path)))
        here = [
            value for (_, name, labels, _), value in keys if name.endswith("_bucket") and labels["route"] == "/login"
        ]
        counts[int(path.stem.rpartition("_")[2])] = sum(here)
    return counts


def test_the_counts_of_two_processes_add_up_and_outlive_one_of_them(server):
    asked = 0
    while asked < TRIES and len([n for n in answered(server).values() if n]) < 2:
        asks = [threading.Thread(target=get, args=(f"{server.url}/login",)) for _ in range(10)]
        for each in asks:
            each.start()
        for each in asks:
            each.join()
        asked += 10
    counts = answered(server)
    assert len([n for n in counts.values() if n]) == 2, counts
    assert sum(counts.values()) == asked
    assert shown(server, "freehold_request_seconds_count", route="/login") == asked
    assert shown(server, "freehold_database_pool_size") == 20

    os.kill(min(counts), signal.SIGKILL)
    gone, gate = f"gauge_livesum_{min(counts)}.db", threading.Event()
    for _ in range(TRIES):
        if not (directory(server) / gone).exists() and len(answered(server)) == 3:
            break
        gate.wait(0.02)
    assert shown(server, "freehold_database_pool_size") == 20
    assert shown(server, "freehold_request_seconds_count", route="/login") == asked


def test_every_line_is_json_and_none_repeats_what_a_client_sent(server, log):
    get(f"{server.url}/reset-password/{SECRET}")
    get(f"{server.url}/reset-pasword/{SECRET}?email=ana@example.com", Cookie=f"session={SECRET}")
    host, port = server.url.removeprefix("http://").split(":")
    for broken in (f"GET /reset-password/{SECRET} HTTP/9.9\r\n\r\n", f"GET / HTTP/1.1\r\nCookie {SECRET}\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(broken.encode())
            assert b" 400 " in client.recv(4096)
    text = Path(log.name).read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"/reset-password/<token>", ""} <= {line.get("route") for line in lines}
    assert {"freehold.request", "gunicorn.error"} == {line["logger"] for line in lines}
    assert not [word for word in (SECRET, "ana@example.com", TOKEN) if word in text]


def test_what_was_counted_is_cleaned_up_at_the_end(make_database):
    with Server(make_database("seen"), free_port(), "smtp://127.0.0.1:1") as server:
        there = directory(server)
        assert there.is_dir()
    assert not there.exists()
