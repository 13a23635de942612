"""Flask-Session's interface on our own sessions table.

One read a request, in the statement that also finds the user, the organization and the role; a write only when
something changed, or when the session was last seen more than five minutes ago. Data is JSON, never pickle. The
table holds an HMAC of the cookie, so that nothing in it works as a cookie.
"""

import hashlib
import hmac
import json
import secrets
from datetime import timedelta
from typing import Any

import psycopg
from flask import Flask, Request, Response, request
from flask_session.base import ServerSideSession, ServerSideSessionInterface
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config import BROWSER_LIFE, settings
from models import audit, db, housekeeping
from models.identity import Identity

REFRESH = "X-Refresh"  # a page says so that it looks again by itself: that keeps nobody logged in
STREAM = "text/event-stream"  # what a live page listens to, and asks for by itself as well

# The web role has no right on the table; what may be done with it are functions of its owner (migration 0009), which
# write a log-in's and a log-out's audit event along. A new id for the same person's session is neither. With the log-in
# its browser becomes one that the account knows (migration 0017); first of the two, it sees whether there was another.
_BEGIN = text("""
    SELECT know_browser(:user_id, :epoch, :browser, :known_for, CAST(:ip AS inet), :user_agent, NOT :renewed),
           begin_session(:sid, CAST(:sess AS jsonb), :user_id, :epoch, :idle, CAST(:ip AS inet),
                         :user_agent, :request_id, :renewed)
""")
_KEEP = text("SELECT keep_session(:sid, CAST(:sess AS jsonb), :idle, :longest)")
_RENEW = text("SELECT renew_session(:sid, :new_sid)")
_END = text("SELECT end_session(:sid, CAST(:ip AS inet), :request_id, :renewed)")


class BrowserSession(ServerSideSession):
    """What Flask calls `session`. Its sid is the cookie's value; None until somebody logs in."""

    browser = b""  # what its account will know the browser by
    epoch: int | None = None  # the credential epoch that a log-in was checked against, until the row is written
    stored = False
    touch = False
    renewed = False  # a new id for whom the session was already


class PostgresSessions(ServerSideSessionInterface):
    """Sessions in Postgres."""

    session_class = BrowserSession
    ttl = False

    def __init__(self, app: Flask) -> None:
        """Serve sessions to an application; see config.py for how long they live."""
        super().__init__(app, key_prefix="", serialization_format="json", cleanup_n_requests=None, sid_length=32)

    def open_session(self, app: Flask, request: Request) -> BrowserSession:
        """Take the cookie's value. Nothing is read yet: only after routing is it known which organization is asked."""
        return BrowserSession(sid=request.cookies.get(self.get_cookie_name(app)))

    def load(self, session: BrowserSession, slug: str | None) -> Identity | None:
        """Fill the session from its row, and find its user with their standing in the organization.

        An id that we did not issue, or that is dead, is forgotten: it is never adopted.
        """
        found = Identity.load(self._get_store_id(session.sid), slug) if session.sid else None
        if found is None:
            session.sid = None
            return None
        dict.update(session, found.data)
        session.stored, session.touch = True, found.seen_long_ago and not by_itself()
        return found

    def renew(self, session: BrowserSession) -> None:
        """Give the session a new id; the old one is dead at once. It stays as old as it is: nobody proved anything."""
        before = self._get_store_id(session.sid)
        session.sid = self._generate_sid(self.sid_length)
        self._execute(_RENEW, {"sid": before, "new_sid": self._get_store_id(session.sid)})
        session.modified = True

    def begin(self, session: BrowserSession, epoch: int, browser: bytes, *, renewed: bool = False) -> None:
        """Begin the session of somebody who was just proven, with a new id; the old one is dead at once.

        Args:
            session: with the user's id in it.
            epoch: the credential epoch of the account as it was when its password was checked.
            browser: what the account will know the browser by.
            renewed: True where it was the same person's before, so that nobody logged in or out.
        """
        session.epoch, session.browser, session.renewed = epoch, browser, renewed
        session.permanent = True
        if session.sid:
            self._delete_session(self._get_store_id(session.sid), renewed=renewed)
        session.sid = self._generate_sid(self.sid_length)
        session.modified, session.stored = True, False

    def save_session(self, app: Flask, session: BrowserSession, response: Response) -> None:
        """Write the session where it must be, or take the cookie back from who logged out.

        A browser lets go of a __Host- cookie only for one that is Secure too, which Flask-Session's is not.
        """
        if not (session.modified or session.touch):
            if session.accessed:
                response.vary.add("Cookie")
            return
        if session or not session.modified:
            try:
                super().save_session(app, session, response)
            except DBAPIError as error:
                if session.modified or not isinstance(error.orig, psycopg.errors.ReadOnlySqlTransaction):
                    raise  # that the browser was here is not worth keeping a page from it
            return
        self._delete_session(self._get_store_id(session.sid))
        response.vary.add("Cookie")
        response.delete_cookie(
            self.get_cookie_name(app),
            secure=self.get_cookie_secure(app),
            httponly=True,
            samesite=self.get_cookie_samesite(app),
        )

    def should_set_storage(self, app: Flask, session: BrowserSession) -> bool:
        """Write what changed, and now and then that the browser was here."""
        return session.modified or session.touch

    def _get_store_id(self, sid: str | None) -> str:
        key = settings().keys("session")[0]
        return hmac.digest(key, (sid or "").encode("utf-8", "replace"), hashlib.sha256).hex()

    def _generate_sid(self, session_id_length: int) -> str:
        return secrets.token_urlsafe(session_id_length)

    def _retrieve_session_data(self, store_id: str) -> dict[str, Any] | None:
        raise NotImplementedError("Sessions are read by load(), with the user and the organization.")

    def _upsert_session(self, session_lifetime: timedelta, session: BrowserSession, store_id: str) -> None:
        chosen = settings()
        values: dict[str, Any] = {
            "sid": store_id,
            "sess": json.dumps(dict(session)),
            "idle": timedelta(days=min(chosen.session_idle_days, chosen.session_max_days)),
        }
        if session.stored:
            self._execute(_KEEP, values | {"longest": timedelta(days=chosen.session_max_days)})
        else:
            self._execute(
                _BEGIN,
                values
                | {
                    "user_id": session["_user_id"],
                    "epoch": session.epoch,
                    "browser": session.browser,
                    "known_for": BROWSER_LIFE,
                    "user_agent": request.user_agent.string[:300],
                    **_asked(renewed=session.renewed),
                },
            )
            session.stored = True

    def _delete_session(self, store_id: str, *, renewed: bool = False) -> None:
        self._execute(_END, {"sid": store_id, **_asked(renewed=renewed)})

    def _delete_expired_sessions(self) -> None:
        housekeeping.delete_expired_sessions()

    def _execute(self, statement: Any, values: dict[str, Any]) -> None:
        """Send one statement by itself. What a view left uncommitted is dropped first, never saved along with it."""
        db.session.rollback()
        db.session.connection().execute(statement, values)


def by_itself() -> bool:
    """Tell whether a page asks without its reader: to look again, or for its stream."""
    return REFRESH in request.headers or STREAM in request.headers.get("Accept", "")


def _asked(*, renewed: bool) -> dict[str, Any]:
    """What the event of a log-in or log-out says beside whose it is."""
    asking = audit.asking()
    ip, request_id = (asking.ip, asking.request_id) if asking else (None, None)
    return {"ip": ip, "request_id": request_id, "renewed": renewed}
