"""The mail server is away: it refuses connections, says nothing, or says no, for now (4xx) or for good (5xx)."""

import asyncio
import re
import time
from collections import Counter
from contextlib import ExitStack
from email import message_from_bytes

from bench.faults.host import Host, host
from bench.faults.judging import Fault, Report, judge_answers, judge_database
from bench.faults.visitors import PEOPLE, Visitors, ask, came_later, warm
from tests.browser.server import free_port
from tests.runtime.rude_mail_server import Answer, Rude, RudeServer

LASTS = 4.0  # seconds
SENT_BY_THEN = 60.0  # seconds after the end: a word of ten, and a first and a second wait of at most 12 and 24
WAITING = "SELECT count(*) FROM outgoing_mail WHERE state = 'queued'"
MISTAKE = "forgets mail"
FAULTS: dict[str, dict[str, Answer] | None] = {
    "refusing": None,  # nobody listens
    "hanging": {"banner": Rude.HANG},
    "answering 4xx": {"RCPT": "451 4.3.2 Later"},
    "answering 5xx": {"RCPT": "550 5.1.1 Nobody here"},
}


def check(name: str, mistake: str = "") -> Report:
    """Invite people while the mail server is away, and see what becomes of each mail."""
    report, port = Report(f"mail server {name}"), free_port()
    with host(mistake, SMTP_URL=f"smtp://127.0.0.1:{port}") as here, ExitStack() as running:
        answers = FAULTS[name]
        if answers:
            server = running.enter_context(RudeServer(port))
            server.answers.update(answers)
        warm(here.port, here.cookies)
        with Visitors(here.port, came_later(here.cookies)) as visitors:
            began = time.monotonic()
            time.sleep(LASTS)
            ended = time.monotonic()
            if answers:
                if name != "answering 5xx":
                    server.answers.clear()
            else:
                server = running.enter_context(RudeServer(port))
            time.sleep(1)
        judge_answers(report, visitors.answers, Fault(began, began, ended, ended), reads=True)
        report.blame("503 for the mail server's sake", sum(a.status == 503 for a in visitors.answers))
        _judge_mails(report, here, server, {a.name for a in visitors.answers if a.kind == "invitation"}, ended)
        judge_database(report, here, visitors.answers)
    return report


def _judge_mails(report: Report, here: Host, server: RudeServer, invited: set[str], ended: float) -> None:
    """See that each was sent once or, where the server never takes it, is said to be not delivered."""
    with here.superuser() as superuser:
        while superuser.execute(WAITING).fetchone() != (0,) and time.monotonic() < ended + SENT_BY_THEN:
            time.sleep(0.1)
    report.figures[2] = f"{time.monotonic() - ended:.1f} s"
    taken = Counter(str(message_from_bytes(mail)["To"]) for mail in server.mails)
    page = asyncio.run(ask(here.port, "GET", f"{PEOPLE}/invitations", here.cookies[0])).decode()
    told = set(re.findall(r"(guest\d+@example\.net)(?:(?!guest\d+@).)*?Not delivered", page, re.DOTALL))
    report.blame("neither sent nor said to be not sent", len(invited - {*taken} - told))
    report.blame("sent twice", sum(number > 1 for number in taken.values()))
