"""One of two servers killed or stopped under load: what visitors meet, and whether anything acknowledged is lost."""

import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException

import psycopg

from bench.scaling.people import Person
from bench.scaling.places import Place

PAGE, NEW = "/account", "/orgs/load-{}/projects/new"
ORGANIZATIONS = 10  # written in, because changes of one wait for each other
RATE = 20  # requests a second, of which every fourth writes
KILLS, STOPS = 6, 2
FROZEN = 0.3  # seconds before a kill, so that requests are caught in the dying server
AROUND = 2.0  # seconds of load before and after each change
AWAY = 6.0  # seconds without a database: HAProxy has found that no server is ready
PATIENCE = 20.0  # seconds that somebody goes on pressing the same button


@dataclass
class Load:
    """Visitors through HAProxy, until they are told to stop; and what became of their requests."""

    front: str
    person: Person
    over: threading.Event = field(default_factory=threading.Event)
    reads: list[tuple[int, float]] = field(default_factory=list)  # status, seconds
    answers: Counter[int] = field(default_factory=Counter)  # to writes; 0 is none
    acknowledged: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Send so many a second, however long each takes."""
        token, began, n = self.person.token(self.front, NEW.format(0)), time.perf_counter(), 0
        with ThreadPoolExecutor(64) as pool:
            while not self.over.wait(max(began + n / RATE - time.perf_counter(), 0)):
                pool.submit(self._read) if n % 4 else pool.submit(self._write, n // 4, token)
                n += 1

    def _read(self) -> None:
        began = time.perf_counter()
        try:
            status = self.person.get(self.front, PAGE).status
        except (OSError, HTTPException):
            status = 0
        self.reads.append((status, time.perf_counter() - began))

    def _write(self, n: int, token: str) -> None:
        """Press a button, and where no answer says that it was done, the same again: the form's key goes along."""
        end, name, form = time.monotonic() + PATIENCE, f"Load {n}", NEW.format(n % ORGANIZATIONS)
        while time.monotonic() < end:
            try:
                fields = {"name": name, "access": "organization", "idem": name}
                status = self.person.post(self.front, form, token=token, **fields).status
            except (OSError, HTTPException):
                status = 0
            self.answers[status] += 1
            if status == 303:
                self.acknowledged.append(name)
                return
            time.sleep(0.2)


def survived(place: Place) -> list[tuple[str, str]]:
    """Kill and stop servers in turn, and count."""
    person = Person(network=100)
    assert person.log_in(place.front, "amara.okafor@example.org").status == 303
    for n in range(ORGANIZATIONS):
        assert person.post(place.front, "/orgs/new", name=f"Load {n}", slug=f"load-{n}").status == 303
    load, before = Load(place.front, person), place.retries()
    visitors = threading.Thread(target=load.run)
    visitors.start()
    try:
        for n in range(KILLS + STOPS):
            time.sleep(AROUND)
            server = place.servers[n % 2]
            server.kill(FROZEN) if n < KILLS else server.stop()
            time.sleep(AROUND)
            server.start()
    finally:
        load.over.set()
        visitors.join()
    retried, seconds = place.retries() - before, sorted(took for _, took in load.reads)
    statuses, unanswered = Counter(status for status, _ in load.reads), load.answers.total() - load.answers[303]
    assert retried > 0, "no request met a lost server: nothing was shown"
    assert statuses.keys() == {200}, statuses
    rows = _rows(place.owner)
    assert rows == Counter(load.acknowledged), (len(load.acknowledged), rows)
    return [
        (f"requests while one was killed {KILLS} times and stopped {STOPS} times", f"{len(seconds) + rows.total():,}"),
        ("asked again by HAProxy at the other server", f"{retried}"),
        ("pages that were not answered 200", f"0 of {len(seconds):,}"),
        ("how long a page took: median, p99, most", _times(seconds)),
        ("buttons whose answer was lost, pressed again", f"{unanswered} of {rows.total()} ({_statuses(load.answers)})"),
        ("done, of what was acknowledged: lost, twice", "0, 0"),
    ]


def without_database(place: Place) -> list[tuple[str, str]]:
    """Stop PostgreSQL for a while, and ask on."""
    person = Person(network=101)
    assert person.log_in(place.front, "amara.okafor@example.org").status == 303
    place.postgres.stop()
    took, end = [], time.perf_counter() + AWAY
    while (began := time.perf_counter()) < end:
        answer = person.get(place.front, PAGE)
        took.append(time.perf_counter() - began)
        assert answer.status == 503, answer
        assert "Freehold cannot answer right now" in answer.text
        time.sleep(0.1)
    place.postgres.start()
    began = time.perf_counter()
    while person.get(place.front, PAGE).status != 200:
        assert time.perf_counter() < began + PATIENCE
        time.sleep(0.05)
    back = time.perf_counter() - began
    return [
        ("the database stopped: Freehold's own page, 503, after at most", f"{max(took):.1f} s, each of {len(took)}"),
        ("the database back: the page is there again after", f"{back:.1f} s"),
    ]


def _rows(url: str) -> Counter[str]:
    """How often each thing was done."""
    with psycopg.connect(url) as owner:
        found = owner.execute("SELECT after->>'name' FROM audit_events WHERE action = 'project.created'").fetchall()
    return Counter(name for (name,) in found if name.startswith("Load "))


def _times(seconds: list[float]) -> str:
    p99 = statistics.quantiles(seconds, n=100)[-1]
    return ", ".join(f"{each * 1000:.0f} ms" for each in (statistics.median(seconds), p99, seconds[-1]))


def _statuses(answers: Counter[int]) -> str:
    return ", ".join(f"{n} × {status or 'none'}" for status, n in sorted(answers.items()))
