"""The files of hosting/ and docs/scaling.md say what the code says; `python -m bench.scaling` runs them."""

import configparser
import re
from pathlib import Path

import pytest

from blueprints.live import HEARTBEAT
from config import Settings
from runtime.database import CONNECT_TIMEOUT, CONNECTION_SETTINGS
from tests.test_architecture import SOURCES

ROOT = Path(__file__).resolve().parent.parent
HAPROXY = (ROOT / "hosting/haproxy.cfg").read_text()
PAGE = (ROOT / "docs/scaling.md").read_text()
COMMANDS = "\n".join(re.findall(r"```bash\n(.*?)```", PAGE, flags=re.S))
OF_THE_PAGE = {"WEB_PASSWORD", "OWNER_PASSWORD", "ONE", "TWO", "MAIL", "STREAM", "READER"}  # not of config.py
SESSION_STATE = re.compile(
    r"pg_(try_)?advisory_(un)?lock\(|\bLISTEN \{|WITH HOLD|CREATE TEMP|set_config\([^)]*false\)"
    r"|[\"']SET (?!LOCAL|NULL|DEFAULT|TRANSACTION)"
)


@pytest.fixture(scope="module")
def pgbouncer():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "hosting/pgbouncer.ini")
    return parser


def seconds(name):
    """A time-out of HAProxy's."""
    return int(re.findall(rf"timeout {name} (\d+)s", HAPROXY)[0])


def test_pgbouncer_sets_what_connections_ask_for(pgbouncer):
    """All but the role: it must be the login's own."""
    query = re.findall("connect_query='([^']*)'", pgbouncer["databases"]["freehold"])[0]
    said = dict(re.findall(r"SET (\w+) = (\w+)", query))
    assert said == {name: str(value) for name, value in CONNECTION_SETTINGS.items() if name != "role"}


def test_pgbouncer_gives_a_server_for_a_transaction_and_says_soon_that_there_is_none(pgbouncer):
    chosen = pgbouncer["pgbouncer"]
    assert chosen["pool_mode"] == "transaction"
    assert "options" in chosen["ignore_startup_parameters"]
    assert int(chosen["max_client_conn"]) >= 2 * 2 * Settings().database_pool
    assert max(int(chosen["query_wait_timeout"]), int(chosen["server_connect_timeout"])) <= CONNECT_TIMEOUT


def test_haproxy_lets_an_open_page_be_silent_between_two_heartbeats():
    assert min(seconds("client"), seconds("server")) > 2 * HEARTBEAT


def test_haproxy_asks_again_only_what_changes_nothing():
    assert "retry-on conn-failure empty-response\n" in HAPROXY
    assert "http-request disable-l7-retry unless METH_GET\n" in HAPROXY


def test_haproxy_looks_at_a_page_that_there_is(app):
    path = re.findall(r"httpchk GET (\S+)", HAPROXY)[0]
    assert app.test_client().get(path).status_code == 200


def test_haproxy_says_itself_what_trusted_proxies_believes():
    """Each header that is read with TRUSTED_PROXIES=1 (app.py), or a client could claim another network or host."""
    for header in ("For", "Host", "Proto"):
        assert f"http-request set-header X-Forwarded-{header} " in HAPROXY
    assert "TRUSTED_PROXIES=1" in COMMANDS


def test_the_pages_settings_exist():
    named = set(re.findall(r"\b([A-Z][A-Z_]+)=", COMMANDS)) - OF_THE_PAGE
    assert named >= {"DATABASE_URL", "DATABASE_LISTEN_URL", "DATABASE_OWNER_URL", "DATABASE_PREPARE", "BASE_URL"}
    assert named - {name.upper() for name in Settings.__annotations__} == set()


def test_the_pages_ports_are_those_of_the_files(pgbouncer):
    servers = re.findall(r"FREEHOLD_(?:ONE|TWO)-127.0.0.1:(\d+)", HAPROXY)
    assert set(re.findall(r"\bPORT=(\d+)", COMMANDS)) == set(servers)
    assert f"127.0.0.1:{pgbouncer['pgbouncer']['listen_port']}/freehold" in COMMANDS
    front = re.findall(r"HAPROXY_BIND-127.0.0.1:(\d+)", HAPROXY)[0]
    assert f"BASE_URL=http://localhost:{front}" in COMMANDS


def test_what_the_page_names_is_there():
    for path in re.findall(r"(?<![.\w/])(?:hosting|docs|bin|models|runtime|migrations)/[\w./-]*\w", PAGE):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_left_in_a_pooled_connection(path):
    """It is somebody else's after the transaction. What listens goes around the pooler, and so do migrations."""
    assert path.name == "database.py" or not SESSION_STATE.search(path.read_text())
