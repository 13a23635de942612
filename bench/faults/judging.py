"""What must be true of every answer, and of what is in the database afterwards (README.md, Faults)."""

import asyncio
from dataclasses import dataclass, field

import psycopg

from bench.faults.host import Host
from bench.faults.visitors import ALWAYS, PEOPLE, Answer, ask

WITHIN, AT_MOST, RECOVERED = 2.0, 5.0, 5.0  # seconds: of a 503, of any answer, of everything once the cause has ended


@dataclass(frozen=True)
class Fault:
    """When it was there, by the monotonic clock."""

    began: float  # it was about to be
    there: float  # it was
    leaving: float  # it was about to end
    ended: float  # it did

    @property
    def gone(self) -> float:
        return self.ended + RECOVERED


@dataclass
class Report:
    """What was seen, and what is wrong with it."""

    name: str
    figures: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def blame(self, what: str, number: int) -> None:
        """Note so many of something that must not be."""
        if number:
            self.wrong.append(f"{what}: {number}")


def judge_answers(report: Report, answers: list[Answer], fault: Fault, *, reads: bool) -> None:
    """See what was answered, before, while and after it was there.

    Args:
        report: where it is noted.
        answers: all of them.
        fault: when it was there.
        reads: whether the database can be read meanwhile.
    """
    away = [a for a in answers if a.status == 503]
    inside = [a for a in answers if fault.there <= a.at and a.at + a.seconds <= fault.leaving]
    others = [a for a in answers if not a.right and a.status != 503]
    # Whoever waits until the database is back was not told in time that it is away.
    told = [a for a in answers if a.status == 503 or (not reads and fault.there <= a.at < fault.leaving)]
    slow = [a for a in told if a.seconds > WITHIN] + [a for a in answers if a.seconds > AT_MOST]
    report.blame("answers that are neither right nor 503", len(others))
    report.blame("503 without Retry-After and a plain page", sum(not (a.again and a.plain) for a in away))
    report.blame("too slow", len(slow))
    report.blame("static files or /healthz not answered", sum(not a.right for a in answers if a.kind in ALWAYS))
    report.blame("let in", sum(a.status == 200 for a in answers if a.kind == "dead session"))
    if not reads:
        report.blame("the fault was not felt", not any(a.status == 503 for a in inside))
        report.blame("let in while nobody could be known", sum(a.right for a in inside if a.kind not in ALWAYS))
    late = [a for a in answers if not a.right and a.at + a.seconds > fault.ended]
    report.blame("still away after five seconds", sum(a.at > fault.gone for a in late))
    report.blame("away before anything happened", sum(a.at + a.seconds < fault.began for a in away))
    report.blame("never right again", not any(a.right for a in answers if a.at > fault.ended and a.kind == "project"))
    report.figures += [
        f"{sum(a.right for a in inside if a.kind not in ALWAYS)}, {sum(a.status == 503 for a in inside)}",
        f"{max((a.seconds for a in away), default=0):.2f} s",
        f"{max((a.at + a.seconds - fault.ended for a in late), default=0):.1f} s",
    ]


TAKEN = {"project": "SELECT name FROM projects", "invitation": "SELECT email FROM invitations"}
COUNTS = {
    "projects without their event": """
        SELECT count(*) FROM projects p WHERE name LIKE 'Project %' AND 1 <> (
            SELECT count(*) FROM audit_events e WHERE e.action = 'project.created' AND e.project_id = p.id)
    """,
    "events without their project": """
        SELECT count(*) FROM audit_events e WHERE action = 'project.created'
        AND NOT EXISTS (SELECT FROM projects p WHERE p.id = e.project_id)
    """,
    "invitations without their mail and event": """
        SELECT count(*) FROM invitations i WHERE 1 <> (SELECT count(*) FROM outgoing_mail m WHERE m.subject_id = i.id)
        OR 1 <> (SELECT count(*) FROM audit_events e WHERE e.action = 'invitation.sent' AND e.subject_id = i.id)
    """,
    "mails without their invitation": """
        SELECT count(*) FROM outgoing_mail m WHERE NOT EXISTS (SELECT FROM invitations i WHERE i.id = m.subject_id)
    """,
}


def judge_database(report: Report, host: Host, answers: list[Answer]) -> None:
    """See that what was acknowledged is there, that nothing is half there, and that who logged out is."""
    try:
        _judge_rows(report, host, answers)
    except psycopg.OperationalError:
        report.blame("no database afterwards", 1)
        return
    host.server.flask("audit", "verify")
    over = [a.name for a in answers if a.kind == "log out" and a.right]
    report.blame("logged out, and let in", sum(_is_let_in(host.port, cookie) for cookie in over))
    report.figures.append(str(sum(a.right and a.kind in (*TAKEN, "log out") for a in answers)))


def _judge_rows(report: Report, host: Host, answers: list[Answer]) -> None:
    with host.superuser() as superuser:
        for kind, names in TAKEN.items():
            taken = {a.name for a in answers if a.kind == kind and a.right}
            report.blame(f"acknowledged, and lost: {kind}", len(taken - {name for (name,) in superuser.execute(names)}))
        for what, counted in COUNTS.items():
            ((number,),) = superuser.execute(counted).fetchall()
            report.blame(what, int(str(number)))


def _is_let_in(port: int, cookie: str) -> bool:
    return asyncio.run(ask(port, "GET", PEOPLE, cookie))[9:12] == b"200"
