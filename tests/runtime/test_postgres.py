"""The embedded server keeps every acknowledged row, whoever is killed, and never serves one directory twice."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from runtime import account, serve
from runtime.filelock import FileLock
from runtime.postgres import EmbeddedPostgres, InUse, PostgresError, attach_or_start, throwaway

ROOT = Path(__file__).resolve().parent.parent.parent
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another account")
LIMIT = 30  # seconds; nothing here takes one

LAUNCHER = """
import sys, psycopg
from pathlib import Path
from runtime.postgres import EmbeddedPostgres, attach_or_start
base = Path(sys.argv[2])
server = EmbeddedPostgres(base)
url = server.start() if sys.argv[1] == "start" else attach_or_start(base).url()
with psycopg.connect(url, autocommit=True) as connection:
    connection.execute("CREATE TABLE rows (id int)")
    for i in range(100):
        connection.execute("INSERT INTO rows VALUES (%s)", [i])
    print(url, flush=True)
    sys.stdin.read()
server.stop()
"""


@pytest.fixture
def empty():
    """An empty directory that the account of root's servers can reach (pytest's own are closed to it)."""
    directory = Path(tempfile.mkdtemp(prefix="freehold-test-"))
    directory.chmod(0o711)
    yield directory
    for lock in directory.glob("*.lock"):
        FileLock(lock).acquire(wait=LIMIT)  # a killed server may still be writing
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def cluster():
    """A server's directory after its first start and stop, to be copied: making one takes a second."""
    with throwaway() as server:
        server.stop()
        yield server.home


@pytest.fixture
def base(empty, cluster):
    """The directory of a server that was started and stopped once."""
    subprocess.run(["cp", "-a", f"{cluster}/.", str(empty)], check=True)
    return empty


@pytest.fixture
def launch(base):
    """launch() -> another process that keeps a server in `base`, has written 100 rows and waits for its stdin."""
    children = []

    def launch(how="start"):
        child = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, how, str(base)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        child.url = child.stdout.readline().strip()
        return child

    yield launch
    for child in children:
        child.stdin.close()
        child.wait(LIMIT)
        child.stdout.close()


def count(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM rows").fetchone()[0]


def write_row(url):
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS rows (id int)")
        connection.execute("INSERT INTO rows VALUES (1)")


def kill(process):
    process.kill()
    process.wait(LIMIT)


def await_end_of_server(server):
    """Wait until no process of the server lives: its lock is free."""
    lock = FileLock(server.data.with_name(f"{server.data.name}.lock"))
    assert lock.acquire(wait=LIMIT)
    lock.release()


def test_rows_survive_stop_and_start(base):
    server = EmbeddedPostgres(base)
    for expected in (1, 2):
        with server:
            write_row(server.url())
            assert count(server.url()) == expected
    assert not server.running


def test_the_applications_role_is_an_ordinary_owner_of_its_database(base):
    with EmbeddedPostgres(base) as server, psycopg.connect(server.url()) as connection:
        row = connection.execute(
            "SELECT current_user, current_database(), rolsuper, rolcreaterole, lower('ÄÉ') = 'äé'"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == ("freehold", "freehold", False, True, True)


def test_the_server_listens_on_no_network_address(base):
    with EmbeddedPostgres(base) as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert Path(connection.info.host).stat().st_mode & 0o777 == 0o700


def test_settings_reach_the_server(base):
    with EmbeddedPostgres(base, settings={"fsync": "off"}) as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)
        assert connection.execute("SHOW jit").fetchone() == ("off",)


def test_a_second_start_says_at_once_who_uses_the_database(base, launch):
    first = launch()
    with pytest.raises(InUse, match=rf"process {first.pid} \(python"):
        EmbeddedPostgres(base).start()


def test_a_start_may_wait_for_the_first_to_end(base, launch):
    first = launch()
    first.stdin.close()
    second = EmbeddedPostgres(base)
    assert count(second.start(wait=LIMIT)) == 100
    second.stop()


def test_a_command_attaches_to_the_server_that_runs(base, launch):
    first = launch()
    assert attach_or_start(base).url() == first.url
    assert not attach_or_start(base).running
    assert count(first.url) == 100


def test_a_command_without_a_server_starts_one_and_stops_it_at_its_end(base, launch):
    command = launch("attach")
    command.stdin.close()
    assert command.wait(LIMIT) == 0
    server = EmbeddedPostgres(base)
    assert "database system is shut down" in server.log.read_text().splitlines()[-1]
    with server:
        assert count(server.url()) == 100


@LINUX
def test_the_server_goes_with_a_killed_launcher_and_loses_nothing(base, launch):
    kill(launch())
    server = EmbeddedPostgres(base)
    await_end_of_server(server)
    with server:
        assert count(server.url()) == 100


def test_a_start_right_after_a_kill_waits_for_the_old_server(base, launch):
    kill(launch())
    with EmbeddedPostgres(base) as server:
        assert count(server.url()) == 100


def test_a_killed_server_recovers_at_the_next_start(base):
    server = EmbeddedPostgres(base)
    server.start()
    write_row(server.url())
    deadline = time.monotonic() + LIMIT
    os.kill(server.pid, signal.SIGKILL)
    await_end_of_server(server)
    while server.running:  # a process gives up its files, and with them the lock, a moment before it is gone
        assert time.monotonic() < deadline
    assert count(server.start()) == 1
    server.stop()


def test_stale_pid_files_of_living_processes_fool_nobody(base):
    server = EmbeddedPostgres(base)
    with server:
        lines = (server.data / "postmaster.pid").read_text().splitlines()
    lines[0] = str(os.getpid())
    (server.data / "postmaster.pid").write_text("\n".join(lines))
    assert not server.ready()
    with server:
        assert server.ready()


@pytest.mark.parametrize("name", ["with some spaces", "long" * 50, "ünïcode"])
def test_any_path_will_do(empty, name):
    with EmbeddedPostgres(empty / name) as server:
        write_row(server.url())
        assert count(server.url()) == 1
        assert "+" not in server.url()
        assert "%" not in server.url()


def test_what_an_interrupted_initdb_left_is_replaced(empty):
    data = EmbeddedPostgres(empty).data
    half_made = data.with_name(f"{data.name}.new")
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("half")
    with EmbeddedPostgres(empty) as server:
        assert server.ready()
    assert not half_made.exists()


def test_a_failing_first_start_leaves_nothing_half_made_and_says_why(empty):
    server = EmbeddedPostgres(empty, settings={"no_such_setting": "1"})
    with pytest.raises(PostgresError, match="no_such_setting"):
        server.start()
    assert not server.data.exists()
    with EmbeddedPostgres(empty) as server:
        assert server.ready()


def test_a_failing_later_start_shows_the_end_of_the_log(base):
    with pytest.raises(PostgresError, match="no_such_setting"):
        EmbeddedPostgres(base, settings={"no_such_setting": "1"}).start()


def test_serving_goes_on_while_the_database_does_not_start_again(base, capfd):
    """Until the cause is gone, a full disk for example, pages say that they cannot be shown."""
    with EmbeddedPostgres(base) as server:
        server.stop()
        with (server.data / "postgresql.conf").open("a") as file:
            here = file.tell()
            file.write("no_such_setting = 1")
        serve.start_again(server)
        assert not server.running
        os.truncate(server.data / "postgresql.conf", here)
        serve.start_again(server)
        assert server.running
    assert "no_such_setting" in capfd.readouterr().err


@AS_ROOT
def test_roots_server_runs_as_its_own_account_and_leaves_modes_alone(empty):
    before = empty.stat().st_mode, empty.parent.stat().st_mode
    with EmbeddedPostgres(empty) as server:
        owner = Path(f"/proc/{server.pid}").stat().st_uid
        assert owner == server.data.stat().st_uid != 0
        assert pwd.getpwuid(owner).pw_name in (account.NAME, *account.STAND_INS)
    assert (empty.stat().st_mode, empty.parent.stat().st_mode) == before
    assert empty.stat().st_uid == 0


@AS_ROOT
def test_roots_database_in_a_closed_directory_lies_elsewhere_and_says_so(empty, caplog):
    empty.chmod(0o700)
    try:
        with EmbeddedPostgres(empty / "instance") as server:
            assert server.home.parent == account.STATE
            assert str(server.home) in caplog.text
            write_row(server.url())
        with EmbeddedPostgres(empty / "instance") as again:
            assert count(again.url()) == 1
    finally:
        shutil.rmtree(server.home)
    assert empty.stat().st_mode & 0o777 == 0o700
