"""`flask users …` and `flask sessions …`: what a host looks up and ends; tests/auth has the closing of accounts."""

from tests.factories import PASSWORD

HANA = "hana.reyes@example.org"


def events(query):
    columns = "action, actor_id, request_id, user_id"
    return query(f"SELECT {columns} FROM audit_events WHERE action LIKE 'account.logged%%' ORDER BY user_id")


def test_people_are_found_by_a_part_of_name_or_address(flask, northfield, query):
    query("UPDATE users SET name = 'Hána Reyes' WHERE id = %(id)s", id=northfield.viewer.id)
    query("UPDATE users SET deactivated_at = '2026-03-01 UTC' WHERE id = %(id)s", id=northfield.guest.id)
    assert flask("users", "find", "HANA") == (0, f"{HANA}  Hána Reyes\n")
    assert flask("users", "find", "lena") == (0, "lena.novak@example.org  Lena Novak  deactivated on 2026-03-01\n")
    assert flask("users", "find", "@example.com") == (0, "mateo@example.com  Mateo Lindqvist\n")
    assert flask("users", "find", "%") == (0, "Nobody.\n")
    assert len(flask("users", "find", "@")[1].splitlines()) == 6


def test_a_long_list_is_cut_and_says_so(flask, northfield, query):
    query("""
        INSERT INTO users (email, email_key, name, password_hash)
        SELECT 'p' || n || '@example.org', 'p' || n || '@example.org', 'Person', '' FROM generate_series(1, 60) n
    """)
    lines = flask("users", "find", "person")[1].splitlines()
    assert (len(lines), lines[-1]) == (51, "… and more.")


def test_a_person_is_shown_with_where_they_belong(flask, browser, northfield, two_step):
    for name in ("viewer", "guest"):
        browser(northfield.person(name))
    two_step(northfield.viewer)
    code, words = flask("users", "show", HANA.upper())
    facts = [" ".join(line.split()) for line in words.splitlines()]
    assert (code, facts[0]) == (0, f"Hana Reyes <{HANA}>")
    assert {"address confirmed", "two-step on", "passkeys 0", "sessions 1"} < set(facts)
    assert facts[-1] == "Northfield (northfield): Viewer"
    assert flask("users", "show", northfield.guest.email)[1].splitlines()[-1] == "  Northfield (northfield): guest"
    assert "$argon2" not in words


def test_who_belongs_nowhere_is_shown_too(flask, browser, query, app):
    browser().post("/signup", email="rosa@example.org", name="Rosa", password=PASSWORD)
    query("""
        INSERT INTO users (email, email_key, name, password_hash)
        VALUES ('rosa@example.org', 'rosa@example.org', 'Rosa', '')
    """)
    words = flask("users", "show", "rosa@example.org")[1]
    assert "not confirmed" in words
    assert words.splitlines()[-1] == "  in no organization"


def test_sessions_are_listed_without_what_works_as_a_cookie(flask, browser, northfield, query):
    hana = browser()
    hana.post("/login", email=HANA, password=PASSWORD)
    code, words = flask("sessions", "list", HANA)
    assert (code, words.endswith("UTC  127.0.0.1  An unknown browser\n")) == (0, True)
    assert query("SELECT sid FROM sessions")[0].sid not in words
    assert flask("sessions", "list", northfield.operator.email) == (0, "Nowhere.\n")


def test_everybody_is_logged_out(flask, browser, northfield, query, link):
    hana, amara = browser(northfield.viewer), browser(northfield.owner)
    browser().post("/forgot-password", email=HANA)
    reset = link()
    assert flask("sessions", "end-all", typed="y\n") == (
        0,
        "Log everybody out? [y/N]: y\n2 people are logged out everywhere.\n",
    )
    assert [person.get("/orgs").status_code for person in (hana, amara)] == [302, 302]
    assert browser().get(reset).status_code == 410
    whose = sorted([northfield.viewer.id, northfield.owner.id])
    assert events(query) == [("account.logged_out", None, None, id) for id in whose]
    again = browser()
    assert again.post("/login", email=HANA, password=PASSWORD).status_code == 303
    assert again.get("/orgs/northfield/people").status_code == 200
    assert again.get("/orgs/northfield/people/invite").status_code == 403


def test_without_consent_nobody_is(flask, browser, northfield, query):
    hana = browser(northfield.viewer)
    assert flask("sessions", "end-all", typed="\n")[0] == 1
    assert hana.get("/orgs").status_code == 200
    assert events(query) == []


def test_a_lost_second_step_is_turned_off_after_a_question(flask, northfield, two_step, query):
    two_step(northfield.viewer)
    count = "SELECT count(*) FROM second_factors"
    assert flask("users", "turn-off-two-step", HANA, typed="n\n")[0] == 1
    assert query(count) == [(1,)]
    assert flask("users", "turn-off-two-step", HANA, "--yes") == (0, f"{HANA} logs in by the password alone.\n")
    assert query(count) == [(0,)]
    off = "SELECT user_id, request_id FROM audit_events WHERE action = 'two_step.off'"
    assert query(off) == [(northfield.viewer.id, None)]


def test_what_is_not_there_is_said(flask, northfield):
    for command in (["users", "show"], ["sessions", "list"], ["users", "turn-off-two-step", "--yes"]):
        assert flask(*command, "nobody@example.org") == (1, "Error: No account uses nobody@example.org.\n")
        assert flask(*command, "nobody")[0] == 1
