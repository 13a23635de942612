"""Sessions in Postgres: what is read, what is written, and that the table gives nobody away."""

import json

import pytest
from flask import session

from models import User, db


def test_a_signed_in_request_reads_once_and_writes_nothing(northfield, browser, statements):
    hana = browser(northfield.viewer)
    with statements() as sent:
        hana.get("/account")
    assert len(sent) == 1
    assert not sent.writes


def test_the_last_seen_time_is_written_when_it_is_five_minutes_old(northfield, browser, query):
    hana = browser(northfield.viewer)
    query("UPDATE sessions SET last_seen_at = now() - interval '6 minutes', expire = now() + interval '1 hour'")
    hana.get("/account")
    row = query("SELECT now() - last_seen_at < '1 minute', expire > now() + interval '6 days' FROM sessions")
    assert row == [(True, True)]


def test_a_session_that_keeps_nothing_lives_on_when_it_is_touched(northfield, browser, query):
    hana = browser(northfield.viewer)
    query("UPDATE sessions SET sess = '{}', last_seen_at = now() - interval '6 minutes'")
    hana.get("/account")
    assert query("SELECT count(*) FROM sessions") == [(1,)]


def test_a_session_never_outlives_its_longest_life(northfield, browser, query):
    hana = browser(northfield.viewer)
    query("UPDATE sessions SET created_at = now() - interval '29 days', last_seen_at = now() - interval '1 day'")
    hana.get("/account")
    assert query("SELECT expire < now() + interval '1 day 1 minute' FROM sessions") == [(True,)]


def test_an_expired_session_is_logged_out(northfield, browser, query):
    hana = browser(northfield.viewer)
    query("UPDATE sessions SET expire = now()")
    answer = hana.get("/account")
    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=")


def test_a_raised_credential_epoch_ends_every_session(northfield, browser, query):
    hana = browser(northfield.viewer)
    query("UPDATE users SET credential_epoch = credential_epoch + 1")
    assert hana.get("/account").status_code == 302


def test_a_deactivated_account_is_logged_out_at_once(northfield, browser, query):
    hana = browser(northfield.viewer)
    query("UPDATE users SET deactivated_at = now() WHERE id = %(id)s", id=northfield.viewer.id)
    assert hana.get("/account").status_code == 302


def test_nothing_in_the_table_works_as_a_cookie(northfield, browser, query):
    browser(northfield.viewer)
    for value in json.loads(query("SELECT json_agg(s)::text FROM sessions s")[0][0])[0].values():
        thief = browser()
        thief.client.set_cookie("session", str(value).replace(";", ""))
        assert thief.get("/account").status_code == 302


def test_a_row_planted_with_a_guessed_id_is_no_session(northfield, browser, query):
    browser(northfield.viewer)
    query("UPDATE sessions SET sid = 'planted'")
    thief = browser()
    thief.client.set_cookie("session", "planted")
    assert thief.get("/account").status_code == 302


def test_an_id_that_we_did_not_issue_is_never_adopted(app):
    with app.test_request_context(headers={"Cookie": "session=chosen-by-somebody"}):
        app.preprocess_request()
        assert session.sid is None


def test_a_session_that_was_ended_during_a_request_does_not_come_back(app, northfield, browser, query):
    hana = browser(northfield.viewer)
    with app.test_request_context(headers={"Cookie": f"session={hana.cookie('session')}"}):
        app.preprocess_request()
        query("DELETE FROM sessions")
        session["changed"] = True
        app.process_response(app.make_response("done"))
    assert query("SELECT count(*) FROM sessions") == [(0,)]


def test_what_a_view_left_uncommitted_is_not_saved_with_the_session(app, northfield, browser, query):
    hana = browser(northfield.viewer)
    with app.test_request_context(headers={"Cookie": f"session={hana.cookie('session')}"}):
        app.preprocess_request()
        db.session.get_one(User, northfield.viewer.id).name = "Half Done"
        session["changed"] = True
        app.process_response(app.make_response("done"))
    assert query("SELECT sess ->> 'changed' FROM sessions") == [("true",)]
    assert query("SELECT count(*) FROM users WHERE name = 'Half Done'") == [(0,)]


@pytest.mark.parametrize("cookie", ["x" * 3900, "ä", "a b", "\x7f", "'; DROP TABLE users"])
def test_an_odd_cookie_is_nobody(browser, cookie):
    visitor = browser()
    visitor.client.set_cookie("session", cookie)
    assert visitor.get("/account").status_code == 302


def test_expired_rows_are_removed_by_command(app, northfield, browser, query):
    browser(northfield.viewer)
    browser(northfield.owner)
    query("UPDATE sessions SET expire = now() WHERE user_id = %(id)s", id=northfield.viewer.id)
    app.test_cli_runner().invoke(args=["session_cleanup"])
    assert query("SELECT count(*) FROM sessions") == [(1,)]
