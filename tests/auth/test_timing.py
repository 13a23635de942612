"""Known and unknown addresses take the same time, at every door where one is typed (PROMISES.md P12)."""

import pytest

from models import password
from tests.auth.timing import compare

KNOWN, UNKNOWN = "hana.reyes@example.org", "hana.rexes@example.org"
DOORS = {
    "/login": {"password": "not the password"},
    "/forgot-password": {},
    "/signup": {"name": "Hana", "password": "a new and quiet password"},
}


@pytest.fixture
def dear(app_with, request):
    """The application with hashes that take several milliseconds; in the long test as long as a host's do."""
    long = request.node.get_closest_marker("long")
    return app_with(argon2_memory_kib=19456 if long else 8192, argon2_passes=2 if long else 1)


@pytest.fixture
def compared(dear, hana, browser, query):
    """compared(door, n) -> how far apart known and unknown addresses are there."""

    def measure(door, n):
        person = browser(app=dear)
        kinds = [lambda email=email: person.post(door, email=email, **DOORS[door]) for email in (UNKNOWN, KNOWN)]
        return compare(*kinds, n, lambda: query("DELETE FROM rate_limits"))

    return measure


@pytest.fixture
def apart(compared):
    """apart(door) -> how far the two are from even there (0 to 0.5): the middle of three runs, for a busy machine."""
    return lambda door: sorted(abs(compared(door, 100).auc - 0.5) for _ in range(3))[1]


@pytest.fixture
def hash_for(dear, hana, query):
    """Hana's password, as the dear application hashes it."""
    with dear.app_context():
        query("UPDATE users SET password_hash = %(hash)s", hash=password.hash_password("correct cargo ship paper"))


@pytest.fixture
def hashing(monkeypatch):
    """The turns that were taken to hash something."""
    turns, run = [], password._Turns.run
    monkeypatch.setattr(password._Turns, "run", lambda self, *args: (turns.append(args[0]), run(self, *args))[1])
    return turns


@pytest.fixture
def without_a_dummy(monkeypatch):
    """A build that answers at once where there is no account."""
    verify = password.verify
    monkeypatch.setattr("blueprints.auth.sign_in.verify", lambda known, typed: bool(known) and verify(known, typed))


def work(browser, statements, hashing, door, email):
    with statements() as sent:
        browser().post(door, email=email, **DOORS[door])
    turns = len(hashing)
    hashing.clear()
    return list(sent), turns


@pytest.mark.parametrize("door", DOORS)
def test_known_and_unknown_addresses_are_the_same_work(door, hana, browser, statements, hashing):
    known, unknown = (work(browser, statements, hashing, door, email) for email in (KNOWN, UNKNOWN))
    assert known == unknown
    assert known[1] == (door != "/forgot-password")


def test_a_missing_dummy_hash_is_less_work(hana, browser, statements, hashing, without_a_dummy):
    assert work(browser, statements, hashing, "/login", KNOWN) != work(browser, statements, hashing, "/login", UNKNOWN)


def test_nobodys_hash_is_one_of_todays_and_right_for_no_password(dear, hana, hash_for, query):
    ((hanas,),) = query("SELECT password_hash FROM users")
    with dear.app_context():
        nobodys = password._nobodys_hash()
        assert not password.needs_upgrade(nobodys)
        assert not password.verify(None, "")
        assert not password._matches(nobodys, "")
    assert (len(nobodys), nobodys.rsplit("$", 2)[0]) == (len(hanas), hanas.rsplit("$", 2)[0])


@pytest.mark.usefixtures("hash_for")
@pytest.mark.parametrize("door", DOORS)
def test_they_take_about_the_same_time(door, apart):
    """Wide enough for a busy machine: six standard deviations of chance."""
    assert apart(door) < 0.25


@pytest.mark.usefixtures("hash_for", "without_a_dummy")
def test_a_missing_dummy_hash_is_seen_in_time(apart):
    """The control: the test above sees the fault that it is there for."""
    assert apart("/login") >= 0.25


@pytest.mark.long
@pytest.mark.usefixtures("hash_for")
@pytest.mark.parametrize("door", DOORS)
def test_nobody_can_tell_them_apart_by_time(door, compared):
    told = compared(door, 2000)
    assert 0.475 < told.auc < 0.525, told
    assert abs(told.median_apart) < 1, told
