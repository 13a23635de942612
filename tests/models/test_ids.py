"""Ids tell when their row was made, and who came first."""

from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.usefixtures("app")


def test_ids_come_in_the_order_in_which_they_were_made(query):
    ids = [query("SELECT uuid_v7()")[0][0] for _ in range(300)]
    assert ids == sorted(ids)


def test_an_id_is_a_uuid_of_version_7_that_tells_its_time(query):
    ((made, at),) = query("SELECT uuid_v7(), clock_timestamp()")
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert abs(datetime.fromtimestamp((made.int >> 80) / 1000, UTC) - at) < timedelta(seconds=1)


def test_ids_of_one_statement_are_all_different(query):
    assert query("SELECT count(DISTINCT uuid_v7()) FROM generate_series(1, 20000)") == [(20000,)]
