"""How names, numbers and times are written where something changes."""

from datetime import UTC, datetime, timedelta

import pytest

from access import Affected
from blueprints.presentation import counted, when
from blueprints.receipts import receipt

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "names", "words"),
    [
        (0, [], "0 people"),
        (1, ["Ana"], "1 person (Ana)"),
        (2, ["Ana", "Ben"], "2 people (Ana and Ben)"),
        (3, ["Ana", "Ben", "Cy"], "3 people (Ana, Ben and Cy)"),
        (1_234, ["Ana", "Ben", "Cy"], "1,234 people (Ana, Ben, Cy and 1,231 more)"),
    ],
)
def test_the_first_few_are_named(number, names, words):
    assert counted(Affected(number, names), "person", "people") == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (-2, "just now"), (1, "1 second ago"), (12, "12 seconds ago"), (60, "1 minute ago")],
)
def test_what_just_happened_is_told_to_the_second(seconds, words):
    assert f">{words}<" in when(NOON - timedelta(seconds=seconds), NOON, seconds=True)


def test_elsewhere_it_is_just_now():
    assert ">just now<" in when(NOON - timedelta(seconds=12), NOON)


def test_a_receipt_leaves_out_what_did_not_end():
    roles, invitations = (2, "project role"), (0, "invitation they sent", "invitations they sent")
    assert receipt("Removed Hana", NOON, roles, invitations) == "Removed Hana at 12:00:00 UTC. Ended: 2 project roles."
    assert receipt("Removed Hana", NOON, invitations) == "Removed Hana at 12:00:00 UTC."


def test_a_receipt_is_in_utc():
    assert "at 12:00:00 UTC" in receipt("Done", NOON.astimezone(tz=None))
