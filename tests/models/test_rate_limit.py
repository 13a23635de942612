"""Limits: exact, whoever asks at once; and a refusal costs the database nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from models import db, housekeeping, transaction
from models.rate_limit import Claim, Limit, Refused, Taken, give_back, left, left_of, take, take_all

FIVE = Limit("tries", 5, timedelta(minutes=5))
SEVEN = Limit("wishes", 7, timedelta(days=1))  # a seventh of a day is no whole number of microseconds
AT_ONCE = 50


@pytest.fixture
def rows(query):
    """rows() -> each count with what changes when it is written."""
    return lambda: query("SELECT key, tat, xmin::text, xmax::text FROM rate_limits ORDER BY key")


@pytest.fixture
def later(query):
    """later("1 minute") -> that much time has passed, as far as the counts know."""
    return lambda time: query("UPDATE rate_limits SET tat = tat - %(time)s::interval", time=time)


@pytest.fixture
def crowd(app):
    """crowd(function) -> what it returned to each of fifty threads that began together."""

    def together(function):
        start = Barrier(AT_ONCE)

        def one(number):
            with app.app_context():
                start.wait()
                return function(number)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(one, range(AT_ONCE)))

    return together


def taken(results):
    return sum(isinstance(result, Taken) for result in results)


@pytest.mark.parametrize("round_", range(5))
def test_of_fifty_at_once_five_get_one(crowd, round_):
    assert taken(crowd(lambda _: take(FIVE, "hana"))) == 5


def test_counting_and_then_inserting_would_let_more_through(crowd, query):
    """The control: the test above sees the fault that this limit exists to avoid."""
    query("CREATE TABLE naive (subject text)")
    query("GRANT SELECT, INSERT ON naive TO freehold_web")
    looked = Barrier(AT_ONCE)

    def naive(_):
        with db.engine.connect() as connection:
            used = connection.exec_driver_sql("SELECT count(*) FROM naive WHERE subject = 'hana'").scalar_one()
        looked.wait()
        if used >= FIVE.burst:
            return Refused(FIVE, 0, 1)
        with db.engine.connect() as connection:
            connection.exec_driver_sql("INSERT INTO naive VALUES ('hana')")
        return Taken({}, {})

    try:
        assert taken(crowd(naive)) > 5
    finally:
        query("DROP TABLE naive")


def test_many_keys_at_once_are_exact_and_never_wait_in_a_circle(crowd, app):
    """Fifty take the same twenty counts, each beginning at another one."""
    subjects = list(range(20))

    def one(number):
        turned = subjects[number % 20 :] + subjects[: number % 20]
        needed, each = ([Claim(FIVE, subject) for subject in half] for half in (turned[:10], turned[10:]))
        result = take_all(needed, each)
        got = isinstance(result, Taken)
        return [claim.subject for claim in (*needed, *each) if got and claim.subject not in result.refused]

    got = [subject for result in crowd(one) for subject in result]
    with app.app_context():
        assert [left(FIVE, subject) for subject in subjects] == [5 - got.count(subject) for subject in subjects]
    assert max(map(got.count, subjects)) == 5


def test_time_gives_back_one_by_one(context, later):
    assert [type(take(FIVE, "hana")) for _ in range(6)] == [Taken] * 5 + [Refused]
    later("1 minute")
    assert [type(take(FIVE, "hana")) for _ in range(2)] == [Taken, Refused]
    later("1 year")
    assert left(FIVE, "hana") == 5
    assert isinstance(take(FIVE, "hana", 5), Taken)
    assert left(FIVE, "hana") == 0


@pytest.mark.parametrize("limit", [FIVE, SEVEN])
def test_all_can_be_taken_at_once_and_not_one_more(context, limit):
    assert isinstance(take(limit, "hana", limit.burst + 1), Refused)
    assert take(limit, "hana", limit.burst) == Taken({limit: 0}, {})
    assert isinstance(take(limit, "hana"), Refused)


def test_a_refusal_says_what_is_left_and_when_it_would_be_enough(context, later):
    take(FIVE, "hana", 3)
    refused = take(FIVE, "hana", 4)
    assert (refused.limit, refused.left) == (FIVE, 2)
    assert 110 <= refused.retry_after <= 120
    later(f"{refused.retry_after} seconds")
    assert isinstance(take(FIVE, "hana", 4), Taken)


def test_more_than_can_ever_be_had_waits_for_the_whole(context):
    take(FIVE, "hana")
    assert 55 <= take(FIVE, "hana", 9).retry_after <= 60


def test_a_refusal_writes_nothing(context, rows):
    take(FIVE, "hana", 5)
    before = rows()
    assert isinstance(take(FIVE, "hana"), Refused)
    assert isinstance(take_all([Claim(FIVE, "hana"), Claim(FIVE, "ben")], [Claim(FIVE, "cy")]), Refused)
    assert rows() == before


def test_subjects_and_limits_are_counted_apart(context):
    take(FIVE, "hana", 5)
    assert left(FIVE, "ben") == 5
    assert left(SEVEN, "hana") == 7


def test_what_is_needed_is_taken_together_and_the_rest_one_by_one(context):
    take(FIVE, "ben", 5)
    result = take_all([Claim(SEVEN, "hana", 2)], [Claim(FIVE, name) for name in ("ana", "ben", "cy")])
    assert result.left == {SEVEN: 5}
    assert list(result.refused) == ["ben"]
    assert 55 <= result.refused["ben"].retry_after <= 60
    assert [left(FIVE, name) for name in ("ana", "ben", "cy")] == [4, 0, 4]


def test_the_longest_wait_is_told(context):
    take(FIVE, "hana", 5)
    take(SEVEN, "hana", 7)
    assert take_all([Claim(FIVE, "hana"), Claim(SEVEN, "hana")]).limit == SEVEN


def test_what_was_not_used_is_given_back(context):
    claims = [Claim(FIVE, "hana", 4), Claim(FIVE, "ben", 1)]
    take_all(claims)
    give_back([Claim(FIVE, "hana", 3), Claim(FIVE, "ben", 0), Claim(FIVE, "nobody", 2)])
    assert [left(FIVE, name) for name in ("hana", "ben", "nobody")] == [4, 4, 5]


def test_giving_back_too_late_makes_nobody_richer(context, later):
    take(FIVE, "hana", 4)
    later("1 year")
    give_back([Claim(FIVE, "hana", 4)])
    assert isinstance(take(FIVE, "hana", 6), Refused)
    assert left(FIVE, "hana") == 5


def test_a_rollback_gives_nothing_back_and_a_transaction_takes_nothing(context):
    take(FIVE, "hana")
    with pytest.raises(RuntimeError, match="Write apart"), transaction():
        take(FIVE, "hana")
    assert left(FIVE, "hana") == 4


def test_hundreds_of_counts_are_one_statement(app, context, statements):
    claims = [Claim(FIVE, number) for number in range(400)]
    with statements() as sent:
        assert isinstance(take_all(claims[:2], claims[2:]), Taken)
    assert len(sent) == 1
    with statements() as sent:
        left_of(claims)
    assert len(sent) == 1
    assert not sent.writes


def test_a_request_holds_one_connection_at_a_time(app, context):
    db.session.execute(db.text("SELECT 1"))
    take(FIVE, "hana")
    assert db.engine.pool.checkedout() == 0


def test_the_table_tells_nobody_who_was_counted(context, rows):
    take(FIVE, "hana@example.org")
    ((key, *_),) = rows()
    assert len(key) == 32
    assert b"hana" not in key


def test_counts_that_ended_are_pruned(context, query):
    take(FIVE, "hana", 5)
    take(FIVE, "ben", 5)
    query("UPDATE rate_limits SET tat = now() - interval '25 hours' WHERE key = (SELECT min(key) FROM rate_limits)")
    assert housekeeping.prune()["rate limits"] == 1
    assert len(query("SELECT FROM rate_limits")) == 1
