"""The door. Who is asking, for what, and may they? In that order, every time.

Each route declares its gate; the application refuses to start with one that does not. A view is given the object
that its finder found inside the tenant, and that the authority permitted: never an id.
"""

import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from flask import Flask, Response, abort, current_app, g, redirect, request, session, url_for
from flask_login import login_user, logout_user

import access
from access import Permission
from blueprints import browsers, csrf
from blueprints.fragments import current_page, is_fragment, leave
from blueprints.headers import request_id
from models import OrganizationSlug, User, audit, db, tenant, work
from models.base import TAB
from models.identity import Identity, Viewer
from runtime import metrics
from runtime.sessions import BrowserSession, PostgresSessions, by_itself

View = Callable[..., Any]
SAFE = {"GET", "HEAD", "OPTIONS"}
_TAB = re.compile(r"[0-9-]{1,40}")
_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")  # a path on this site, and nothing a browser would bend


def bare(view: View) -> View:
    """Open to everyone, and looks at nobody: no cookie is read and no database asked."""
    view.gate = "bare"  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """Open to everyone; g.identity says who is logged in, if somebody is."""
    return _gated(view, "public", _nothing)


def signed_in(view: View) -> View:
    """Open to whoever is logged in."""
    return _gated(view, "signed in", _nothing, needs_login=True)


def inside(view: View) -> View:
    """Open to the organization's members and guests."""
    return _gated(view, "inside", _nothing, needs_login=True)


def requires(permission: Permission, on: Callable[..., Any] | None = None) -> Callable[[View], View]:
    """Open the view to those who hold a permission.

    Args:
        permission: what it takes.
        on: finds the object from the ids in the address, inside the tenant; it answers 404 itself. The view gets
            what it returns; of several, the first is what the permission is asked on.
    """

    def find(**ids: Any) -> tuple[Any, ...]:
        found = on(**ids) if on else ()
        return found if isinstance(found, tuple) else (found,)

    def check(*found: Any) -> None:
        access.require(g.actor, permission, *found[:1])

    return lambda view: _gated(view, permission, find, check, needs_login=True)


def _nothing(**ids: Any) -> tuple[Any, ...]:
    return tuple(ids.values())


def _gated(
    view: View, gate: object, find: Callable[..., tuple[Any, ...]], check: View | None = None, needs_login: bool = False
) -> View:
    """Ask in the one order: another site? logged in? in this organization? found? permitted? our own form?"""

    @wraps(view)
    def gated(**ids: Any) -> Any:
        unsafe = request.method not in SAFE
        if unsafe and csrf.from_elsewhere():
            abort(403)
        if needs_login and g.identity is None:
            return _log_in_first()
        if g.slug is not None and g.actor is None:
            return _not_here()
        if g.org is not None and g.org.lacks_step:
            raise access.StepNeeded(g.org.name)
        found = find(**ids)
        if check:
            check(*found)
        if unsafe and _is_a_button() and not csrf.is_genuine(request.form.get("csrf_token")):
            abort(422)
        return view(*found)

    gated.gate = gate  # type: ignore[attr-defined]
    return gated


def _is_a_button() -> bool:
    """A route that only takes POST. One that also shows its form checks the token with the form, and keeps it."""
    rule = request.url_rule
    return rule is not None and "GET" not in (rule.methods or ())


def _log_in_first() -> Any:
    if by_itself():
        return Response(status=401)  # a script's request would follow a redirect, and take the log-in page for its own
    if request.method in SAFE or is_fragment():
        target = current_page()
    else:
        target = url_for("orgs.home", slug=g.slug) if g.slug else url_for("orgs.index")
    to = url_for("auth.login", next=target, why="expired" if is_fragment() or "expired" in g else None)
    return leave(to, status=401) if is_fragment() else redirect(to, 302)


def _not_here() -> Any:
    """Answer for an organization that does not exist for this person; a member is led from its former address."""
    if request.method in SAFE and g.identity:
        slug = OrganizationSlug.current(g.slug)
        if slug and slug != g.slug and access.visits(g.identity.viewer.id, slug):
            ids: Any = dict(request.view_args or {}, slug=slug)
            return redirect(url_for(request.endpoint or "", **ids), 302)
    if g.identity:
        audit.count_refusal(audit.STRANGER)
    return abort(404)


# --- who is asking --------------------------------------------------------------------------------------------


def pull_slug(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Take the organization's address out of the route's values: views never see it."""
    g.slug = values.pop("slug", None) if values else None


def push_slug(endpoint: str, values: dict[str, Any]) -> None:
    """Fill the organization's address into every link that wants one."""
    if g.get("slug") and current_app.url_map.is_endpoint_expecting(endpoint, "slug"):
        values.setdefault("slug", g.slug)


def load_identity() -> None:
    """Before each request: who is logged in, the organization in the address, and their standing there."""
    g.identity = g.actor = g.org = None
    g.began = time.time()  # before anything is read
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "gate", None) == "bare":
        return
    had_cookie = _session().sid is not None
    g.identity = _sessions().load(_session(), g.slug)
    if g.identity:
        g.actor, g.org = g.identity.actor, g.identity.place
        _enter(g.identity)
    elif had_cookie:
        g.expired = True
    me, asked = viewer(), work.current()
    asked.user_id, asked.organization_id = me and me.id, g.org and g.org.id
    tab = request.headers.get("X-Tab", "")
    db.session.info[TAB] = tab if _TAB.fullmatch(tab) else None
    audit.begin(audit.Asking(me.id if me else None, request.remote_addr or None, request_id()))


def _enter(identity: Identity) -> None:
    """Let the database show the tenant that the person was found in; outside of one, what is their own."""
    viewer = identity.viewer
    if identity.place:
        tenant.enter(identity.place.id)
    else:
        tenant.own(viewer.id, viewer.email_key if viewer.email_verified else None)


def load_viewer(_user_id: str) -> Viewer | None:
    """Flask-Login's user loader: the account was found with the session, so nothing is asked."""
    return g.identity.viewer if g.identity else None


def log_in(user: User) -> None:
    """Begin a session for an account that was just proven, in a browser that it knows from now on.

    The old id is dead at once.
    """
    verified = user.email_verified_at is not None
    me = viewer()
    session.clear()
    login_user(Viewer(user.id, user.email, user.email_key, user.name, verified))
    work.current().user_id = user.id
    renewed = me is not None and me.id == user.id
    if not renewed:
        metrics.LOG_INS.labels(metrics.SUCCEEDED).inc()
    _sessions().begin(_session(), user.credential_epoch, browsers.keep(), renewed=renewed)


def renew_id() -> None:
    """Give the session of who is logged in a new id, because what they may do has changed; it proves nothing anew."""
    _sessions().renew(_session())


def hold_session() -> None:
    """Make sure that this session still lives, and keep its password from changing until the transaction ends.

    For what outlives a session, such as a passkey: whoever was shut out in this moment leaves none behind.
    """
    if not g.identity.hold():
        abort(_log_in_first())


def log_out() -> None:
    """End this session, and no other."""
    logout_user()
    session.clear()


def safe_path(target: str | None) -> str | None:
    """Return a `next` address if it is a path on this site; None for anything a browser could take elsewhere."""
    return target if target and len(target) < 2000 and _PATH.fullmatch(target) else None


def can(permission: Permission, subject: Any = None) -> bool:
    """The authority, for templates."""
    return access.allows(g.get("actor"), permission, subject)


def viewer() -> Viewer | None:
    """Return who is logged in."""
    identity: Identity | None = g.get("identity")
    return identity.viewer if identity else None


def refuse_undeclared_routes(app: Flask) -> None:
    """Stop an application that has a route without a gate.

    Raises:
        RuntimeError: naming the routes.
    """
    undeclared = [r.endpoint for r in app.url_map.iter_rules() if not hasattr(app.view_functions[r.endpoint], "gate")]
    if undeclared:
        raise RuntimeError(f"Declare a gate (@public, @signed_in, @requires …) on: {', '.join(sorted(undeclared))}")


def _session() -> BrowserSession:
    return cast("BrowserSession", session._get_current_object())  # type: ignore[attr-defined]


def _sessions() -> PostgresSessions:
    return cast("PostgresSessions", current_app.session_interface)
