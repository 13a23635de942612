"""Mail, by a real SMTP server: nothing lost, nothing early, and a repeat only after a crash."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import psycopg
import pytest

import emails
from models import OutgoingMail, db, transaction
from models.outgoing_mail import LEASE
from runtime import mailer, smtp
from tests.runtime.delivery import deliver, eventually, listeners
from tests.runtime.mail_server import PATIENCE, Inbox, certificate, ignore, serving


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def server(inbox, port):
    with serving(inbox, port):
        yield inbox


@pytest.fixture
def worker(sender, query):
    """The worker that runs in each web process, waiting for mail."""
    stop = mailer.start(sender, emails.render)
    eventually(lambda: listeners(query))
    yield
    stop()


# --- in time, and not early -----------------------------------------------------------------------------------


def test_a_mail_is_delivered_with_the_link_that_works(server, sender, invite, browser, rows):
    invite()
    deliver(sender)
    body = server.mails[0].get_body(("plain",)).get_content()
    path = next(word for word in body.split() if "/invitations/" in word).removeprefix("http://localhost")
    visitor = browser()
    visitor.get(path)
    assert "Join Northfield" in visitor.get("/invitation").text
    assert rows("state", "attempts", "last_error") == [("sent", 1, None)]


def test_what_was_rolled_back_is_not_mailed(app, server, sender, northfield):
    with northfield.inside(app), suppress(ZeroDivisionError), transaction():
        OutgoingMail.queue("password_changed", northfield.owner.id)
        db.session.flush()
        assert deliver(sender) == 0  # nobody sees it before the commit
        raise ZeroDivisionError
    assert deliver(sender) == 0
    assert server.mails == []


def test_a_mail_is_sent_once(server, sender, invite):
    invite(3)
    assert (deliver(sender), deliver(sender)) == (3, 0)
    assert len(server.mails) == 3


def test_no_transaction_is_open_while_smtp_talks(app, server, sender, invite, settings):
    seen = []

    def look(_mail):
        with psycopg.connect(settings.database_url) as connection:
            others = "datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
            seen.extend(connection.execute(f"SELECT state, query FROM pg_stat_activity WHERE {others}").fetchall())
            seen.append("looked")

    server.on_data = look
    invite()
    deliver(sender)
    assert seen == ["looked"]


def test_a_revoked_invitation_is_dropped(server, sender, invite, query, rows):
    invite()
    query("UPDATE invitations SET revoked_at = now()")
    deliver(sender)
    assert (server.mails, rows("state")) == ([], [("dropped",)])


# --- trouble with the mail server -----------------------------------------------------------------------------


def test_a_server_that_is_down_delays_mail_and_loses_none(inbox, port, sender, invite, rows, make_due):
    invite(3)
    deliver(sender)
    assert [row[:2] for row in rows("state", "attempts", "last_error")] == [("queued", 1)] * 3
    assert all("refused" in error for (error,) in rows("last_error"))
    make_due()
    with serving(inbox, port):
        deliver(sender)
    assert sorted(inbox.recipients()) == [f"ana{n}@example.com" for n in range(3)]
    assert rows("state", "last_error") == [("sent", None)] * 3


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_not_now_means_later(server, sender, invite, rows, make_due, command):
    server.answers[command] = "451 4.7.1 Greylisted, try again"
    invite()
    deliver(sender)
    [(state, error, waits)] = rows("state", "last_error", "due_at > now() + interval '7 seconds'")
    assert (state, error, waits) == ("queued", "451 4.7.1 Greylisted, try again", True)
    server.answers.clear()
    make_due()
    deliver(sender)
    assert len(server.mails) == 1


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_never_means_never_and_says_why(server, sender, invite, rows, command):
    server.answers[command] = "550 5.1.1 No such person"
    invite()
    deliver(sender)
    assert rows("state", "attempts", "last_error") == [("failed", 1, "550 5.1.1 No such person")]


def test_a_sender_that_is_refused_is_the_hosts_to_mend(server, sender, invite, rows):
    server.answers["MAIL"] = "550 5.7.1 Not your address"
    invite()
    deliver(sender)
    assert rows("state", "last_error") == [("queued", "550 5.7.1 Not your address")]


def test_the_wait_grows_and_ends(inbox, sender, invite, query, rows, make_due):
    invite()
    waits = []
    for attempts in (1, 3, 50):
        query("UPDATE outgoing_mail SET attempts = %(n)s, due_at = clock_timestamp()", n=attempts - 1)
        deliver(sender)
        waits.append(float(rows("extract(epoch FROM due_at - clock_timestamp())")[0][0]))
    for wait, expected in zip(waits, (10, 40, mailer.LONGEST_RETRY), strict=True):
        assert expected * 0.6 < wait < expected * 1.3
    query("UPDATE outgoing_mail SET created_at = now() - interval '4 days', due_at = clock_timestamp()")
    deliver(sender)
    assert rows("state") == [("failed",)]


def test_trouble_after_the_server_took_it_is_no_reason_to_send_it_again(server, sender, invite, rows):
    server.answers["QUIT"] = "421 4.3.2 Shutting down"
    invite()
    deliver(sender)
    assert (len(server.mails), rows("state")) == (1, [("sent",)])


def test_a_mail_that_cannot_be_written_stops_no_other(app, server, sender, invite, rows, northfield, caplog):
    with northfield.inside(app), transaction():
        OutgoingMail.queue("of a newer version", northfield.owner.id)
    invite()
    deliver(sender)
    assert rows("state") == [("queued",), ("sent",)]
    assert "of a newer version" in rows("last_error")[0][0]


# --- crashes and crowds ---------------------------------------------------------------------------------------


def test_several_workers_deliver_each_mail_once(server, sender, invite, rows):
    invite(40)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: deliver(sender), range(4)))
    assert len({mail["Message-ID"] for mail in server.mails}) == len(server.mails) == 40
    assert set(rows("state", "attempts")) == {("sent", 1)}


ROOT = Path(__file__).parents[2]
WORKER = """
import json, sys, threading
import emails
from app import create_app
from config import Settings
from runtime import mailer
mailer.run(create_app(Settings(**json.loads(sys.argv[1]))), emails.render, threading.Event())
"""


def test_a_killed_workers_mail_is_sent_by_another_as_the_same_mail(server, sender, invite, rows, make_due):
    invite()
    reached, never = threading.Event(), threading.Event()
    first = []

    def hang(mail):
        first.append(mail["Message-ID"])
        reached.set()
        never.wait(PATIENCE)

    server.on_data = hang
    chosen = json.dumps(asdict(sender.config["SETTINGS"]))
    victim = subprocess.Popen([sys.executable, "-c", WORKER, chosen], cwd=ROOT)
    assert reached.wait(PATIENCE)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert deliver(sender) == 0  # its lease still runs
    assert rows("state", "attempts") == [("queued", 1)]
    server.on_data = ignore
    make_due()
    deliver(sender)
    never.set()
    assert rows("state", "attempts") == [("sent", 2)]
    assert first[0] in {mail["Message-ID"] for mail in server.mails}
    assert len({mail["Message-ID"] for mail in server.mails}) == 1


def test_the_lease_outlasts_the_slowest_conversation():
    assert LEASE.total_seconds() > smtp.WHOLE


# --- the worker in the background -----------------------------------------------------------------------------


def test_the_worker_is_woken_by_the_commit(server, worker, invite, rows):
    for count, name in enumerate(("ana", "ben", "cy"), start=1):
        invite(name=name)
        server.wait_for(count)
        eventually(lambda: {state for (state,) in rows("state")} == {"sent"})


def test_the_worker_survives_its_connection_being_cut(server, worker, invite, query):
    [old] = listeners(query)
    query("SELECT pg_terminate_backend(%(pid)s)", pid=old)
    eventually(lambda: listeners(query) - {old})
    invite()
    server.wait_for(1)


def test_the_worker_survives_all_connections_being_cut_while_it_sends(server, worker, invite, query, make_due):
    everybody = "datname = current_database() AND pid <> pg_backend_pid()"

    def cut(_mail):
        server.on_data = ignore
        query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {everybody}")

    server.on_data = cut
    invite()
    invite(name="ben")
    server.wait_for(2)


def test_the_worker_delivers_what_was_queued_before_it_started(server, invite, sender):
    invite(2)
    stop = mailer.start(sender, emails.render)
    server.wait_for(2)
    stop()


@pytest.mark.parametrize("stopped", [False, True])
def test_a_worker_begins_in_what_is_forked_until_it_is_stopped(sender, query, stopped):
    """A child of ours that was about to run another program took a mail with it, for as long as a lease lasts."""
    stop = mailer.start(sender, emails.render)
    eventually(lambda: listeners(query))
    if stopped:
        stop()
    child = os.fork()
    if not child:
        os._exit(sum(thread.name == "mail" for thread in threading.enumerate()))
    _, status = os.waitpid(child, 0)
    stop()
    assert os.waitstatus_to_exitcode(status) == (0 if stopped else 1)


def test_the_worker_deletes_what_has_expired_in_its_idle_time(sender, northfield, browser, query, monkeypatch):
    browser(northfield.viewer)
    browser(northfield.owner)
    query("UPDATE sessions SET expire = now() WHERE user_id = %(id)s", id=northfield.viewer.id)
    monkeypatch.setattr(mailer, "TIDY_EVERY", 0.0)
    stop = mailer.start(sender, emails.render)
    eventually(lambda: query("SELECT user_id FROM sessions") == [(northfield.owner.id,)])
    stop()


# --- secrets, and hosts without a server ----------------------------------------------------------------------


def test_encrypted_and_logged_in_where_the_server_can(inbox, port, app_with, invite):
    options = {"tls_context": certificate(), "authenticator": inbox.log_in, "auth_required": True}
    with serving(inbox, port, **options):
        invite()
        deliver(app_with(smtp_url=f"smtp://me%40example.org:let%20me%20in@127.0.0.1:{port}"))
    assert inbox.logins == [("me@example.org", "let me in", True)]
    assert inbox.encrypted == [True]


def test_a_wrong_password_is_the_hosts_to_mend(inbox, port, app_with, invite, rows):
    options = {"tls_context": certificate(), "authenticator": inbox.log_in, "auth_required": True}
    with serving(inbox, port, **options):
        invite()
        deliver(app_with(smtp_url=f"smtp://me:wrong@127.0.0.1:{port}"))
    [(state, error)] = rows("state", "last_error")
    assert state == "queued"
    assert error.startswith("535")


def test_encrypted_from_the_first_byte(inbox, port, app_with, invite):
    with serving(inbox, port, ssl_context=certificate()):
        invite()
        deliver(app_with(smtp_url=f"smtps://127.0.0.1:{port}"))
    assert inbox.encrypted == [True]


ELSEWHERE = "127.0.0.2"  # on this machine too, but not by a name that says so
needs_elsewhere = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8")


@needs_elsewhere
def test_a_password_never_travels_readable(inbox, port, app_with, invite, rows):
    options = {"authenticator": inbox.log_in, "auth_require_tls": False}
    with serving(inbox, port, ELSEWHERE, **options):
        invite()
        deliver(app_with(smtp_url=f"smtp://me:secret@{ELSEWHERE}:{port}"))
    assert (inbox.logins, inbox.mails) == ([], [])
    assert rows("state", "last_error")[0] == ("queued", "the server offers no STARTTLS, so the password was not sent")


@needs_elsewhere
@pytest.mark.parametrize(("scheme", "how"), [("smtp", "tls_context"), ("smtps", "ssl_context")])
def test_a_server_that_cannot_prove_its_name_gets_nothing(inbox, port, app_with, invite, rows, scheme, how):
    with serving(inbox, port, ELSEWHERE, **{how: certificate()}):
        invite()
        deliver(app_with(smtp_url=f"{scheme}://{ELSEWHERE}:{port}"))
    [(state, error)] = rows("state", "last_error")
    assert inbox.mails == []
    assert state == "queued"
    assert "certificate verify failed" in error


def test_in_development_without_a_server_the_console_shows_the_mail(app, invite, rows, caplog):
    invite()
    deliver(app)
    assert "http://localhost/invitations/" in caplog.text
    assert rows("state") == [("sent",)]


@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_host_without_a_server_says_so_and_logs_no_link(app_with, invite, rows, caplog, environment):
    host = app_with(smtp_url="none", email_verification="off", freehold_env=environment)
    invite()
    with caplog.at_level(logging.DEBUG):
        deliver(host)
    assert rows("state", "last_error") == [("failed", "This host sends no mail (SMTP_URL=none).")]
    assert "/invitations/" not in caplog.text
