"""How often something may be done: counted in PostgreSQL, exactly, however many ask at once.

The generic cell rate algorithm (GCRA): a row holds the moment when the allowance will be whole again, and taking from
it moves that moment on. One statement looks and takes; what it refuses by looking, it neither writes nor locks. It has
a transaction of its own, so that no rollback gives anything back; who took too much says so, by give_back().

A key is an HMAC: the table tells nobody who was counted. With a new SECRET_KEY every count begins anew.
"""

import hashlib
import hmac
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.orm import Mapped, mapped_column

from config import settings
from models.base import Base, apart

# Keys are taken in their order: two that want the same ones never wait for each other. A crash of the server may
# forget the last moments' counts, for which nobody waits for a disk (synchronous_commit, of this statement alone).
_TAKE = """
WITH unhurried AS MATERIALIZED (
  SELECT set_config('synchronous_commit', 'off', true)
), asked AS MATERIALIZED (
  SELECT a.*, greatest(r.tat, statement_timestamp()) + a.cost > statement_timestamp() + a.span AS lacking
  FROM unhurried, unnest(%(keys)s::bytea[], %(costs)s::interval[], %(spans)s::interval[], %(needed)s::boolean[])
       AS a (key, cost, span, needed)
  LEFT JOIN rate_limits r ON r.key = a.key
), taken AS (
  INSERT INTO rate_limits AS r (key, tat)
  SELECT key, statement_timestamp() + cost FROM asked
  WHERE NOT lacking AND NOT EXISTS (SELECT FROM asked WHERE lacking AND needed)
  ORDER BY key
  ON CONFLICT (key) DO UPDATE
  SET tat = greatest(r.tat, statement_timestamp()) + (excluded.tat - statement_timestamp())
  WHERE greatest(r.tat, statement_timestamp()) + (excluded.tat - statement_timestamp())
     <= statement_timestamp() + (%(spans)s::interval[])[array_position(%(keys)s::bytea[], r.key)]
  RETURNING r.key, r.tat
)
SELECT key, tat - statement_timestamp() FROM taken
"""
_LOOK = "SELECT key, tat - statement_timestamp() FROM rate_limits WHERE key = ANY(%(keys)s::bytea[])"
_GIVE_BACK = """
WITH given AS (
  SELECT * FROM unnest(%(keys)s::bytea[], %(costs)s::interval[]) AS g (key, cost)
), held AS (
  SELECT r.key, given.cost FROM rate_limits r JOIN given ON given.key = r.key ORDER BY r.key FOR UPDATE OF r
)
UPDATE rate_limits r SET tat = r.tat - held.cost FROM held WHERE r.key = held.key
"""


class RateLimit(Base):
    """One count: `tat` (theoretical arrival time) is when the allowance is whole again; a past one is as good as none.

    No index but the key's and half of each page free: an update finds its place beside the row (HOT).
    """

    __tablename__ = "rate_limits"
    __table_args__ = {"postgresql_with": {"fillfactor": 50}}  # noqa: RUF012 - SQLAlchemy's own way to say so

    key: Mapped[bytes] = mapped_column(primary_key=True)
    tat: Mapped[datetime]


@dataclass(frozen=True)
class Limit:
    """`burst` at once, and as many again in each `period`, one by one: at most twice the burst in any one period."""

    name: str
    burst: int
    period: timedelta

    @property
    def each(self) -> timedelta:
        """How long one takes to come back."""
        return self.period / self.burst

    @property
    def span(self) -> timedelta:
        """How long all take: the period, but for what dividing it rounded."""
        return self.each * self.burst

    def left(self, ahead: timedelta) -> int:
        """Return how many are left when the allowance will be whole in `ahead`."""
        return max((self.span - max(ahead, timedelta())) // self.each, 0)


class Claim(NamedTuple):
    """So many from one limit, by or for one subject, such as an id or an address."""

    limit: Limit
    subject: object
    n: int = 1

    @property
    def key(self) -> bytes:
        """The count's key; without ours, nobody finds a subject's count."""
        counted = f"{self.limit.name}:{self.subject}"
        return hmac.digest(settings().keys("rate-limit")[0], counted.encode(), hashlib.sha256)

    @property
    def cost(self) -> timedelta:
        """How long it takes for all of it to come back."""
        return self.limit.each * self.n


@dataclass(frozen=True)
class Taken:
    """It may be done. `left`: what remains of what was needed. `refused`: by subject, what of `each` was not taken."""

    left: Mapping[Limit, int]
    refused: Mapping[Any, "Refused"]


@dataclass(frozen=True)
class Refused:
    """It may not be done now. `left`: how many still could; `retry_after`: whole seconds until this many can."""

    limit: Limit
    left: int
    retry_after: int


def take(limit: Limit, subject: object, n: int = 1) -> Taken | Refused:
    """Take n at once, or nothing; see take_all()."""
    return take_all([Claim(limit, subject, n)])


def take_all(needed: Sequence[Claim], each: Sequence[Claim] = ()) -> Taken | Refused:
    """Take from many counts in one statement, outside of any transaction, before what they limit is done.

    Args:
        needed: taken together or not at all.
        each: taken one by one, if what is needed was; of different subjects.

    Returns:
        Refused for the longest wait among what is needed, and then nothing was taken.
    """
    claims = {claim.key: claim for claim in (*needed, *each)}
    with apart() as connection:
        taken = _ahead(connection, _TAKE, **_values(claims), needed=[claim in needed for claim in claims.values()])
        if len(taken) == len(claims):
            return Taken(_left(needed, taken), {})
        now = _ahead(connection, _LOOK, keys=[key for key in claims if key not in taken])
        refused = {claim: _refused(claim, now.get(key)) for key, claim in claims.items() if key not in taken}
        lacking = [refused[claim] for claim in needed if claim in refused]
        if lacking and taken:  # somebody was quicker, between the look and the taking
            connection.exec_driver_sql(_GIVE_BACK, _values({key: claims[key] for key in taken}))
    if lacking:
        return max(lacking, key=lambda refusal: refusal.retry_after)
    return Taken(_left(needed, taken), {claim.subject: refused[claim] for claim in each if claim in refused})


def give_back(claims: Sequence[Claim]) -> None:
    """Return what was taken and then not used."""
    used = {claim.key: claim for claim in claims if claim.n}
    if used:
        with apart() as connection:
            connection.exec_driver_sql(_GIVE_BACK, _values(used))


def left(limit: Limit, subject: object) -> int:
    """Return how many could be taken now."""
    return left_of([Claim(limit, subject)])[limit]


def left_of(claims: Sequence[Claim]) -> dict[Limit, int]:
    """Return how many could be taken now from each of several limits, in one statement that writes nothing."""
    with apart() as connection:
        return _left(claims, _ahead(connection, _LOOK, keys=[claim.key for claim in claims]))


def _left(claims: Sequence[Claim], ahead: Mapping[bytes, timedelta]) -> dict[Limit, int]:
    return {claim.limit: claim.limit.left(ahead.get(claim.key, timedelta())) for claim in claims}


def _refused(claim: Claim, ahead: timedelta | None) -> Refused:
    """Say when it could be taken. More than the burst never can; then it is when the allowance is whole."""
    ahead = max(ahead or timedelta(), timedelta())
    wait = min(ahead, ahead + claim.cost - claim.limit.span)
    return Refused(claim.limit, claim.limit.left(ahead), max(math.ceil(wait.total_seconds()), 1))


def _ahead(connection: Connection, statement: str, **values: Any) -> dict[bytes, timedelta]:
    """Run a statement that returns keys, each with how far ahead of now its count is."""
    return {row[0]: row[1] for row in connection.exec_driver_sql(statement, values)}


def _values(claims: Mapping[bytes, Claim]) -> dict[str, Any]:
    asked = claims.values()
    return {"keys": list(claims), "costs": [c.cost for c in asked], "spans": [c.limit.span for c in asked]}
