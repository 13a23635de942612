"""The disk of the database is full: a small file system (a tmpfs: this wants root), filled to the last byte.

As a host runs it who sets nothing: `runtime.serve` with its embedded database, whose directory alone lies on that file
system. It is full for the tables first; then also for the log of changes (WAL), without which PostgreSQL ends itself.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from bench.faults.host import PEOPLE, Host
from bench.faults.judging import RECOVERED, Fault, Report, judge_answers, judge_database
from bench.faults.visitors import Visitors, came_later, warm
from bench.streams import fill
from runtime.postgres import EmbeddedPostgres
from tests.browser.server import Server, free_port

SIZE, LASTS = 256, 5.0  # MiB, seconds
MISTAKE = "gives up"  # where the database does not start again, all ends
FAULTS = {"full for tables": False, "full for the log of changes": True}


class Served(Server):
    """`runtime.serve`, with its database elsewhere."""

    command = (
        "-c",
        "import config, os, pathlib, sys; config.INSTANCE = pathlib.Path(os.environ['INSTANCE'])\n"
        "from runtime import serve; sys.stdout = sys.stderr\n"
        "if os.environ['MISTAKE']: serve.start_again = lambda server: server.start()\n"
        "sys.exit(serve.main())",
    )

    def prepare(self) -> None:
        """It does that itself."""
        self._environment["DATABASE_URL"] = ""

    def flask(self, *arguments: str) -> str:
        """The same, told where the database is."""
        self._environment["DATABASE_URL"] = self.database_url
        return super().flask(*arguments)


@contextmanager
def small_disk() -> Iterator[Path]:
    """Mount a small file system."""
    with TemporaryDirectory(prefix="freehold-faults-") as place:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=711", "none", place], check=True)
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)


def fill_up(ballast: Path) -> None:
    """Write until nothing more fits."""
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def use_up_the_log(here: Host) -> None:
    """Begin new files of it until there is no room for one."""
    with suppress(psycopg.Error), here.superuser() as superuser:
        for _ in range(100):
            superuser.execute("SELECT pg_logical_emit_message(true, 'ballast', 'x'), pg_switch_wal()")


def check(name: str, mistake: str = "") -> Report:
    """Fill the disk, and make room again."""
    report = Report(f"disk {name}")
    with small_disk() as place:
        postgres = EmbeddedPostgres(place)
        ballast = place / "ballast"
        settings = {"INSTANCE": str(place), "MISTAKE": mistake}
        with Served(postgres.url(), free_port(), "smtp://127.0.0.1:1", **settings) as server:
            here = Host(postgres, server, fill(postgres.url(), PEOPLE))
            workers = here.workers
            warm(here.port, here.cookies)
            with Visitors(here.port, came_later(here.cookies)) as visitors:
                time.sleep(1.5)
                began = time.monotonic()
                fill_up(ballast)
                if FAULTS[name]:
                    use_up_the_log(here)
                there = time.monotonic()
                time.sleep(LASTS)
                leaving = time.monotonic()
                ballast.unlink()
                fault = Fault(began, there, leaving, time.monotonic())
                time.sleep(RECOVERED + 1)
            judge_answers(report, visitors.answers, fault, reads=True)
            judge_database(report, here, visitors.answers)
            report.blame("workers that began again", len(here.workers - workers))
    return report
