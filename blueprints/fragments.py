"""The only file that knows HTMX exists on the server: page or fragment, and how a change is answered."""

from typing import Any, NamedTuple

from flask import Response, g, make_response, redirect, render_template, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response as AnyResponse

from config import settings
from runtime.sessions import by_itself

TOAST = "toast"
NOTICES, TOASTS = "#notices", "#toasts"


class Undo(NamedTuple):
    """What takes a change back: a form like any other, whose version says what it would take back."""

    url: str
    fields: dict[str, str | int]
    what: str  # is taken back, for those who only hear the button: "role of Hana Reyes"


class Toast(NamedTuple):
    """What happened, and how to take it back where that is possible."""

    text: str
    undo: Undo | None = None


def is_fragment() -> bool:
    """Tell whether HTMX asks for a part of a page. A history restore wants the page."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def respond(page: str, fragment: str, status: int = 200, **context: Any) -> Response:
    """Show a thing: its fragment to HTMX, its page to everyone else. Both come from the same partial.

    Args:
        page: the page's template, which includes the fragment's.
        fragment: the partial's template.
        status: 200, or 422 with a form's errors, and so on.
        context: what both templates need.
    """
    if not is_fragment():
        return vary(make_response(render_template(page, **context), status))
    body = render_template(fragment, **context)
    return Response(status=304) if status == 200 and _known(body) else _fragment(body, status)


def changed(fragment: str, to: str, toast: str | Toast = "", **context: Any) -> AnyResponse:
    """Answer a change: the redrawn fragment with a toast or, without HTMX, 303 to the page with the toast on it.

    A reader who is on that page already stays where they are in it, as they narrowed and turned it.
    """
    if not is_fragment():
        here = path_of(request.referrer or "")
        return _see(here if here.partition("?")[0] == to else to, toast)
    return _fragment(render_template(fragment, **context) + _toast(toast), 200)


def leave(to: str, toast: str | Toast = "", status: int = 200) -> AnyResponse:
    """Move the whole browser to another page, never just the fragment. Without HTMX: 303.

    Args:
        to: the address, on this site.
        toast: what happened, shown on arrival.
        status: for HTMX alone, which follows a redirect silently; 401 says that the session is gone.
    """
    if not is_fragment():
        return _see(to, toast)
    answer = _fragment("", status)
    answer.headers["HX-Redirect"] = to
    return _remember(answer, toast)


def note(template: str, status: int, target: str = NOTICES, **context: Any) -> Response:
    """Answer a fragment's request with a note in a fixed place, so that it never lands in a table's cell."""
    response = _fragment(render_template(template, **context), status)
    response.headers["HX-Retarget"] = target
    response.headers["HX-Reswap"] = "beforeend" if target == TOASTS else "innerHTML"
    return response


def current_page() -> str:
    """Return the path and query of the page the browser is on, as it says."""
    url = request.headers.get("HX-Current-URL", "") if is_fragment() else ""
    return path_of(url) or request.full_path.rstrip("?")


def path_of(url: str) -> str:
    """Return the path and query of an address that a browser gave; nothing if it is none. It never fails."""
    _, whole, rest = url.partition("://")
    return "/" + rest.partition("/")[2].partition("#")[0] if whole else ""


def waiting_toast() -> Toast | None:
    """Return the toast that a redirect left for this page; shown once."""
    name = settings().cookie_name(TOAST)
    if name not in request.cookies or by_itself():
        return None
    g.toast_shown = True
    try:
        text, undo = _signer().loads(request.cookies[name])
        return Toast(text, Undo(*undo) if undo else None)
    except BadSignature:
        return None


def forget_toast(response: AnyResponse) -> AnyResponse:
    """Take back the cookie of a toast that was shown."""
    if "toast_shown" in g:
        response.delete_cookie(settings().cookie_name(TOAST), secure=settings().https, httponly=True, samesite="Lax")
    return response


def vary(response: Response) -> Response:
    """Keep pages and fragments of the same address apart in every cache."""
    response.vary.add("HX-Request")
    return response


def _known(body: str) -> bool:
    """Tell whether a page that looks again has this very fragment: it says which version it shows."""
    version = request.headers.get("If-None-Match", "")
    return bool(version) and f'data-version="{version}"' in body


def _fragment(body: str, status: int) -> Response:
    response = vary(make_response(body, status))
    response.headers["Cache-Control"] = "no-store"
    return response


def _see(to: str, toast: str | Toast) -> AnyResponse:
    return _remember(redirect(to, 303), toast)


def _remember(response: AnyResponse, toast: str | Toast) -> AnyResponse:
    """Leave a toast for the next page, in a signed cookie: a session that nobody changed is not written."""
    if toast:
        g.pop("toast_shown", None)  # on a page that this answer takes the place of
        chosen = settings()
        response.set_cookie(
            chosen.cookie_name(TOAST),
            str(_signer().dumps(_whole(toast))),
            max_age=60,
            secure=chosen.https,
            httponly=True,
            samesite="Lax",
        )
    return response


def _toast(toast: str | Toast) -> str:
    return render_template("components/_toast.html", toast=_whole(toast)) if toast else ""


def _whole(toast: str | Toast) -> Toast:
    return Toast(toast) if isinstance(toast, str) else toast


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().keys("toast with undo")[0])
