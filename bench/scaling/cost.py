"""What PgBouncer costs: the same page by servers that are direct at PostgreSQL and through it, in turn."""

import re
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench.peers.processes import cpu
from bench.scaling.people import Person
from bench.scaling.places import Place, server_at
from tests.browser.server import Server

PAGE = "/orgs/northfield/people"
ROUNDS, SECONDS, CONNECTIONS = 6, 4, 8
WARM = 40  # requests, so that each process has compiled its templates
NOWHERE = "smtp://127.0.0.1:9"


@dataclass(frozen=True)
class Slice:
    """A few seconds of load: pages a second, and milliseconds of CPU of each."""

    rate: float
    server: float
    postgres: float
    pgbouncer: float


def measured(place: Place) -> list[tuple[str, str]]:
    """Load three servers in turn, and tell the median of each."""
    ways = {
        "direct, prepared statements (the default)": (place.direct, "on"),
        "direct, DATABASE_PREPARE=off": (place.direct, "off"),
        "through PgBouncer, DATABASE_PREPARE=off": (place.pooled, "off"),
    }
    with ExitStack() as running:
        servers = {
            name: running.enter_context(
                server_at(place.postgres, url, NOWHERE, DATABASE_PREPARE=prepare, MAIL_WORKER="off")
            )
            for name, (url, prepare) in ways.items()
        }
        person = Person(network=110)
        person.log_in(place.servers[0].url, "amara.okafor@example.org")
        slices: dict[str, list[Slice]] = {name: [] for name in ways}
        for server in servers.values():
            for _ in range(WARM):
                assert person.get(server.url, PAGE).status == 200
        for n in range(ROUNDS):
            for name in list(ways)[:: -1 if n % 2 else 1]:
                slices[name].append(_loaded(place, servers[name], person))
    return [(name, _told(found)) for name, found in slices.items()]


def _loaded(place: Place, server: Server, person: Person) -> Slice:
    cookies = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{SECONDS}s",
        "--timeout",
        "30s",
        "-H",
        f"Cookie: {cookies}",
        f"{server.url}{PAGE}",
    ]
    processes = (server.pid, place.postgres.pid or 0, place.pgbouncer)
    before = [cpu(pid) for pid in processes]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    assert "Socket errors" not in said, said
    pages = int(re.findall(r"(\d+) requests in", said)[0])
    used = [(cpu(pid) - then) / pages * 1000 for pid, then in zip(processes, before, strict=True)]
    return Slice(float(re.findall(r"Requests/sec: +([\d.]+)", said)[0]), *used)


def _told(slices: list[Slice]) -> str:
    rate, server, postgres, pgbouncer = (
        median(getattr(each, name) for each in slices) for name in ("rate", "server", "postgres", "pgbouncer")
    )
    return f"{rate:.0f} pages/s; CPU of each: {server:.2f} + {postgres:.2f} + {pgbouncer:.2f} ms"
