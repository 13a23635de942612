"""Waiting for the database on gevent: in a process of its own, because these tests run without it."""

import subprocess
import sys

from tests.test_architecture import ROOT

# Others go on while one waits; what is overdue is told; and what went wrong is raised where it was asked.
TALK = """
from gevent import monkey
monkey.patch_all()
import sys, time
import gevent, psycopg
from runtime.waiting import WaitingConnection

connection, other = (WaitingConnection.connect(sys.argv[1], autocommit=True) for _ in range(2))
turns = []
slow = gevent.spawn(lambda: turns.append(connection.execute("SELECT 'slow', pg_sleep(1)").fetchone()[0]))
gevent.sleep(0)
turns.append(other.execute("SELECT 'quick'").fetchone()[0])
slow.join()
assert turns == ["quick", "slow"], turns

with connection.pipeline():
    first, second = connection.execute("SELECT 1"), connection.execute("SELECT 2")
assert [first.fetchone(), second.fetchone()] == [(1,), (2,)]

def counting():
    wanted, ticks = 1, 0
    while ticks < 3:
        ticks += (yield wanted) == 0
    return ticks
assert connection.wait(counting(), interval=0.01) == 3

connection.execute("BEGIN")
connection.rollback()
assert connection.info.transaction_status == 0
try:
    connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    raise AssertionError("it was told nothing")
except psycopg.OperationalError:
    print("all well")
"""


def test_others_go_on_while_one_waits_for_the_database(settings):
    url = settings.database_url.replace("freehold@", "postgres@")
    told = subprocess.run(
        [sys.executable, "-c", TALK, url], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert told.stdout == "all well\n", told.stderr
