"""An open page, as the server sees it: what it is told, and what it missed."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

import access
from models.live import Notice

REMEMBERED = 60.0  # seconds of changes, for pages that were drawn before their stream began
MOST_REMEMBERED = 5_000  # changes
TOLD_AT_ONCE = 50  # topics; a page that fell further behind looks at everything again

LOGGED_OUT, REMOVED, DELETED = "logged-out", "removed", "deleted"  # why a stream ends


@dataclass(frozen=True, slots=True)
class Told:
    """What a page is told: that it looks at a topic again, within so many seconds; the page that caused it need not."""

    topic: str
    within: float = 0.0
    tab: str | None = None


class Stream:
    """One open page. What it holds does not grow with what happens, however slowly it is read."""

    __slots__ = ("_told", "_wake", "dies_at", "ended", "organization_id", "sid", "user_id")

    def __init__(self, sid: str, user_id: UUID, organization_id: UUID | None, lives_for: float) -> None:
        """Open a page of a session.

        Args:
            sid: the session's key.
            user_id: whose page it is.
            organization_id: the organization that it is a page of, if it is one.
            lives_for: seconds after which the session ends by itself.
        """
        self.sid, self.user_id, self.organization_id = sid, user_id, organization_id
        self.ended: str | None = None
        self.dies_at = time.monotonic() + lives_for
        self._told: dict[str, Told] = {}
        self._wake = threading.Condition()

    def tell(self, told: Told) -> None:
        """Let the page look at a topic again."""
        with self._wake:
            earlier = self._told.get(told.topic)
            if earlier and earlier.tab != told.tab:
                told = Told(told.topic, told.within)  # by several pages: each of them has missed something
            self._told[told.topic] = told
            if len(self._told) > TOLD_AT_ONCE:
                self._told = {access.RESYNC: Told(access.RESYNC, told.within)}
            self._wake.notify()

    def end(self, why: str) -> None:
        """Let the page say why it is not live any more, and close; without a reason, it comes back by itself."""
        with self._wake:
            self.ended = why
            self._wake.notify()

    def wait(self, seconds: float) -> list[Told]:
        """Wait until there is something to tell, or the stream has ended; nothing if that takes too long."""
        with self._wake:
            if not self._told and self.ended is None:
                self._wake.wait(seconds)
            told, self._told = self._told, {}
        return list(told.values())


@dataclass
class Memory:
    """The changes that this process heard of lately."""

    since: float = float("inf")  # from when on it heard of every one
    heard: deque[tuple[float, Notice]] = field(default_factory=deque)

    def add(self, at: float, notices: list[Notice]) -> None:
        """Remember changes, and forget old ones."""
        self.heard.extend((at, notice) for notice in notices)
        while self.heard and (self.heard[0][0] < at - REMEMBERED or len(self.heard) > MOST_REMEMBERED):
            self.since = self.heard.popleft()[0]

    def after(self, moment: float) -> list[Notice] | None:
        """Return what happened after a moment; None where it reaches too far back."""
        heard = list(self.heard)  # before looking how far it reaches: another thread forgets meanwhile
        return [notice for at, notice in heard if at >= moment] if moment >= self.since else None
