"""Restarts under load: `python -m bench.restarts`.

Twenty requests a second, reads and writes, and two hundred open pages, while the server's workers are replaced
(SIGHUP), while it is deployed anew (a new gunicorn takes over the listening socket: SIGUSR2, then SIGTERM to the old
one), and while PostgreSQL is restarted. A control stops the server and starts it again.
"""

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import access
from bench.faults.host import Host, host
from bench.faults.judging import Report, judge_database
from bench.faults.visitors import Answer, Visitors
from bench.streams import CHANGE

PAGES, OTHERS = 200, 60  # open pages, and people who log out meanwhile
PATIENCE = 30.0  # seconds for what must come
AT_WORK = "SELECT count(DISTINCT application_name) FROM pg_stat_activity WHERE application_name = ANY(%s)"
RESYNC = json.dumps(access.RESYNC).encode()  # look at everything again, and so at the list of people


class Pages:
    """Open pages, each of which opens its stream again when it breaks, as a browser does, until the end of `with`."""

    def __init__(self, port: int, cookies: list[str]) -> None:
        self._port, self._cookies = port, cookies
        self.open: set[str] = set()
        self.told: set[str] = set()
        self.wrong: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._stay()))

    def __enter__(self) -> "Pages":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    async def _stay(self) -> None:
        pages = [asyncio.create_task(self._page(cookie, n / 100)) for n, cookie in enumerate(self._cookies)]
        while not self._over.is_set():
            await asyncio.sleep(0.05)
        for page in pages:
            page.cancel()
        await asyncio.gather(*pages, return_exceptions=True)

    async def _page(self, cookie: str, begins: float) -> None:
        await asyncio.sleep(begins)
        while True:
            try:
                await self._listen(cookie)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.wrong.append(repr(error))
            self.open.discard(cookie)
            await asyncio.sleep(1)  # what the stream itself asks for

    async def _listen(self, cookie: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(
                f"GET /orgs/northfield/live?since={time.time()} HTTP/1.1\r\nHost: localhost:{self._port}\r\n"
                f"Accept: text/event-stream\r\nCookie: session={cookie}\r\n\r\n".encode()
            )
            status = int((await reader.readuntil(b"\r\n\r\n"))[9:12])
            if status != 200:
                self.wrong.append(f"{status}")
                return
            self.open.add(cookie)
            async for line in reader:
                if line == b"0\r\n":  # the last chunk; the connection stays open for another request
                    return
                if line.startswith(b"data:") and (b'"members"' in line or RESYNC in line):
                    self.told.add(cookie)
        finally:
            writer.close()


def reload(here: Host) -> None:
    """New workers of the same master."""
    before = here.workers
    here.server.reload()
    wait_for(lambda: not here.workers & before)


def deploy(here: Host) -> None:
    """A new master with the old one's socket; the old one ends when the new one's workers work."""
    old, workers = here.server.pid, here.workers
    os.kill(old, signal.SIGUSR2)
    wait_for(lambda: len(here.workers - workers) == len(workers) + 1)
    here.replaced_by = min(here.workers - workers)
    names = [f"freehold {pid}" for pid in here.workers - workers - {here.replaced_by}]
    with here.superuser() as superuser:
        wait_for(lambda: superuser.execute(AT_WORK, [names]).fetchone() == (len(names),))
    os.kill(old, signal.SIGTERM)
    wait_for(lambda: not any(map(is_alive, workers)))


def database(here: Host) -> None:
    """PostgreSQL, by a fast shutdown and a start."""
    here.postgres.stop()
    here.postgres.start()


def naive(here: Host) -> None:
    """The control: stopped, and started again."""
    here.server.__exit__(None, None, None)
    here.server.__enter__()


# With whether PostgreSQL is away meanwhile, for which a 503 is right.
RESTARTS: dict[str, tuple[Callable[[Host], None], bool]] = {
    "server, reloaded (SIGHUP)": (reload, False),
    "server, deployed anew (SIGUSR2)": (deploy, False),
    "PostgreSQL": (database, True),
    "control: stopped and started": (naive, False),
}


def is_alive(pid: int) -> bool:
    """Tell whether a process runs, and did not only leave its number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never was"
        time.sleep(0.02)


def measure(name: str) -> Report:
    """Restart one thing under load."""
    restart, away = RESTARTS[name]
    report = Report(name)
    with host(people=PAGES + OTHERS) as here:
        listening, others = here.cookies[1 : PAGES + 1], [here.cookies[0], *here.cookies[PAGES + 1 :]]
        with Pages(here.port, listening) as pages, Visitors(here.port, [*others, "nobody's"]) as visitors:
            wait_for(lambda: len(pages.open) == PAGES)
            time.sleep(2)
            visitors.answers.clear()
            began = time.monotonic()
            restart(here)
            ended = time.monotonic()
            wait_for(lambda: len(pages.open) == PAGES)
            back = time.monotonic() - ended
            time.sleep(2)  # what they missed is told
            pages.told.clear()
            with here.superuser() as superuser:
                superuser.execute(CHANGE, ["OPERATOR"])
            wait_for(lambda: len(pages.told) == PAGES)
            answers = list(visitors.answers)
        judge(report, answers, {*pages.wrong}, away=away)
        judge_database(report, here, answers)
        report.figures[:0] = [f"{ended - began:.1f} s"]
        report.figures[-1:-1] = [f"{back:.1f} s"]
        here.end()
    return report


def judge(report: Report, answers: list[Answer], of_streams: set[str], *, away: bool) -> None:
    """See that everybody was answered, and that nobody was told that the database is away but where it was."""
    unavailable = [a for a in answers if a.status == 503]
    report.blame("refused or cut off", sum(a.status == 0 for a in answers))
    report.blame("503 without the database's absence", 0 if away else len(unavailable))
    report.blame("other answers that are not right", sum(not a.right and a.status not in (0, 503) for a in answers))
    wrong = sorted(of_streams - ({"503"} if away else set()))
    report.blame(f"ways in which a stream could not be opened again ({', '.join(wrong)})", len(wrong))
    report.figures += [f"{len(answers):,}", f"{len(unavailable)}", f"{max(a.seconds for a in answers):.2f} s"]


def main() -> None:
    names = [name for name in RESTARTS if sys.argv[1:] == [] or sys.argv[1] in name]
    print("| restart | took | requests | of them 503 | slowest | all pages listen again | acknowledged, all found |")
    print("|---|---|---|---|---|---|---|", flush=True)
    failed: list[str] = []
    for name in names:
        report, control = measure(name), name.startswith("control")
        print(f"| {name} | {' | '.join(report.figures)} |", flush=True)
        if control:
            print(f"\nThe control finds: {'; '.join(report.wrong)}.")
        failed += (["the control found nothing"] if not report.wrong else []) if control else report.wrong
    sys.exit("\n".join(failed) or None)


if __name__ == "__main__":
    main()
