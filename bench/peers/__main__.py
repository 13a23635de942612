"""`python -m bench.peers [--quick] [--keep] [--works W1,W2] [peer …]`: everything from one run, as tables.

About half an hour; `--quick` takes short rounds and only shows that all of it runs. `--keep` uses the databases of the
run before.
"""

import argparse
import platform
import sys
from contextlib import ExitStack
from datetime import UTC, datetime

from bench.peers import setup
from bench.peers.measuring import Series, compared, statements, tracking
from bench.peers.peers import BASE, FLOOR, LARGE, PEERS, Peer
from bench.peers.processes import Running
from bench.peers.visits import WORKS, Visits

SCALES = (("", BASE), ("10 times the data", LARGE))


def main() -> None:
    """Measure and print."""
    asked = _arguments()
    setup.install()
    chosen = [PEERS[name] for name in asked.peers] or [*BASE, *LARGE]
    if PEERS[FLOOR] not in chosen:
        chosen.insert(0, PEERS[FLOOR])
    with setup.server() as server, ExitStack() as ending:
        kept = {name for (name,) in setup.psql("SELECT datname FROM pg_database")} if asked.keep else set()
        for peer in {peer.database: peer for peer in chosen if peer.database not in kept}.values():
            print(f"filling {peer.database}", file=sys.stderr, flush=True)
            setup.fill(peer)
        running = []
        for peer in chosen:
            running.append(Running(peer))
            ending.callback(running[-1].stop)
        report(running, asked, server.pid or 0)


def report(running: list[Running], asked: argparse.Namespace, postmaster: int) -> None:
    """Check, measure and print a table for each work."""
    print(f"{datetime.now(UTC):%d %B %Y}, {platform.platform()}, CPython {platform.python_version()}\n")
    counted: dict[tuple[str, str], str] = {}
    tracking("none")
    for peer in running:
        visits = Visits(peer.peer)
        visits.check()
        visits.write()
        for work in asked.works:
            total, control, shown = statements(work, visits)
            counted[peer.peer.name, work] = f"{total - control:g} + {control:g}"
            print(f"{peer.peer.name} {work}: {total:g}", *shown, sep="\n  ", file=sys.stderr)
    for work in asked.works:
        long = work in ("W3", "W5")
        rounds, seconds = (1, 2) if asked.quick else (3, 4) if long else (5, 2)
        for _, peers in SCALES:
            at = [one for one in running if one.peer in peers and not _skipped(one.peer, work)]
            at = at if peers is BASE else [running[0], *at] if at and work in ("W1", "W2") else []
            if at:
                _table(work, at, compared(work, at, postmaster, rounds, seconds), counted)
    _resources(running)


def _table(work: str, running: list[Running], found: dict[str, Series], counted: dict[tuple[str, str], str]) -> None:
    print(f"\n### {work}\n")
    print("| | ratio by CPU | ratio of rates | requests/s | app + PostgreSQL, µs | p50, p99 ms | statements | failed |")
    print("|---|---|---|---|---|---|---|---|")
    for peer in running:
        s = found[peer.peer.name]
        print(
            f"| {peer.peer.label} | {s.cpu_ratio:.2f} | {s.ratio:.2f} | {s.rate:.1f} | {s.app:.0f} + {s.postgres:.0f}"
            f" | {s.p50:.1f}, {s.p99:.1f} | {counted[peer.peer.name, work]} | {s.failed} |",
            flush=True,
        )


def _resources(running: list[Running]) -> None:
    print("\n| | start to first answer, s | memory of a worker (RSS, PSS), MiB |\n|---|---|---|")
    for peer in running:
        memory = ", ".join(f"{resident:.0f} ({proportional:.0f})" for resident, proportional in peer.memory())
        print(f"| {peer.peer.label} | {peer.took:.2f} | {memory} |")


def _skipped(peer: Peer, work: str) -> bool:
    """The People page is W1 alone: its gate, and all else, are Freehold's in the row before."""
    return peer.name.startswith("freehold_people") and work != "W1"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("peers", nargs="*", choices=[[], *PEERS])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--works", type=lambda text: text.split(","), default=list(WORKS))
    return parser.parse_args()


main()
