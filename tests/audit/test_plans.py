"""However long the log is, a page of it reads little: each filter has an index that gives its first few."""

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from psycopg import sql
from sqlalchemy.event import listen, remove

MANY = 30_000
PLACE = re.compile(r"%\((\w+)\)s")  # of a parameter in a statement
READ_AT_MOST = 500  # rows, with the names in 51 events

GENERATE = """
    INSERT INTO audit_events
      (created_at, chain, seq, organization_id, actor_id, action, subject_id, project_id, prev, hash)
    SELECT now() - (%(many)s - n) * interval '1 minute', %(here)s, 1000 + n, %(here)s,
           ('00000000-0000-0000-0000-' || lpad((n %% 50)::text, 12, '0'))::uuid, (%(actions)s::text[])[1 + n %% 4],
           ('00000000-0000-0000-0001-' || lpad((n %% 997)::text, 12, '0'))::uuid,
           ('00000000-0000-0000-0002-' || lpad((n %% 20)::text, 12, '0'))::uuid, '', ''
    FROM generate_series(1, %(many)s) n
"""
ACTIONS = ["member.joined", "member.removed", "project.created", "invitation.sent"]
RARE = "project.archived"


def rows_read(plan):
    """Rows that every scan of the plan looked at, also in vain."""
    scanned = 0
    if "Scan" in plan["Node Type"] and plan["Node Type"] not in ("Function Scan", "Subquery Scan"):
        looked = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        scanned = looked * plan["Actual Loops"]
    return scanned + sum(rows_read(part) for part in plan.get("Plans", []))


@pytest.fixture
def long_log(northfield, query):
    query(GENERATE, many=MANY, here=northfield.organization.id, actions=ACTIONS)
    # Plans follow from the data, not from the space that other tests' rows once took.
    query("VACUUM ANALYZE audit_events, users, projects, invitations")
    query("REINDEX TABLE audit_events")
    return northfield


ASKED = [
    *("", "before=500", "before=20000", "after=500", "after=20000"),
    *(f"action={ACTIONS[1]}", f"action={RARE}", f"action={ACTIONS[0]}&after=500"),
    *("person={actor}", "person={subject}", "person={nobody}", "person={subject}&after=500", "person=a"),
    *("project={project}", "project={nobody}", "project={project}&before=9000"),
    *("from={early}&to={early}", "from={late}", "to={early}", "from={early}&to={late}&before=10000"),
]


def test_no_list_reads_the_tenants_log(long_log, browser):
    days = {"early": datetime.now(UTC) - timedelta(days=18), "late": datetime.now(UTC) - timedelta(days=2)}
    keys = {"actor": (0, 7), "subject": (1, 7), "project": (2, 7), "nobody": (3, 7)}
    known = {name: UUID(f"00000000-0000-0000-000{kind}-{n:012}") for name, (kind, n) in keys.items()}
    known = {**known, **{name: day.date() for name, day in days.items()}}
    owner = browser(long_log.owner)
    for args in ASKED:
        plan = explained(owner, f"/orgs/northfield/audit?{args.format(**known)}")
        assert rows_read(plan) < READ_AT_MOST, (args, plan)
        assert not re.search(r'"Node Type": "Seq Scan"[^}]*"audit_events"', json.dumps(plan)), args


def explained(browser, url):
    """Ask for a page, and return the plan of its list as PostgreSQL ran it for the application: for any values."""
    with browser.app.app_context():
        engine = browser.app.extensions["sqlalchemy"].engine
    plans = []

    def explain(connection, cursor, statement, parameters, *_):
        if "FROM audit_events" in statement and "beside" in statement:
            names = list(dict.fromkeys(PLACE.findall(statement)))
            numbered = PLACE.sub(lambda found: f"${names.index(found[1]) + 1}", statement).replace("%%", "%")
            values = sql.SQL(", ").join(sql.Literal(parameters[name]) for name in names)
            with connection.connection.driver_connection.cursor() as beside:
                beside.execute(f"PREPARE explained AS {numbered}")
                beside.execute(sql.SQL("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE explained({})").format(values))
                plans.append(beside.fetchone()[0][0]["Plan"])
                beside.execute("DEALLOCATE explained")

    listen(engine, "before_cursor_execute", explain)
    try:
        assert browser.get(url).status_code == 200
    finally:
        remove(engine, "before_cursor_execute", explain)
    return plans[0]
