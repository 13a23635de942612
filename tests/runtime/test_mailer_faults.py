"""Mail servers that fail at every word, and workers that are killed at every step: nothing lost, hardly a repeat."""

import re
import signal
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from email import message_from_bytes, policy

import psycopg
import pytest

from models.outgoing_mail import GIVE_UP
from runtime import mailer, smtp
from tests.browser.server import Server
from tests.runtime.delivery import deliver, eventually, listeners, worker_process
from tests.runtime.mail_server import PATIENCE, free_port
from tests.runtime.rude_mail_server import STEPS, Rude, RudeServer


@pytest.fixture
def server():
    with RudeServer() as running:
        yield running


@pytest.fixture
def port(server):
    return server.port


@pytest.fixture
def impatient(monkeypatch):
    """One second for a word, two for the whole conversation."""
    monkeypatch.setattr(smtp, "WORD", 1.0)
    monkeypatch.setattr(smtp, "WHOLE", 2.0)


@pytest.fixture
def now_due(query):
    """End the leases and the waits of what is still to be sent."""
    return lambda: query("UPDATE outgoing_mail SET due_at = clock_timestamp() WHERE state = 'queued'")


@pytest.fixture
def mended(server, sender, now_due, rows):
    """mended() -> the mails that the server has taken once it works again and everything was due once more."""

    def deliver_again():
        server.answers.clear()
        now_due()
        deliver(sender)
        assert rows("state", "last_error IS NULL") in ([("sent", True)], [("failed", False)])
        return server.mails

    return deliver_again


@pytest.fixture
def waits(rows):
    """waits() -> (state, what the server said) of the only mail, which is tried again in 8 to 12 seconds."""

    def look():
        [(state, said, attempts, wait)] = rows(
            "state", "last_error", "attempts", "extract(epoch FROM due_at - clock_timestamp())"
        )
        assert attempts == 1
        assert 0 < wait <= 12
        return state, said

    return look


@pytest.fixture
def pending_list(browser, northfield):
    """pending_list() -> the page with the invitations that wait, as their sender sees it."""
    return lambda: browser(northfield.owner).get("/orgs/northfield/people/invitations").text


def link(mail):
    body = message_from_bytes(mail, policy=policy.default).get_body(("plain",)).get_content()
    return re.findall(r"http://localhost/invitations/\S+", body)


def undated(mail):
    return re.sub(rb"^Date: .*\r\n", b"", mail, count=1, flags=re.MULTILINE)


def same_mail(mails):
    """True if all are one mail, byte by byte but for the date, with one working link."""
    return len({undated(mail) for mail in mails}) == 1 and len(link(mails[0])) == 1


# --- refusals -------------------------------------------------------------------------------------------------

HOSTS_TO_MEND = [
    ("banner", "421"),
    ("banner", "554"),
    ("EHLO", "421"),
    ("EHLO", "550"),
    ("MAIL", "451"),
    ("MAIL", "553"),
]
NOT_NOW = [(step, code) for step in ("RCPT", "DATA", "text") for code in ("421", "451")]
NEVER = [(step, "554") for step in ("RCPT", "DATA", "text")]


@pytest.mark.parametrize(("step", "code"), HOSTS_TO_MEND + NOT_NOW)
def test_a_refusal_that_may_pass_delays_the_mail(server, sender, invite, waits, mended, step, code):
    said = f"{code} 4.3.2 Not by me"
    server.answers |= {step: said, "HELO": said if step == "EHLO" else "250 OK"}
    invite()
    deliver(sender)
    assert (server.mails, waits()) == ([], ("queued", said))
    assert len(mended()) == 1


@pytest.mark.parametrize(("step", "code"), NEVER)
def test_a_refusal_for_good_is_kept_in_the_servers_words(server, sender, invite, rows, mended, step, code):
    server.answers[step] = f"{code} 5.7.1 No"
    invite()
    deliver(sender)
    assert rows("state", "last_error", "attempts") == [("failed", f"{code} 5.7.1 No", 1)]
    assert mended() == []


def test_what_was_not_sent_is_seen_in_the_list(server, sender, invite, pending_list):
    for name, answer in (("ana", "451 Later, says the server"), ("ben", "550 Nobody here, says the server")):
        server.answers["RCPT"] = answer
        invite(name=name)
        deliver(sender)
    page = pending_list()
    assert re.search(r"ana0@.*?Delayed.*?451 Later, says the server", page, re.DOTALL)
    assert re.search(r"ben0@.*?Not delivered.*?550 Nobody here, says the server", page, re.DOTALL)


def test_a_server_of_long_ago_is_fine(server, sender, invite, rows):
    server.answers["EHLO"] = "502 What is EHLO?"
    invite()
    deliver(sender)
    assert (len(server.mails), rows("state")) == (1, [("sent",)])


def test_nobody_listens(server, app_with, invite, waits, mended):
    invite()
    deliver(app_with(smtp_url=f"smtp://127.0.0.1:{free_port()}"))
    state, said = waits()
    assert (state, "refused" in said) == ("queued", True)
    assert len(mended()) == 1


# --- silence and broken lines ---------------------------------------------------------------------------------

IN_TIME = 15  # seconds on a busy machine; the server would hold the line for ever

BEFORE_IT_IS_TAKEN = STEPS[: STEPS.index("QUIT")]


@pytest.mark.parametrize("step", BEFORE_IT_IS_TAKEN)
def test_a_silent_server_is_left_in_time(server, sender, invite, impatient, waits, mended, step):
    server.answers[step] = Rude.HANG
    invite()
    started = time.monotonic()
    deliver(sender)
    assert time.monotonic() - started < IN_TIME
    state, said = waits()
    assert (state, "timed out" in said) == ("queued", True)
    assert len(mended()) == 1


@pytest.mark.parametrize("step", ["banner", "text"])
def test_a_dripping_server_is_left_in_time(server, sender, invite, impatient, waits, mended, step):
    server.answers[step] = Rude.DRIP
    invite()
    started = time.monotonic()
    deliver(sender)
    assert 1.5 < time.monotonic() - started < IN_TIME
    assert waits()[0] == "queued"
    assert len(mended()) == 1


@pytest.mark.parametrize("step", BEFORE_IT_IS_TAKEN)
def test_a_lost_line_loses_no_mail(server, sender, invite, waits, mended, step):
    server.answers |= {step: Rude.DROP, "HELO": Rude.DROP}
    invite()
    deliver(sender)
    assert waits()[0] == "queued"
    assert len(mended()) == 1


GARBAGE = {
    "zeros": b"\0\0\0 \xff\xfe\x1b[2J\r\n",
    "web": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "endless": b"250 " + b"x" * 10_000 + b"\r\n",
    "cut": b"25\r\n",
    "controls": "550-Ab\0solutely\r\n550 \u202enot\r\n".encode(),
}


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("step", BEFORE_IT_IS_TAKEN)
def test_garbage_harms_neither_mail_nor_worker(server, sender, invite, rows, mended, step, garbage):
    server.answers |= {step: GARBAGE[garbage]} | ({"HELO": GARBAGE[garbage]} if step == "EHLO" else {})
    invite()
    deliver(sender)
    [(state, said, attempts)] = rows("state", "last_error", "attempts")
    refused = garbage == "controls" and step in ("RCPT", "DATA", "text")
    assert (state, attempts, server.mails) == ("failed" if refused else "queued", 1, [])
    assert said.isprintable()
    assert len(mended()) == (0 if refused else 1)


@pytest.mark.parametrize("answer", [Rude.DROP, Rude.HANG, "554 No", b"\0garbage\r\n"], ids=str)
def test_after_the_mail_was_taken_nothing_sends_it_again(server, sender, invite, rows, mended, answer):
    server.answers["QUIT"] = answer
    invite()
    started = time.monotonic()
    deliver(sender)
    assert time.monotonic() - started < IN_TIME
    assert rows("state", "last_error") == [("sent", None)]
    assert len(mended()) == 1


@pytest.mark.parametrize("answer", [Rude.TAKE_AND_DROP, Rude.TAKE_AND_HANG])
def test_a_mail_taken_without_a_word_is_repeated_as_the_same(server, sender, invite, impatient, waits, mended, answer):
    server.answers["text"] = answer
    invite()
    deliver(sender)
    assert (len(server.mails), waits()[0]) == (1, "queued")
    assert len(mended()) == 2
    assert same_mail(server.mails)


@pytest.mark.parametrize("answer", ["454 No keys today", "501 No", Rude.BROKEN_TLS, Rude.DROP, Rude.HANG])
def test_where_encryption_fails_nothing_is_sent_readable(server, sender, invite, impatient, waits, mended, answer):
    server.answers["STARTTLS"] = answer
    invite()
    deliver(sender)
    state, said = waits()
    assert (state, bool(said), "MAIL" in server.heard) == ("queued", True, False)
    assert len(mended()) == 1


# --- killed workers -------------------------------------------------------------------------------------------


class Gate:
    """A step of the server where a worker is kept until the test has done with it."""

    def __init__(self, then=None):
        self.reached, self.left, self._then = threading.Event(), threading.Event(), then

    def __call__(self):
        self.reached.set()
        self.left.wait(PATIENCE)
        return self._then


@pytest.fixture
def kill_when(sender):
    """kill_when(true) -> a worker process is started, and killed as soon as that is true."""

    def start_and_kill(true):
        with worker_process(sender.config["SETTINGS"]) as victim:
            eventually(true)
            victim.kill()
            victim.wait()

    return start_and_kill


@contextmanager
def locked(settings, statement):
    with psycopg.connect(settings.database_url) as holder:
        holder.execute(statement)
        yield
        holder.rollback()


@pytest.fixture
def taken_over(sender, server, query, now_due):
    """taken_over() -> the mails that the server has, after the dead worker's lease ended and another did its work."""

    def finish():
        assert deliver(sender) == 0  # the lease still runs
        eventually(lambda: query("SELECT 1 FROM outgoing_mail FOR UPDATE SKIP LOCKED"))
        now_due()
        server.answers.clear()
        deliver(sender)
        assert query("SELECT state, attempts FROM outgoing_mail") == [("sent", 2)]
        return server.mails

    return finish


def test_killed_after_the_claim(settings, invite, kill_when, somebody_waits, taken_over):
    invite()
    with locked(settings, "LOCK TABLE invitations"):
        kill_when(somebody_waits)
    assert len(taken_over()) == 1


@pytest.mark.parametrize("step", ["banner", "EHLO", "RCPT", "DATA"])
def test_killed_before_the_server_has_the_mail(server, invite, kill_when, taken_over, step):
    invite()
    server.answers[step] = gate = Gate()
    kill_when(gate.reached.is_set)
    gate.left.set()
    assert len(taken_over()) == 1


@pytest.mark.parametrize(("then", "count"), [(Rude.DROP, 1), (Rude.TAKE_AND_DROP, 2), (None, 2)])
def test_killed_before_the_server_said_yes(server, invite, kill_when, taken_over, then, count):
    """Whether it was taken only the server knows; if it was, the mail is repeated as the same."""
    invite()
    server.answers["text"] = gate = Gate(then)
    kill_when(gate.reached.is_set)
    gate.left.set()
    eventually(lambda: len(server.mails) == count - 1)
    assert len(taken_over()) == count
    assert same_mail(server.mails)


def test_killed_between_the_servers_yes_and_our_commit(server, settings, invite, kill_when, somebody_waits, taken_over):
    invite()
    with ExitStack() as held:

        def hold():
            held.enter_context(locked(settings, "SELECT 1 FROM outgoing_mail FOR UPDATE"))

        server.answers["text"] = hold
        kill_when(lambda: server.mails and somebody_waits())
    assert len(taken_over()) == 2
    assert same_mail(server.mails)


def test_killed_after_our_commit(server, sender, invite, kill_when, rows, mended):
    invite()
    kill_when(lambda: rows("state") == [("sent",)])
    assert len(mended()) == 1
    assert rows("state", "attempts") == [("sent", 1)]


def test_a_worker_that_overslept_its_lease_does_not_undo_what_another_did(server, sender, invite, query, rows):
    def meanwhile():
        query("UPDATE outgoing_mail SET state = 'sent', attempts = 2")
        return "554 You have sent that already"

    server.answers["text"] = meanwhile
    invite()
    deliver(sender)
    assert rows("state", "last_error") == [("sent", None)]


# --- crowds, and the end of a worker --------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 3])
def test_worker_processes_share_the_work(server, sender, invite, rows, count):
    invite(60)
    with ExitStack() as running:
        for _ in range(count):
            running.enter_context(worker_process(sender.config["SETTINGS"]))
        eventually(lambda: set(rows("state", "attempts")) == {("sent", 1)})
    assert len(server.mails) == len({message_from_bytes(mail)["Message-ID"] for mail in server.mails}) == 60


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_stopped_finishes_the_mail_in_hand(server, sender, invite, rows, stop):
    invite(30)
    server.answers["text"] = gate = Gate()
    with worker_process(sender.config["SETTINGS"]) as worker:
        assert gate.reached.wait(PATIENCE)
        worker.send_signal(stop)
        gate.left.set()
        assert worker.wait(PATIENCE) == 0
    states = rows("state", "attempts")
    assert set(states) == {("sent", 1), ("queued", 0)}
    assert states.count(("sent", 1)) == len(server.mails)


def test_an_idle_worker_stops_at_once(sender, query):
    with worker_process(sender.config["SETTINGS"]) as worker:
        eventually(lambda: listeners(query))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE) == 0


def test_a_silent_mail_server_holds_up_no_page(server, settings, invite, rows):
    """With one process: its mail worker waits for the server in the same thread that answers requests."""
    server.answers["text"] = gate = Gate()
    web = Server(settings.database_url, free_port(), f"smtp://127.0.0.1:{server.port}")
    web._environment["WEB_PROCESSES"] = "1"
    invite()
    with web:
        assert gate.reached.wait(PATIENCE)
        for _ in range(20):
            with urllib.request.urlopen(f"{web.url}/login", timeout=3) as page:
                assert page.status == 200
        assert rows("state", "attempts") == [("queued", 1)]
        gate.left.set()
        eventually(lambda: rows("state", "attempts") == [("sent", 1)])
    assert len(server.mails) == 1


# --- the waits ------------------------------------------------------------------------------------------------


def test_the_wait_doubles_with_jitter_up_to_a_quarter_of_an_hour(server, sender, invite, query, rows):
    server.answers["banner"] = "421 Too busy"
    invite(10)
    for attempts in (1, 2, 5, 9, 40):
        query("UPDATE outgoing_mail SET attempts = %(n)s, due_at = clock_timestamp()", n=attempts - 1)
        deliver(sender)
        seconds = [float(wait) for (wait,) in rows("extract(epoch FROM due_at - clock_timestamp())")]
        middle = min(mailer.FIRST_RETRY * 2 ** (attempts - 1), mailer.LONGEST_RETRY)
        assert all(middle * 0.8 - 3 < wait < middle * 1.2 for wait in seconds)
        assert max(seconds) - min(seconds) > middle / 100


@pytest.mark.parametrize(("age", "state"), [(GIVE_UP * 0.99, "queued"), (GIVE_UP * 1.01, "failed")])
def test_it_is_given_up_after_days_with_the_last_words(server, sender, invite, query, pending_list, age, state):
    server.answers["RCPT"] = "451 Mailbox full, says the server"
    invite()
    query("UPDATE outgoing_mail SET created_at = clock_timestamp() - %(age)s, due_at = clock_timestamp()", age=age)
    deliver(sender)
    assert query("SELECT state FROM outgoing_mail") == [(state,)]
    page = pending_list()
    assert "451 Mailbox full, says the server" in page
    assert (">Not delivered</span>" in page) == (state == "failed")
