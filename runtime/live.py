"""Live pages: each web process listens for changes on one connection, and tells the pages that are open in it.

What a page is told are topics, never content. Whether its person may hear of a change is asked again for each one, for
all pages of an organization together. A page that was told nothing for a while may have missed something: it is told
what happened since it was drawn, as far back as this process remembers, or else to look at everything again.
"""

import logging
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from contextvars import Context
from uuid import UUID

import psycopg
from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

import access
from access.hearing import Roles
from models import tenant
from models.identity import Standing
from models.live import CHANNEL, Notice
from runtime import metrics
from runtime.database import listen
from runtime.streams import DELETED, LOGGED_OUT, REMOVED, Memory, Stream, Told

SKEW = 1.0  # seconds by which two processes may hear of the same change at different times
LOOK_AGAIN = 60.0  # seconds between looks at every open page, for an end that nobody told
LONGEST_PAUSE = 5.0  # seconds between tries to reach the database (PROMISES.md P20)
AT_ONCE = 25  # pages that may ask in the same moment; each one more gives all of them so many seconds to ask
SPREAD = 0.02
LONGEST_SPREAD = 10.0

log = logging.getLogger("freehold.live")


class Hub:
    """The open pages of this process, and the connection that listens for them."""

    def __init__(self, app: Flask) -> None:
        """Serve an application. Nothing is opened before the first page is."""
        self._app = app
        self._streams: dict[UUID | None, set[Stream]] = defaultdict(set)
        self._memory = Memory()
        self._lock = threading.Lock()
        self._listener: threading.Thread | None = None
        self._over = threading.Event()
        self._looked_at = time.monotonic()
        self.heard_until = 0.0  # up to when the pages were told of everything, in seconds since 1970

    def open(self, stream: Stream, drawn_at: float) -> None:
        """Begin to tell a page of changes, and tell it of those since it was drawn.

        Args:
            stream: a page whose person was just let in by the gate.
            drawn_at: before what it shows was read, in seconds since 1970.
        """
        if self._over.is_set():
            stream.end("")  # another process will tell it
            return
        with self._lock:
            self._streams[stream.organization_id].add(stream)
            self._show()
            if self._listener is None or not self._listener.is_alive():
                # In a context of its own: nothing of the request that is the first to open a page goes along.
                alone = Context()
                self._listener = threading.Thread(target=alone.run, args=(self._run,), name="live", daemon=True)
                self._listener.start()
        try:
            self._catch_up(stream, drawn_at - SKEW)
        except BaseException:
            self.close(stream)
            raise

    def close(self, stream: Stream) -> None:
        """Forget a page that is closed."""
        with self._lock:
            here = self._streams[stream.organization_id]
            here.discard(stream)
            if not here:
                del self._streams[stream.organization_id]
            self._show()

    def _show(self) -> None:
        metrics.STREAMS.set(sum(map(len, self._streams.values())))

    def stop(self) -> None:
        """Let every page go, to come back by itself: this process ends."""
        self._over.set()
        for stream in self.streams:
            stream.end("")
        if self._listener:
            self._listener.join()

    def _catch_up(self, stream: Stream, since: float) -> None:
        missed = self._memory.after(since)
        if missed is None:
            stream.tell(Told(access.RESYNC))
        elif missed:
            self._tell(missed, [stream])

    @property
    def streams(self) -> list[Stream]:
        """The open pages."""
        with self._lock:
            return [stream for here in self._streams.values() for stream in here]

    # --- listening ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Listen as long as the process lives, whatever becomes of the database."""
        pause = 0.2
        while not self._over.is_set():
            try:
                with self._app.app_context(), listen(CHANNEL) as connection:
                    self._memory = Memory(since=time.time())
                    self._begin_again()
                    self.heard_until = self._memory.since
                    pause = 0.2
                    while not self._over.is_set():
                        self._hear(connection)
            except (psycopg.Error, DBAPIError, NoConnection) as error:
                log.warning("Live pages lost the database (%s); trying again.", type(error).__name__)
            except Exception:
                log.exception("Live pages stumbled and go on.")
            self._over.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE)

    def _hear(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        heard = [Notice.read(told.payload) for told in connection.notifies(timeout=1.0, stop_after=1)]
        now = time.time()
        if notices := [notice for notice in heard if notice]:
            self._memory.add(now, notices)
            self._tell(notices, self.streams)
        self.heard_until = now
        self._look_again()

    def _begin_again(self) -> None:
        """After a while without ears: everybody may have missed anything, their own end too."""
        streams = self.streams
        self._judge(streams)
        for stream in streams:
            stream.tell(Told(access.RESYNC, _spread(len(streams))))

    def _look_again(self) -> None:
        """Look at the sessions whose time is up, and now and then at all."""
        now = time.monotonic()
        if every := now > self._looked_at + LOOK_AGAIN:
            self._looked_at = now
        self._judge([stream for stream in self.streams if every or stream.dies_at <= now])

    # --- telling ------------------------------------------------------------------------------------------------

    def _tell(self, notices: list[Notice], streams: Iterable[Stream]) -> None:
        """Tell those pages of these changes whose people may hear of them now."""
        concerned = _concerned(notices, streams)
        deleted = {notice.organization_id for notice in notices if notice.topic == access.ORGANIZATION}
        with self._app.app_context():
            for organization_id, here in concerned.items():
                standings = self._judge(list(here), DELETED if organization_id in deleted else REMOVED)
                roles = _roles(organization_id, here, standings)
                heard = {stream: _heard(its, standings.get(stream.sid), roles) for stream, its in here.items()}
                within = _spread(sum(map(bool, heard.values())))
                for stream, topics in heard.items():
                    for topic, tab in topics:
                        stream.tell(Told(topic, within, tab))

    def _judge(self, streams: list[Stream], away: str = REMOVED) -> dict[str, Standing]:
        """Look again at who has these pages open; end those of whom that is true no more, and return the others."""
        by_place: dict[UUID | None, list[Stream]] = defaultdict(list)
        for stream in streams:
            by_place[stream.organization_id].append(stream)
        living: dict[str, Standing] = {}
        with self._app.app_context():
            for organization_id, here in by_place.items():
                found = Standing.of(list({stream.sid for stream in here}), organization_id)
                for stream in here:
                    standing = found.get(stream.sid)
                    if standing is None:
                        stream.end(LOGGED_OUT)
                    elif organization_id and standing.actor is None:
                        stream.end(away)
                    else:
                        stream.dies_at = time.monotonic() + standing.lives_for
                        living[stream.sid] = standing
        return living


def _concerned(notices: list[Notice], streams: Iterable[Stream]) -> dict[UUID | None, dict[Stream, list[Notice]]]:
    """Sort out which pages each change may concern: those of its organization, and those of its people."""
    here: dict[UUID | None, list[Notice]] = defaultdict(list)
    for notice in notices:
        here[notice.organization_id].append(notice)
    found: dict[UUID | None, dict[Stream, list[Notice]]] = defaultdict(dict)
    for stream in streams:
        if stream.organization_id is None:
            its = [notice for notice in notices if stream.user_id in notice.people]
        else:
            its = here.get(stream.organization_id, []) + [n for n in here.get(None, []) if stream.user_id in n.people]
        if its:
            found[stream.organization_id][stream] = its
    return found


def _roles(organization_id: UUID | None, here: dict[Stream, list[Notice]], standings: dict[str, Standing]) -> Roles:
    """Ask for people's roles on the projects, where a change was on one."""
    projects = {notice.project_id for its in here.values() for notice in its if notice.project_id}
    if organization_id is None or not projects:
        return {}
    with tenant.inside(organization_id):
        return access.roles_on(projects, {standing.user_id for standing in standings.values()})


def _heard(notices: list[Notice], standing: Standing | None, roles: Roles) -> list[tuple[str, str | None]]:
    """Of what one page hears, and which page caused it; nothing of who has no session or no place any more."""
    if standing is None:
        return []
    if standing.actor:
        return [(topic, n.tab) for n in notices for topic in access.heard_inside(n, standing.actor, roles)]
    return [(topic, n.tab) for n in notices for topic in access.heard_outside(n, standing.user_id)]


def _spread(number: int) -> float:
    """Over how many seconds so many pages that are told at once spread what they ask for."""
    return min(SPREAD * max(number - AT_ONCE, 0), LONGEST_SPREAD)
