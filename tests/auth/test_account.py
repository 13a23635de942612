"""One's own account: name, looks, password, and what they end."""

import re

import pytest

from models import housekeeping
from tests.browser_like import without_tokens
from tests.factories import PASSWORD, make_user

NEW = "a brand new sailing boat"


@pytest.fixture
def hana(app):
    with app.app_context():
        return make_user("Hana Reyes-Okafor", "hana.reyes@example.org")


def change(person, **fields):
    return person.post("/account/security", **{"current_password": PASSWORD, "password": NEW, **fields})


@pytest.mark.parametrize("path", ["/account", "/account/security"])
def test_a_visitor_logs_in_first(browser, path):
    assert browser().get(path).location == f"/login?next={path}"
    assert browser().post(path).location == "/login?next=/orgs"
    assert browser().get(path, hx=True).status_code == 401


@pytest.mark.parametrize(("path", "number"), [("/account", 1), ("/account/security", 3)])
def test_a_page_takes_the_gates_statement_and_its_own(browser, hana, statements, path, number):
    person = browser(hana)
    with statements() as sent:
        page = person.get(path)
    assert page.status_code == 200
    assert len(sent) == number
    assert page.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/account", "/account/security"])
def test_the_fragment_is_part_of_the_page(browser, hana, path):
    person = browser(hana)
    fragment, page = (without_tokens(person.get(path, hx=hx).text) for hx in (True, False))
    assert fragment.strip() in page


def test_a_name_is_changed(browser, hana, query):
    person = browser(hana)
    answer = person.post("/account", name="  Hana R. Okafor ")
    assert (answer.status_code, answer.location) == (303, "/account")
    page = person.get("/account").text
    assert "Name changed." in page
    assert 'value="Hana R. Okafor"' in page
    assert query("SELECT name, version FROM users") == [("Hana R. Okafor", 2)]


def test_a_changed_name_moves_the_whole_page_because_its_head_shows_it(browser, hana):
    answer = browser(hana).post("/account", hx=True, name="Hana R.")
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/account")


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "Hana\0", "Hana\nReyes", "\ufffd", "\u202eanaH"])
@pytest.mark.parametrize("hx", [False, True])
def test_a_name_that_cannot_be_is_refused_with_the_form(browser, hana, query, name, hx):
    answer = browser(hana).post("/account", hx=hx, name=name)
    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text
    assert query("SELECT name FROM users") == [("Hana Reyes-Okafor",)]


def test_a_stale_name_form_keeps_what_was_typed(browser, hana, query):
    answer = browser(hana).post("/account", name="Hana R.", token="stale")
    assert answer.status_code == 422
    assert 'value="Hana R."' in answer.text
    assert query("SELECT name FROM users") == [("Hana Reyes-Okafor",)]


def test_a_password_is_changed_by_the_present_one(browser, hana):
    person = browser(hana)
    answer = change(person)
    assert (answer.status_code, answer.location) == (303, "/account/security")
    assert "Password changed. Other devices were logged out." in person.get("/account/security").text
    assert browser().post("/login", email=hana.email, password=NEW).status_code == 303
    assert browser().post("/login", email=hana.email, password=PASSWORD).status_code == 422


def test_changing_it_gives_this_browser_a_new_id_and_ends_all_others(browser, hana, query):
    here, others = browser(hana), [browser(hana) for _ in range(5)]
    before = here.cookie("session")
    change(here)
    assert here.cookie("session") != before
    assert [person.get("/account").status_code for person in others] == [302] * 5
    assert query("SELECT count(*) FROM sessions") == [(1,)]
    here.client.set_cookie("session", before)
    assert here.get("/account").status_code == 302


def test_the_owner_is_told(browser, hana, mails):
    change(browser(hana))
    assert [(mail["To"], mail["Subject"]) for mail in mails()] == [(hana.email, "Your password was changed")]


def test_nobody_elses_session_ends(browser, northfield):
    other = browser(northfield.owner)
    change(browser(northfield.viewer))
    assert other.get("/account").status_code == 200


@pytest.mark.parametrize("hx", [False, True])
def test_a_wrong_present_password_is_refused_at_its_field(browser, hana, query, hx):
    person = browser(hana)
    answer = person.post("/account/security", hx=hx, current_password="not it", password=NEW)
    assert answer.status_code == 422
    assert 'id="current_password-error"' in answer.text
    assert NEW not in answer.text
    assert query("SELECT credential_epoch FROM users") == [(1,)]
    assert person.get("/account").status_code == 200


BAD = {
    "nothing": {"current_password": "", "password": ""},
    "short": {"password": "eleven chrs"},
    "too long": {"password": "abcde" * 205},
    "present one too long": {"current_password": "x" * 1025},
    "one's name": {"password": "HANA Reyes-Okafor"},
    "one's address": {"password": "hana.reyes@example.org"},
    "stale token": {"token": "stale"},
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD.keys())
def test_bad_input_gets_the_form_again(browser, hana, query, fields):
    answer = change(browser(hana), **fields)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert query("SELECT credential_epoch FROM users") == [(1,)]


def test_a_change_that_was_overtaken_by_another_is_refused(app, browser, hana, query, monkeypatch):
    person = browser(hana)

    def slow_hash(_password):
        query("UPDATE users SET password_hash = 'newer', credential_epoch = 2")
        return "ours"

    monkeypatch.setattr("blueprints.auth.account.hash_password", slow_hash)
    assert change(person).status_code == 422
    assert query("SELECT password_hash, credential_epoch FROM users") == [("newer", 2)]


def test_password_managers_find_the_form(browser):
    answer = browser().get("/.well-known/change-password")
    assert (answer.status_code, answer.location) == (303, "/account/security")


def test_what_has_expired_is_pruned_and_nothing_else(app, browser, hana, query):
    for person in (browser(), browser()):
        person.post("/signup", email="new@example.org", name="New", password=NEW)
        person.post("/forgot-password", email=hana.email)
    browser(hana), browser(hana)
    for table, column, age in (("sessions", "expire", "2 hours"), ("signups", "expires_at", "25 hours")):
        first = f"(SELECT min(id::text)::uuid FROM {table})"
        query(f"UPDATE {table} SET {column} = now() - interval '{age}' WHERE id = {first}")
    query("UPDATE one_time_tokens SET used_at = now() - interval '25 hours' WHERE used_at IS NOT NULL")
    query("UPDATE outgoing_mail SET state = 'sent', due_at = now() - interval '31 days' WHERE message = 'signup'")
    with app.app_context():
        gone = {what: count for what, count in housekeeping.prune().items() if count}
        assert gone == {"sessions": 1, "sign-ups": 1, "links": 1, "mails": 2}
        assert set(housekeeping.prune().values()) == {0}


def test_pruning_takes_more_than_one_batch(app, hana, query, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 10)
    query("""
        INSERT INTO sessions (sid, sess, expire, user_id, credential_epoch)
        SELECT n::text, '{}', now() - interval '1 second', id, 1 FROM users, generate_series(1, 35) n
    """)
    with app.app_context():
        assert housekeeping.prune()["sessions"] == 35


def test_the_command_says_what_it_pruned(app):
    answer = app.test_cli_runner().invoke(args=["prune"])
    assert answer.exit_code == 0, answer.output
    everything = ["sessions", "sign-ups", "known browsers", "links", "changes of email", "mails", "farewells"]
    everything += ["rate limits", "idempotency keys", "counts of refusals", "organizations"]
    assert answer.output.splitlines() == [f"0 {what}" for what in everything]


def test_the_sessions_command_of_flask_session_works(app, browser, hana, query):
    browser(hana)
    query("UPDATE sessions SET expire = now() - interval '1 second'")
    assert app.test_cli_runner().invoke(args=["session_cleanup"]).exit_code == 0
    assert query("SELECT count(*) FROM sessions") == [(0,)]


def test_nobody_elses_name_is_changed(browser, northfield, query):
    browser(northfield.viewer).post("/account", name="Hana R.")
    assert query("SELECT count(*) FROM users WHERE name = 'Hana R.'") == [(1,)]


@pytest.mark.parametrize(("theme", "shown"), [("dark", "dark"), ("light", "light"), ("", None), ("plaid", None)])
def test_a_browser_remembers_its_theme(as_, theme, shown):
    hana, other = as_("viewer"), as_("viewer")
    hana.post("/account/theme", theme="light")
    assert hana.post("/account/theme", theme=theme).location == "/account"
    page = hana.get("/account").text
    assert re.findall(r'<html lang="en" data-theme="(\w+)"', page) == ([shown] if shown else [])
    assert f'value="{shown or ""}" checked' in page
    assert "data-theme" not in other.get("/account").text


ZONES = [("Asia/Kolkata", "IST"), ("Europe/Lisbon", "WE"), ("", "UTC"), ("Mars/Olympus", "UTC"), ("../UTC", "UTC")]


@pytest.mark.parametrize(("zone", "shown"), ZONES)
def test_a_browser_shows_times_in_the_zone_it_chose(as_, zone, shown):
    hana = as_("viewer")
    hana.post("/account/theme", zone="Asia/Kolkata")
    hana.post("/account/theme", zone=zone)
    (title,) = set(re.findall(r'title="[^"]*\d\d:\d\d ([^"]+)"', hana.get("/orgs/northfield/people").text))
    assert title.startswith(shown)


def test_a_day_of_the_audit_log_is_one_of_the_readers_zone(as_, query):
    owner = as_("owner")
    owner.post("/account/theme", zone="Pacific/Kiritimati")  # UTC+14
    assert "Times are those of Pacific/Kiritimati." in owner.get("/orgs/northfield/audit").text
    ((day,),) = query("SELECT (now() AT TIME ZONE 'Pacific/Kiritimati')::date")
    found = owner.get(f"/orgs/northfield/audit?from={day}&to={day}").text
    assert 'id="event-' in found
    owner.post("/account/theme", zone="Pacific/Pago_Pago")  # UTC-11: there, that day has not begun
    assert 'id="event-' not in owner.get(f"/orgs/northfield/audit?from={day}").text


@pytest.mark.parametrize(("density", "shown"), [("compact", "compact"), ("", None), ("dense", None)])
def test_a_browser_remembers_the_density_of_its_lists(as_, density, shown):
    hana = as_("viewer")
    hana.post("/account/theme", theme="dark", density="compact")
    hana.post("/account/theme", theme="dark", density=density)
    page = hana.get("/account").text
    assert re.findall(r'<html [^>]*data-density="(\w+)"', page) == ([shown] if shown else [])
    assert 'data-theme="dark"' in page
