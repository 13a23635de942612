"""What is counted, for Prometheus.

Under gunicorn each worker counts in files of its own, below the directory that gunicorn.conf.py makes, and whichever is
asked adds them up (prometheus_client's multi-process mode). Elsewhere the process that counts is the one that is asked.
"""

import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import psycopg
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import QueuePool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from models import OutgoingMail
from models.work import Work

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # the environment variable, which prometheus_client reads when it is imported
# Seconds: a page takes a few milliseconds, a password hash tens of them, and the database ends a statement after five.
BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
OURS = CollectorRegistry()


def _gauge(name: str, words: str) -> Gauge:
    """Make a gauge that shows the sum over the workers that live."""
    return Gauge(name, words, registry=OURS, multiprocess_mode="livesum")


REQUEST_SECONDS = Histogram(
    "freehold_request_seconds",
    "Time until a request was answered; of a stream, until it began",
    ["method", "route", "status"],
    buckets=BUCKETS,
    registry=OURS,
)
DATABASE_SECONDS = Counter("freehold_database_seconds", "Time that its answers took", ["route"], registry=OURS)
STATEMENTS = Counter("freehold_database_statements", "Statements that requests sent", ["route"], registry=OURS)
POOL_SIZE = _gauge("freehold_database_pool_size", "Database connections that the web processes may have")
POOL_IN_USE = _gauge("freehold_database_pool_in_use", "Database connections that something works with")
POOL_WAITING = _gauge("freehold_database_pool_waiting", "Requests that wait for a database connection")
STREAMS = _gauge("freehold_open_streams", "Open live pages")
LOG_INS = Counter("freehold_log_ins", "Tries to log in", ["outcome"], registry=OURS)
MAILS = Counter("freehold_mails", "Mails that this host's web processes dealt with", ["outcome"], registry=OURS)

SUCCEEDED, SECOND_STEP, REFUSED, LIMITED = "succeeded", "second_step", "refused", "limited"
SENT, TRY_AGAIN, FAILED, DROPPED = "sent", "try_again", "failed", "dropped"
OUTCOMES = (SUCCEEDED, SECOND_STEP, REFUSED, LIMITED)
for outcome in OUTCOMES:
    LOG_INS.labels(outcome)  # shown from the beginning, so that the first one is seen as an increase
for outcome in (SENT, TRY_AGAIN, FAILED, DROPPED):
    MAILS.labels(outcome)


def count(method: str, route: str, status: str, work: Work, seconds: float) -> None:
    """Count a request that was answered.

    Args:
        method: of those there are.
        route: the rule that it matched, or "": never its path, of which there are as many as anybody asks for.
        status: three digits.
        work: what it asked of the database.
        seconds: that it took.
    """
    request_seconds, database_seconds, statements = _counters(method, route, status)
    request_seconds(seconds)
    if work.statements:
        database_seconds(work.seconds)
        statements(work.statements)


@cache
def _counters(method: str, route: str, status: str) -> tuple[Callable[[float], None], ...]:
    """Look up once what counts such requests."""
    return (
        REQUEST_SECONDS.labels(method, route, f"{status[0]}xx").observe,
        DATABASE_SECONDS.labels(route).inc,
        STATEMENTS.labels(route).inc,
    )


class WatchedPool(QueuePool):
    """SQLAlchemy's pool, which shows how many of its connections are in use and how many requests wait for one.

    It counts them itself: checkedout() takes a lock, which under gevent is as slow as the counting of a whole request.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """Make a pool; see QueuePool."""
        super().__init__(*args, **options)
        self._in_use = 0
        POOL_SIZE.set(self.size())

    def _do_get(self) -> Any:
        if self._in_use < self.size():
            record = super()._do_get()
        else:
            with POOL_WAITING.track_inprogress():
                record = super()._do_get()
        self._show(+1)
        return record

    def _do_return_conn(self, record: Any) -> None:
        super()._do_return_conn(record)
        self._show(-1)

    def _show(self, more: int) -> None:
        self._in_use += more
        POOL_IN_USE.set(self._in_use)


def exposed() -> bytes:
    """Return all of it in Prometheus' text format, with how the queue of mail is now, where the database tells."""
    registry = CollectorRegistry()
    if DIRECTORY in os.environ:
        MultiProcessCollector(registry)
    else:
        registry.register(OURS)
    registry.register(_Queue())
    return generate_latest(registry)


class _Queue(Collector):
    """Mail that waits, in all of the host: asked of the database, whoever delivers it."""

    def collect(self) -> Iterator[Metric]:
        try:
            queue = OutgoingMail.waiting()
        except (DBAPIError, NoConnection, psycopg.OperationalError):
            return  # the rest is wanted most while the database is away
        yield GaugeMetricFamily("freehold_mail_waiting", "Mails that wait to be sent", queue.waiting)
        yield GaugeMetricFamily("freehold_mail_failing", "Of these, mails that failed to be sent", queue.failing)
        yield GaugeMetricFamily("freehold_mail_oldest_seconds", "How long the oldest of them has waited", queue.oldest)
