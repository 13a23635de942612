"""That nothing that matters is in one server's memory: what one does, the other knows. Each check returns its row."""

import statistics
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg

from bench.scaling.people import Person
from bench.scaling.places import Place, until
from tests.factories import Northfield

PEOPLE = "/orgs/northfield/people"
TIMES = 20
INVITED = 100
STREAM_HELD = 70.0  # seconds: longer than HAProxy's time-outs of silence
AMARA, SVEN, HANA = "amara.okafor@example.org", "sven.weber@example.org", "hana.reyes@example.org"
Row = tuple[str, str]


def sessions(place: Place) -> list[Row]:
    """Log in at one server, look at the other; log out at one, and look at the other at once."""
    one, two = (server.url for server in place.servers)
    took = []
    assert Person().get(two, PEOPLE).logged_out  # the control: somebody else is not let in
    for n in range(TIMES):
        here, there = (one, two) if n % 2 else (two, one)
        person = Person(network=10 + n)
        assert person.log_in(here, SVEN).status == 303
        seen = person.get(there, PEOPLE)
        assert seen.status == 200
        assert "Amara Okafor" in seen.text
        kept, token = dict(person.cookies), person.token(there, PEOPLE)
        assert person.post(here, "/logout", token=token).status == 303
        began = time.perf_counter()
        person.cookies = kept  # a copy of the cookie, as a thief would have
        assert person.get(there, PEOPLE).logged_out
        took.append((time.perf_counter() - began) * 1000)
    return [
        ("logged in at one server, let in by the other", f"{TIMES} of {TIMES}"),
        ("logged out at one, refused by the other in its next answer", f"{TIMES} of {TIMES}, {max(took):.0f} ms"),
    ]


def others_ended(place: Place) -> list[Row]:
    """End the other sessions of an account through one server, and ask the other with one of them."""
    one, two = (server.url for server in place.servers)
    laptop, phone = Person(network=40), Person(network=41)
    for person, server in ((laptop, two), (phone, one)):
        assert person.log_in(server, HANA).status == 303
    assert laptop.get(two, PEOPLE).status == 200
    assert phone.post(one, "/account/sessions/revoke-others").status == 303
    assert laptop.get(two, PEOPLE).logged_out
    assert phone.get(two, PEOPLE).status == 200
    return [("ended from another browser through one, refused by the other", "yes; that browser itself is not")]


def limits(place: Place) -> list[Row]:
    """Guess a password at both servers in turn, then through HAProxy from a new pretended place each time."""
    one, two = (server.url for server in place.servers)
    guesser = Person(network=50)
    in_turn = [guesser.log_in((one, two)[n % 2], HANA, "a wrong guess 123").status for n in range(7)]
    assert in_turn == [422] * 5 + [429] * 2, in_turn
    assert guesser.log_in(one, AMARA, "a wrong guess 123").status == 422  # the control: another account is not counted
    pretended = [Person(network=60 + n).log_in(place.front, AMARA, "a wrong guess 123").status for n in range(7)]
    assert pretended == [422] * 5 + [429] * 2, pretended
    return [
        ("passwords guessed at both in turn: five are looked at", _counted(in_turn)),
        ("the same through HAProxy, each with another X-Forwarded-For", _counted(pretended)),
    ]


def live(place: Place, cast: Northfield) -> list[Row]:
    """Change a role through one server while a page is open at the other."""
    one, two = (server.url for server in place.servers)
    amara, path = _logged_in(place, AMARA, 70), f"{PEOPLE}/{cast.member('viewer').id}/role"
    rows = []
    for name, server in (("at the other", two), ("through HAProxy", place.front)):
        took = []
        with amara.stream(server, "/orgs/northfield/live") as lines:
            _next(lines, lambda line: line.startswith("retry:"))
            time.sleep(0.5)  # what was missed while it opened is told
            token = amara.token(one, PEOPLE)
            for n in range(TIMES):
                began = time.perf_counter()
                assert amara.post(one, path, token=token, role=("OPERATOR", "VIEWER")[n % 2]).status == 303
                took.append((_next(lines, lambda line: '"members"' in line, began) - began) * 1000)
        rows.append(
            (
                f"a role changed at one, told to a page that is open {name}",
                f"{statistics.median(took):.0f} ms, at most {max(took):.0f} ms",
            )
        )
    return rows


def mail(place: Place) -> list[Row]:
    """Invite through one server; the mail workers of both deliver."""
    addresses = [f"guest{n}@example.net" for n in range(INVITED)]
    amara, one = _logged_in(place, AMARA, 80), place.servers[0].url
    assert amara.post(one, f"{PEOPLE}/invite", emails=" ".join(addresses), role="VIEWER").status == 303
    with psycopg.connect(place.owner, autocommit=True) as owner:
        waiting = "SELECT count(*) FROM outgoing_mail WHERE state = 'queued'"
        until(lambda: owner.execute(waiting).fetchone() == (0,), "mail")
    first, second = (Counter({to: n for to, n in inbox.taken.items() if to in addresses}) for inbox in place.inboxes)
    assert first + second == Counter(addresses), first + second
    assert first.total() > 0, "only one of the two servers delivered"
    assert second.total() > 0, "only one of the two servers delivered"
    return [
        (
            f"{INVITED} mails queued by one, sent once each by the workers of both",
            f"{first.total()} and {second.total()}, none twice",
        )
    ]


def held(place: Place) -> Callable[[], list[Row]]:
    """Open a page's stream through HAProxy; return what waits until it was open for long, and tells."""
    person = _logged_in(place, SVEN, 90)

    def hold() -> list[Row]:
        with person.stream(place.front, "/orgs/northfield/live") as lines:
            end = time.perf_counter() + STREAM_HELD
            came, beats = 0.0, 0
            while came < end:
                came, line = next(lines)
                beats += line == "event: beat"
        assert beats >= 2, beats
        return [(f"a page open through HAProxy, when nothing changes for {STREAM_HELD:.0f} s", f"{beats} heartbeats")]

    return ThreadPoolExecutor(1).submit(hold).result


def migrations(place: Place) -> list[Row]:
    """Two servers that start in one moment migrate both: under a lock of a session, which goes around PgBouncer."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda server: server.flask("db", "upgrade"), place.servers))
    return [("both migrate at once", "both succeed")]


def _logged_in(place: Place, email: str, network: int) -> Person:
    person = Person(network)
    assert person.log_in(place.servers[0].url, email).status == 303
    return person


def _next(lines: object, wanted: Callable[[str], bool], after: float = 0.0) -> float:
    """When the next such line came."""
    return next(at for at, line in lines if at > after and wanted(line))  # type: ignore[attr-defined]


def _counted(statuses: list[int]) -> str:
    return ", ".join(f"{n} × {status}" for status, n in Counter(statuses).items())
