"""A migration that fills a table while people go on."""

import psycopg
import pytest

from tests.migrations.kept import FIXTURES, restore

NORTHFIELD, LENA, KOFI = (f"00000000-0000-7000-8000-0000000000{n}" for n in ("11", "05", "03"))
MEANWHILE = {
    "somebody joins": f"INSERT INTO organization_members (organization_id, user_id, role)"
    f" VALUES ('{NORTHFIELD}', '{LENA}', 'VIEWER')",
    "somebody leaves": f"DELETE FROM organization_members WHERE user_id = '{KOFI}'",
    "one joins and one leaves": f"UPDATE organization_members SET user_id = '{LENA}' WHERE user_id = '{KOFI}'",
    "a role is changed": f"UPDATE organization_members SET role = 'VIEWER' WHERE user_id = '{KOFI}'",
    "somebody is renamed": f"UPDATE users SET name = 'Kofi A. Mensah' WHERE id = '{KOFI}'",
    "a second step is turned off": f"UPDATE users SET second_factor_at = NULL WHERE id = '{KOFI}'",
}
KNOWN_MEANWHILE = {name: change for name, change in MEANWHILE.items() if name != "one joins and one leaves"} | {
    "a guest comes": f"""
        WITH guest AS (
          INSERT INTO users (email, email_key, name, password_hash)
          VALUES ('new@example.org', 'new@example.org', 'New Guest', 'x') RETURNING id)
        INSERT INTO project_members (organization_id, project_id, user_id, role)
        SELECT p.organization_id, p.id, g.id, 'VIEWER' FROM projects p, guest g
        WHERE p.organization_id = '{NORTHFIELD}' LIMIT 1
    """,
    "an organization goes": f"SELECT purge_organization('{NORTHFIELD}')",
}
KNOWN = "SELECT organization_id, user_id, search_text FROM known_people ORDER BY 1, 2"
KNOWN_TO = """
    SELECT organization_id, user_id, search_text FROM users u JOIN (
      SELECT organization_id, user_id FROM organization_members
      UNION SELECT organization_id, user_id FROM project_members
      UNION SELECT organization_id, subject_id FROM audit_events
      WHERE action IN ('guest.joined', 'member.left', 'member.removed')
      UNION SELECT organization_id, user_id FROM known_people
    ) k ON k.user_id = u.id JOIN organizations o ON o.id = organization_id ORDER BY 1, 2
"""
LISTED = "SELECT organization_id, user_id, role, joined_at, search_text, two_step FROM directory ORDER BY 1, 2"
MEMBERS = """
    SELECT m.organization_id, m.user_id, m.role, m.created_at, u.search_text, u.second_factor_at IS NOT NULL
    FROM organization_members m JOIN users u ON u.id = m.user_id ORDER BY 1, 2
"""
COUNTS = "SELECT organization_id, role, members::bigint FROM member_counts WHERE members > 0 ORDER BY 1, 2"
COUNTED = "SELECT organization_id, role, count(*) FROM organization_members GROUP BY 1, 2 ORDER BY 1, 2"
WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.mark.parametrize("statement", MEANWHILE.values(), ids=MEANWHILE)
def test_the_directory_has_what_was_changed_while_it_was_filled(in_background, url, statement):
    with psycopg.connect(url, autocommit=True) as owner, psycopg.connect(url) as somebody:
        restore(owner, next(fixture for fixture in FIXTURES if fixture.stem == "0023"))
        before = owner.execute(MEMBERS).fetchall()
        somebody.execute(statement)
        migrating = in_background(revision="0024")
        while not owner.execute(WAITING).fetchone():  # it has filled the table, and wants to keep it from now on
            assert not migrating.done()
        somebody.commit()
        migrating.result(60)
        after = owner.execute(MEMBERS).fetchall()
        assert after != before
        assert owner.execute(LISTED).fetchall() == after
        assert owner.execute(COUNTS).fetchall() == owner.execute(COUNTED).fetchall()


@pytest.mark.parametrize("statement", KNOWN_MEANWHILE.values(), ids=KNOWN_MEANWHILE)
def test_everybody_is_known_who_came_while_the_table_was_filled(in_background, url, statement):
    with psycopg.connect(url, autocommit=True) as owner, psycopg.connect(url) as somebody:
        restore(owner, next(fixture for fixture in FIXTURES if fixture.stem == "0024"))
        assert somebody.execute(statement).rowcount
        migrating = in_background(revision="0025")
        while not owner.execute(WAITING).fetchone():
            assert not migrating.done()
        somebody.commit()
        migrating.result(60)
        known = owner.execute(KNOWN).fetchall()
        assert known
        assert known == owner.execute(KNOWN_TO).fetchall()
