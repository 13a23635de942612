"""What is measured of a running peer: load in alternating slices, and the statements of a request."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.peers.peers import FLOOR, HERE
from bench.peers.processes import Running, cpu
from bench.peers.setup import psql
from bench.peers.visits import Visits

EXPECTED = {"W1": "200", "W2": "204", "W3": "200,302,303", "W4": "200,201,303", "W5": "200,302,303"}
CONNECTIONS = {"W1": 8, "W2": 8, "W3": 4, "W4": 4, "W5": 4}
CONTROL = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SELECT set_config\()", re.I)
UNEVEN = 0.5  # a slice in which one worker did less than half of the other's work says nothing about two cores
REPEATS = 4


@dataclass(frozen=True)
class Slice:
    """A few seconds of load: requests a second, microseconds of CPU of each, milliseconds."""

    rate: float
    app: float
    postgres: float
    p50: float
    p99: float
    failed: int

    @property
    def cpu(self) -> float:
        return self.app + self.postgres


@dataclass(frozen=True)
class Series:
    """What the slices of one peer say, beside the floor's slices of the same moments."""

    rate: float
    ratio: float  # of rates, paired
    cpu_ratio: float
    app: float
    postgres: float
    p50: float
    p99: float
    failed: int

    @classmethod
    def of(cls, slices: Sequence[Slice], floor: Sequence[Slice]) -> "Series":
        pairs = list(zip(slices, floor, strict=True))
        return cls(
            median(s.rate for s in slices),
            median(s.rate / f.rate for s, f in pairs),
            median(f.cpu for f in floor) / median(s.cpu for s in slices),
            median(s.app for s in slices),
            median(s.postgres for s in slices),
            median(s.p50 for s in slices),
            median(s.p99 for s in slices),
            sum(s.failed for s in slices),
        )


def compared(work: str, running: Sequence[Running], postmaster: int, rounds: int, seconds: int) -> dict[str, Series]:
    """Load every peer in turn, forth and back, and compare each slice with the floor's of the same round."""
    slices: dict[str, list[Slice]] = {peer.peer.name: [] for peer in running}
    for peer in running:
        loaded(work, peer, postmaster, 2)
    for n in range(rounds):
        for peer in running if n % 2 == 0 else running[::-1]:
            slices[peer.peer.name].append(loaded(work, peer, postmaster, seconds))
    return {name: Series.of(found, slices[FLOOR]) for name, found in slices.items()}


def loaded(work: str, peer: Running, postmaster: int, seconds: int) -> Slice:
    """Load a peer for some seconds; again where its workers had not nearly the same to do."""
    for _ in range(REPEATS):
        before = peer.shares()
        found = _wrk(work, peer, postmaster, seconds)
        used = sorted(now - then for now, then in zip(peer.shares(), before, strict=True))
        if used[0] >= UNEVEN * used[-1]:
            break
    print(
        f"{work} {peer.peer.name}: {found.rate:.0f}/s, {found.app:.0f} + {found.postgres:.0f} us, "
        f"p50 {found.p50:.2f} ms, failed {found.failed}",
        file=sys.stderr,
        flush=True,
    )
    return found


def statements(work: str, visits: Visits) -> tuple[float, float, list[str]]:
    """Return the statements of a request, how many of them only control (transaction, scope), and what they are."""
    requests, port, database = visits.requests(work), visits.peer.port, visits.peer.database
    number, often = time.time_ns() // 1000, 6 if work in ("W3", "W5") else 40
    tracking("top")
    for n in range(often):  # until everything is prepared
        requests[n % len(requests)].send(port, number + n)
    psql("SELECT pg_stat_statements_reset()", database)
    for n in range(often):
        requests[n % len(requests)].send(port, number + often + n)
    found: list[Any] = psql(
        "SELECT calls, regexp_replace(query, '\\s+', ' ', 'g') FROM pg_stat_statements s"
        f" JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = '{database}'"
        " AND query NOT LIKE '%pg_stat_statements%'"
        " AND query NOT LIKE 'SELECT 1 FROM ONLY %' ORDER BY calls DESC",
        database,
    )
    tracking("none")
    control = sum(calls for calls, query in found if CONTROL.match(query)) / often
    shown = [f"{calls / often:g}  {query[:160]}" for calls, query in found]
    return sum(calls for calls, _ in found) / often, control, shown


def tracking(what: str) -> None:
    """Tell PostgreSQL which statements to count: "top" or "none"."""
    psql(f"ALTER SYSTEM SET pg_stat_statements.track = '{what}'")
    psql("SELECT pg_reload_conf()")
    while psql("SHOW pg_stat_statements.track") != [(what,)]:
        time.sleep(0.05)
    time.sleep(0.3)  # the peers' own connections read their settings when they are next idle


def _wrk(work: str, peer: Running, postmaster: int, seconds: int) -> Slice:
    app, postgres = peer.cpu(), cpu(postmaster)
    url, targets = f"http://127.0.0.1:{peer.peer.port}/", str(Visits.targets(peer.peer, work))
    load = ["wrk", "-t", "1", "-c", str(CONNECTIONS[work]), "-d", f"{seconds}s", "--timeout", "20s"]
    told = {**os.environ, **({"COUNT": "1"} if work in ("W3", "W4", "W5") else {})}
    command = [*load, "-s", str(HERE / "replay.lua"), url, targets, EXPECTED[work]]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=True)
    found = json.loads(re.findall(r"RESULT (\{.*\})", done.stdout)[0])
    each = 1e6 / max(found["requests"], 1)
    return Slice(
        found["requests"] / found["seconds"],
        (peer.cpu() - app) * each,
        (cpu(postmaster) - postgres) * each,
        found["p50"],
        found["p99"],
        found["failed"],
    )
