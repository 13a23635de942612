"""The directory and its counts say what the memberships and accounts say, by whatever door a change comes."""

import threading
from random import Random

import psycopg
import pytest
from sqlalchemy.exc import ProgrammingError

from models import KnownPerson, Listed, MemberCount, OrganizationMember, Role, db, membership, transaction
from tests.factories import add_user

WRONG = """
    WITH here AS (SELECT organization_id, user_id FROM organization_members
                  UNION SELECT organization_id, user_id FROM project_members)
    SELECT 'directory', organization_id, user_id FROM (
      (SELECT m.organization_id, m.user_id, m.role, m.created_at, u.search_text, u.second_factor_at IS NOT NULL
       FROM organization_members m JOIN users u ON u.id = m.user_id
       EXCEPT SELECT organization_id, user_id, role, joined_at, search_text, two_step FROM directory)
      UNION ALL
      (SELECT organization_id, user_id, role, joined_at, search_text, two_step FROM directory
       EXCEPT SELECT m.organization_id, m.user_id, m.role, m.created_at, u.search_text, u.second_factor_at IS NOT NULL
       FROM organization_members m JOIN users u ON u.id = m.user_id)) d
    UNION ALL
    SELECT 'counts', organization_id, NULL FROM (
      (SELECT organization_id, role, count(*) FROM organization_members GROUP BY 1, 2
       EXCEPT SELECT organization_id, role, members FROM member_counts)
      UNION ALL
      (SELECT organization_id, role, members FROM member_counts WHERE members > 0
       EXCEPT SELECT organization_id, role, count(*) FROM organization_members GROUP BY 1, 2)) c
    UNION ALL
    SELECT 'known', organization_id, user_id FROM (
      (SELECT organization_id, user_id, search_text FROM users u
       JOIN (TABLE here UNION SELECT organization_id, user_id FROM known_people) k ON k.user_id = u.id
       EXCEPT SELECT organization_id, user_id, search_text FROM known_people)) k
"""
# Any of them, by plain SQL; each may meet no row.
CHANGES = [
    "UPDATE users SET name = 'Name ' || random() WHERE random() < 0.3",
    "UPDATE users SET email = 'new' || random() || '@example.org' WHERE random() < 0.2",
    "UPDATE users SET second_factor_at = CASE WHEN second_factor_at IS NULL THEN now() END WHERE random() < 0.3",
    "UPDATE organization_members SET role = 'ADMIN' WHERE role < 'OWNER' AND random() < 0.3",
    "UPDATE organization_members SET role = 'VIEWER' WHERE role < 'OWNER' AND random() < 0.3",
    "UPDATE organization_members SET version = version + 1",
    "DELETE FROM organization_members WHERE role < 'OWNER' AND random() < 0.3",
    "INSERT INTO organization_members (organization_id, user_id, role)"
    " SELECT o.id, u.id, 'OPERATOR' FROM organizations o, users u WHERE random() < 0.5 ON CONFLICT DO NOTHING",
]


@pytest.mark.parametrize("seed", range(4))
def test_it_says_what_the_memberships_say(northfield, query, seed):
    random = Random(seed)
    assert query("SELECT count(*) FROM directory")[0][0] >= 4
    for number in range(20):
        query(random.choice(CHANGES))
        assert query(WRONG) == [], number


def test_it_follows_the_verbs(app, northfield, query):
    with northfield.inside(app), transaction():
        viewer = db.session.get_one(OrganizationMember, northfield.member("viewer").id)
        membership.change_role(viewer, Role.ADMIN, northfield.owner.id)
        membership.remove(northfield.member("operator"))
    assert query(WRONG) == []
    here = northfield.organization.id
    with northfield.inside(app):
        assert db.session.scalar(db.select(MemberCount.of(here))) == 3
        assert db.session.scalar(db.select(MemberCount.of(here, MemberCount.role >= Role.ADMIN))) == 3


def test_who_left_is_known_by_the_name_of_today(app, northfield, query):
    here, guest = northfield.organization.id, northfield.stranger.id
    query(
        "INSERT INTO project_members (organization_id, project_id, user_id, role)"
        " VALUES (%(o)s, %(p)s, %(u)s, 'VIEWER')",
        o=here,
        p=northfield.project.id,
        u=guest,
    )
    query("DELETE FROM project_members WHERE user_id = %(u)s", u=guest)
    with northfield.inside(app), transaction():
        membership.remove(northfield.member("operator"))
    query("UPDATE users SET name = 'Renamed' WHERE id = ANY(%(u)s)", u=[guest, northfield.operator.id])
    known = "SELECT user_id FROM known_people WHERE organization_id = %(o)s AND search_text LIKE 'renamed %%'"
    assert {id for (id,) in query(known, o=here)} == {guest, northfield.operator.id}
    query(
        "DELETE FROM organizations WHERE id IN (SELECT organization_id FROM directory WHERE user_id = %(u)s)", u=guest
    )
    query("DELETE FROM users WHERE id = %(u)s", u=guest)
    assert query(known, o=here) == [(northfield.operator.id,)]


def test_it_goes_with_a_purged_organization(northfield, query):
    query("UPDATE organizations SET deleted_at = now() - interval '31 days' WHERE slug = 'northfield'")
    query("SELECT purge_organization(id) FROM organizations WHERE slug = 'northfield'")
    here = northfield.organization.id
    for table in ("directory", "member_counts", "known_people"):
        assert query(f"SELECT count(*) FROM {table} WHERE organization_id = %(id)s", id=here) == [(0,)]
    assert query(WRONG) == []


@pytest.fixture
def two(settings):
    """Two connections of the tables' owner, in transactions that they end themselves."""
    with psycopg.connect(settings.database_url) as a, psycopg.connect(settings.database_url) as b:
        yield a, b


@pytest.mark.parametrize("first", ["renamed", "joined"])
def test_who_is_renamed_in_the_moment_of_joining_is_listed_so(northfield, query, two, somebody_waits, first):
    rename = "UPDATE users SET name = 'Renamed' WHERE id = %(u)s"
    join = "INSERT INTO organization_members (organization_id, user_id, role) VALUES (%(o)s, %(u)s, 'VIEWER')"
    names = {"o": northfield.organization.id, "u": northfield.stranger.id}
    statements = [rename, join] if first == "renamed" else [join, rename]
    two[0].execute(statements[0], names)
    second = threading.Thread(target=lambda: (two[1].execute(statements[1], names), two[1].commit()))
    second.start()
    while second.is_alive() and not somebody_waits():
        pass
    two[0].commit()
    second.join(10)
    assert query(WRONG) == []
    assert query("SELECT count(*) FROM directory WHERE search_text LIKE 'renamed%%'") == [
        (2,)
    ]  # here, and in their own


@pytest.mark.parametrize("table", ["directory", "member_counts", "known_people"])
def test_the_web_cannot_write_it(app, northfield, table):
    with northfield.inside(app), pytest.raises(ProgrammingError, match="permission denied"), transaction():
        db.session.execute(db.text(f"DELETE FROM {table}"))


@pytest.mark.parametrize("model", [Listed, MemberCount, KnownPerson])
def test_the_web_sees_one_tenants_rows(app, northfield, model):
    with northfield.inside(app):
        seen = db.session.scalars(db.select(model.organization_id).distinct()).all()
    assert seen == [northfield.organization.id]


# --- whom an organization knows by a name ------------------------------------------------------------------------

NAMED = "SELECT * FROM known_by_name(:here, :words, 1000)"


@pytest.mark.parametrize("words", ["a", "ÅSA", "oka", "_", "%", "100%", "\\", "x_y", "example", "nobody", " "])
def test_people_are_known_by_any_part_of_their_name(app, northfield, query, words):
    with northfield.inside(app), transaction():
        for name in ("Åsa 100%", "x_y", "back\\slash", "xzy"):
            here = db.session.merge(northfield.organization)
            here.admit(add_user(name, f"{name.encode().hex()}@example.org").id, Role.VIEWER)
    with northfield.inside(app):
        found = db.session.scalars(db.text(NAMED), {"here": northfield.organization.id, "words": words}).all()
    has = (
        "SELECT user_id FROM known_people WHERE organization_id = %(here)s AND strpos(search_text, fold(%(words)s)) > 0"
    )
    assert found == [id for (id,) in query(f"{has} ORDER BY user_id", here=northfield.organization.id, words=words)]


def test_nobody_is_known_where_one_did_not_enter(app, northfield, query):
    [(elsewhere,)] = query("SELECT id FROM organizations WHERE slug <> 'northfield' LIMIT 1")
    assert query("SELECT count(*) > 0 FROM known_people WHERE organization_id = %(id)s", id=elsewhere) == [(True,)]
    with northfield.inside(app):
        assert db.session.scalars(db.text(NAMED), {"here": elsewhere, "words": ""}).all() == []
    with app.app_context():
        assert db.session.scalars(db.text(NAMED), {"here": northfield.organization.id, "words": ""}).all() == []


def test_a_rare_name_is_found_by_its_trigrams(app, northfield, query):
    query(
        "INSERT INTO users (email, email_key, name, password_hash)"
        " SELECT n || '@example.com', n || '@example.com', md5(n::text), '' FROM generate_series(1, 20000) n"
    )
    query(
        "INSERT INTO known_people (organization_id, user_id, search_text)"
        " SELECT %(here)s, id, search_text FROM users WHERE email LIKE '%%@example.com'",
        here=northfield.organization.id,
    )
    query("VACUUM ANALYZE users, known_people")
    words, here = "c4ca4238", northfield.organization.id  # how the digest of "1" begins
    scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'ix_users_search_text'"
    query("SELECT pg_stat_force_next_flush()")
    before = query(scans)
    query("SELECT set_config('freehold.organization_ids', %(here)s, false)", here=f"{{{here}}}")
    assert len(query("SELECT known_by_name(%(here)s, %(words)s, 21)", here=here, words=words)) == 1
    query("RESET freehold.organization_ids")
    query("SELECT pg_stat_force_next_flush()")
    assert query(scans) > before
