"""Whatever writes does so inside a transaction, by whichever way it is sent."""

import pytest
from sqlalchemy import delete, insert, update

from models import IdempotencyKey, Organization, User, db
from models.base import direct

ROW = {"key": b"1", "leads_to": "/"}


def add():
    db.session.add(IdempotencyKey(**ROW))
    db.session.flush()


WAYS = {
    "an object": add,
    "the session": lambda: db.session.execute(update(User).values(name="Somebody")),
    "past it, adding": lambda: direct(insert(IdempotencyKey), ROW),
    "past it, changing": lambda: direct(update(Organization).values(name="Elsewhere"), {}),
    "past it, deleting": lambda: direct(delete(IdempotencyKey), {}),
}


@pytest.mark.parametrize("write", WAYS.values(), ids=WAYS)
@pytest.mark.usefixtures("context")
def test_nothing_is_written_outside_of_a_transaction(write, query):
    with pytest.raises(RuntimeError, match="Write inside"):
        write()
    assert query("SELECT count(*) FROM idempotency_keys")[0][0] == 0
