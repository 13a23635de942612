"""The smallest pieces of pages, which templates call like macros: signs, buttons, people, roles.

They stand in each row of every list. Written in Python, each takes a tenth of the time that it took as a macro, and
fifty rows of macros were most of what a page took (bench/README.md). What is larger is a macro (templates/components).
Whatever is put into markup here is escaped where it is put; tests/pages/test_pieces.py tries to get around it.
"""

from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from flask import Flask
from markupsafe import Markup, escape

from blueprints.assets import asset
from blueprints.live import by_itself
from blueprints.presentation import hue, initials
from models import Role


def init_app(app: Flask) -> None:
    """Give every template these functions, `{{ who(user.name, user.id) }}`, and the roles by name."""
    pieces = (attributes, icon, button, link_button, dialog_link, avatar, who, tag, role_badge)
    app.jinja_env.globals.update({piece.__name__: piece for piece in pieces}, Role=Role)


def attributes(values: dict[str, Any]) -> Markup:
    """Return attributes of an element: ` hx-get="…" open` for `{"hx_get": url, "open": True, "id": None}`.

    None and False print nothing. Nor does `autofocus` in what a page shows again by itself: it would take the focus
    from its reader.
    """
    printed = []
    for name, value in values.items():
        if value is None or value is False or (name == "autofocus" and by_itself()):
            continue
        printed.append(f" {name.replace('_', '-')}" + ("" if value is True else f'="{escape(value)}"'))
    return Markup("".join(printed))


@cache
def _icon(name: str, file: str) -> Markup:
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>').format(file, name)


def icon(name: str) -> Markup:
    """Return a Lucide symbol from static/icons.svg. It is silent, so words always stand beside it."""
    return _icon(name, asset("icons.svg"))


def button(label: str, kind: str = "", icon: str | None = None, more: str | None = None, **others: Any) -> Markup:
    """Return a button, which submits its form.

    Args:
        label: what it says.
        kind: "primary", "danger", "quiet" or nothing.
        icon: a symbol before the label.
        more: words that only assistive technology reads: "invitation for ana@example.com" after "Revoke".
        others: further attributes.
    """
    return Markup(f'<button class="btn {escape(kind)}"{attributes(others)}>{_face(label, icon, more)}</button>')


def link_button(
    label: str, url: str, kind: str = "", icon: str | None = None, more: str | None = None, **others: Any
) -> Markup:
    """Return a link to a page that looks like a button; see button()."""
    return Markup(
        f'<a class="btn {escape(kind)}" href="{escape(url)}"{attributes(others)}>{_face(label, icon, more)}</a>'
    )


def dialog_link(
    label: str, url: str, id: str, kind: str = "quiet", icon: str | None = None, more: str | None = None, **others: Any
) -> Markup:
    """Return a link that opens its page's dialog in #slot; without JavaScript, the page.

    The id is needed: the focus comes back to it. See button().
    """
    place = f'id="{escape(id)}" href="{escape(url)}" data-dialog{attributes(others)}'
    return Markup(f'<a class="btn {escape(kind)}" {place}>{_face(label, icon, more)}</a>')


@lru_cache(maxsize=4096)
def avatar(name: str, id: UUID | str, org: bool = False) -> Markup:
    """Return initials on a steady colour; the name stands beside it. Kept, for lists show the same people again."""
    kind, letters = "avatar org" if org else "avatar", escape(initials(name))
    return Markup(f'<span class="{kind}" data-h="{hue(id)}" aria-hidden="true">{letters}</span>')


def who(
    name: str,
    id: UUID | str,
    sub: str | None = None,
    url: str | None = None,
    you: bool = False,
    org: bool = False,
    box: str = "",
) -> Markup:
    """Return an avatar, a name and a second line.

    Args:
        name: of a person or an organization.
        id: whose colour the avatar has.
        sub: the second line.
        url: where the name leads.
        you: whether this is who reads it.
        org: whether it is an organization.
        box: a checkbox before it all.
    """
    shown = f'<a href="{escape(url)}">{escape(name)}</a>' if url else f"<bdi>{escape(name)}</bdi>"
    mine = f" {tag('You')}" if you else ""
    below = f"<small>{escape(sub)}</small>" if sub else ""
    return Markup(f'<div class="who">{escape(box)}{avatar(name, id, org)}<div>{shown}{mine}{below}</div></div>')


def tag(text: str, tone: str = "") -> Markup:
    """Return a short word about the thing beside it. Tones: "warn", "bad", "ok", or none."""
    return Markup(f'<span class="tag {escape(tone)}">{escape(text)}</span>')


def role_badge(role: Role | None, inherited: bool = False) -> Markup:
    """Return four bars and the role's name. Solid edge: set here. Dashed edge: it comes from the organization.

    Nothing for no role: whoever lost it while the page was drawn.
    """
    return _BADGES[role, bool(inherited)] if role else Markup()


def _face(label: str, sign: str | None, more: str | None) -> str:
    before = icon(sign) if sign else ""
    return f'{before}{escape(label)}<span class="sr"> {escape(more)}</span>' if more else f"{before}{escape(label)}"


_BADGES = {
    (role, inherited): Markup(
        f'<span class="role" data-role="{role.name.lower()}"'
        + (' data-from="inherited"' if inherited else "")
        + f">{role.label}</span>"
    )
    for role in Role
    for inherited in (False, True)
}
