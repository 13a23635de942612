"""The database is away: stopped, killed, paused, read-only, a standby, out of connections, or it hangs up."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import psycopg

from bench.faults.host import Host, host
from bench.faults.judging import RECOVERED, Fault, Report, judge_answers, judge_database
from bench.faults.visitors import Visitors, came_later, warm
from bench.peers.processes import tree

OURS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'freehold%'"


@contextmanager
def stopped(host: Host) -> Iterator[None]:
    """A fast shutdown, and a start."""
    host.postgres.stop()
    yield
    host.postgres.start()


@contextmanager
def killed(host: Host) -> Iterator[None]:
    """The postmaster gets kill -9; then it is started, and recovers."""
    os.kill(host.postgres.pid or 0, signal.SIGKILL)
    yield
    host.postgres.start()


@contextmanager
def paused(host: Host) -> Iterator[None]:
    """All its processes stand still, with every connection open."""
    here = tree(host.postgres.pid or 0)
    for pid in here:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in here:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def read_only(host: Host) -> Iterator[None]:
    """Every transaction is read-only, as an operator sets it for an emergency."""
    with host.superuser() as superuser:
        superuser.execute("SET default_transaction_read_only = off")
        superuser.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        superuser.execute("SELECT pg_reload_conf()")
        yield
        superuser.execute("ALTER SYSTEM RESET default_transaction_read_only")
        superuser.execute("SELECT pg_reload_conf()")


@contextmanager
def standby(host: Host) -> Iterator[None]:
    """It is a standby, as after a failover to the wrong side; then it is promoted."""
    host.postgres.stop()
    signal_file = host.postgres.data / "standby.signal"
    signal_file.touch()
    os.chown(signal_file, host.postgres.data.stat().st_uid, -1)
    host.postgres.start()
    yield
    with host.superuser() as superuser:
        superuser.execute("SELECT pg_promote()")


@contextmanager
def out_of_connections(host: Host) -> Iterator[None]:
    """Others take every connection that there is, ours as well."""
    with ExitStack() as others, host.superuser() as superuser:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            superuser.execute(OURS)
            try:
                while True:
                    others.enter_context(psycopg.connect(host.postgres.url(), application_name="others"))
            except psycopg.OperationalError:
                time.sleep(0.01)
        yield


@contextmanager
def cut(host: Host) -> Iterator[None]:
    """Every connection is cut, ten times a second for two seconds, and once more."""
    with host.superuser() as superuser:
        for _ in range(20):
            superuser.execute(OURS)
            time.sleep(0.1)
        yield
        superuser.execute(OURS)


Injected = Callable[[Host], AbstractContextManager[None]]
LASTS = 5.0  # seconds
CONTROLS_LAST = 3.0  # seconds, and as long again to recover: their mistakes show at once
# Each with whether the database can be read meanwhile, and the mistake that its control makes.
FAULTS: dict[str, tuple[Injected, bool, str]] = {
    "stopped": (stopped, False, "lets in"),
    "killed": (killed, False, "acknowledges"),
    "paused": (paused, False, "waits"),
    "read-only": (read_only, True, "says 500"),
    "standby": (standby, True, "acknowledges"),
    "connections": (out_of_connections, False, "stays away"),
    "cut": (cut, True, "says 500"),
}


def check(name: str, mistake: str = "") -> Report:
    """Run a host, and its visitors, through one of them."""
    inject, reads, _ = FAULTS[name]
    report = Report(f"database {name}")
    lasts, recovers = (CONTROLS_LAST, CONTROLS_LAST) if mistake else (LASTS, RECOVERED + 1)
    with host(mistake) as here:
        workers = here.workers
        warm(here.port, here.cookies)
        with Visitors(here.port, came_later(here.cookies)) as visitors:
            time.sleep(1.5)
            began = time.monotonic()
            with inject(here):
                there = time.monotonic()
                time.sleep(lasts)
                leaving = time.monotonic()
            fault = Fault(began, there, leaving, time.monotonic())
            time.sleep(recovers)
        judge_answers(report, visitors.answers, fault, reads=reads)
        judge_database(report, here, visitors.answers)
        report.blame("workers that began again", len(here.workers - workers))
    return report
