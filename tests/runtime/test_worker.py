"""Clients that are slow: they get an answer or an end in time, and hold nothing that others need."""

import io

import pytest

from models import db
from tests.runtime.web_server import ROOT, WebServer

QUICK = 0.5  # seconds, for what a real server gives ten
CONFIG = f"""
exec(compile(open({str(ROOT / "gunicorn.conf.py")!r}).read(), "gunicorn.conf.py", "exec"))
import runtime.worker
runtime.worker.BODY_SECONDS = {QUICK}
keepalive = 1
"""
FORM = "application/x-www-form-urlencoded"
HEAD = "POST /login HTTP/1.1\nHost: localhost\nContent-Type: {}\n{}\n\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The web server, less patient. It has no database: whoever is told 408 asked for none."""
    directory = tmp_path_factory.mktemp("worker")
    (directory / "conf.py").write_text(CONFIG)
    url = f"postgresql://nobody@/none?host={directory}"
    server = WebServer(directory, str(directory / "conf.py"), DATABASE_URL=url)
    server.until("/healthz", 200)
    yield server
    server.stop()


def all_of(connection):
    """What the server says until it hangs up."""
    with connection, connection.makefile("rb") as answer:
        return answer.read().decode()


@pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=x", "text/plain"])
@pytest.mark.parametrize("length", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_body_that_never_ends_is_answered_408_and_the_connection_closed(server, kind, length):
    answer = all_of(server.send(HEAD.format(kind, length) + ("3e8\n" if "chunked" in length else "") + "email=a"))
    assert answer.startswith("HTTP/1.1 408 ")
    assert "\r\nConnection: close\r\n" in answer
    assert "That took too long to arrive" in answer
    assert "\r\nX-Content-Type-Options: nosniff\r\n" in answer


def test_bytes_that_keep_coming_give_a_body_no_more_time(server):
    connection = server.send(HEAD.format(FORM, "Content-Length: 1000"))
    connection.settimeout(QUICK / 10)
    answer = b""
    for _ in range(50):
        connection.sendall(b"a")
        try:
            answer = connection.recv(100)
            break
        except TimeoutError:
            continue
    connection.close()
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_head_that_never_ends_is_hung_up_on(server):
    assert all_of(server.send("GET /login HTTP/1.1\nHost: localh")) == ""


def test_a_whole_body_is_read_as_ever(server):
    """Up to where the database is asked, which is not there."""
    whole = HEAD.format(FORM, "Content-Length: 7\nConnection: close") + "email=a"
    answers = [all_of(server.send(part)) for part in (whole, whole.replace("7", "10") + "%ff")]
    assert [answer.split(" ")[1] for answer in answers] == ["422", "400"]


@pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=x", "application/json"])
def test_nothing_of_the_database_is_held_while_a_body_comes(app, as_, kind):
    """Otherwise ten slow clients would hold all connections of a process."""
    held = []

    class Slow(io.BytesIO):
        def read(self, *size):
            held.append(db.engine.pool.checkedout())
            return super().read(*size)

        def readinto(self, into):
            held.append(db.engine.pool.checkedout())
            return super().readinto(into)

    client = as_("owner").client
    answer = client.post(
        "/orgs/northfield/projects/new", input_stream=Slow(b"--x--\r\n"), content_length=7, content_type=kind
    )
    assert answer.status_code == 422
    assert held
    assert set(held) == {0}
