"""In which order a migration takes its locks: as requests do, or one would wait for the other."""

import psycopg
from flask_migrate import upgrade

WAITS_FOR = """
    SELECT relation::regclass::text FROM pg_locks JOIN pg_database d ON d.oid = database
    WHERE datname = current_database() AND NOT granted
"""


def test_the_view_of_the_gate_is_taken_before_its_tables(kept, in_background, url):
    upgrade(revision="0022")
    with psycopg.connect(url, autocommit=True) as onlooker, psycopg.connect(url) as request:
        request.execute("SELECT FROM gate_places")
        migrating = in_background(revision="0023")
        while not (found := onlooker.execute(WAITS_FOR).fetchall()):
            assert not migrating.done()
        request.rollback()
        migrating.result(60)
    assert found == [("gate_places",)]
