"""What an event of the audit log says, as a sentence with its names marked."""

from collections import defaultdict
from typing import Any

from markupsafe import Markup, escape

import access
from models import Role
from models.audit.actions import ACTIONS

HOST, SOMEBODY, FORMER = "The host", "Somebody who was not logged in", "a former member"
FOLLOWS = "the organization’s role"
_PERSON, _PROJECT = Markup("<strong><bdi>{}</bdi></strong>"), Markup("<em><bdi>{}</bdi></em>")
_THING = Markup("<bdi>{}</bdi>")


def sentence(row: Any) -> Markup:
    """Tell an event.

    Args:
        row: of events.read().
    """
    action = ACTIONS.get(row.action)
    words: dict[str, Any] = defaultdict(lambda: "…")
    words.update({f"old_{name}": _said(name, fact) for name, fact in (row.before or {}).items()})
    words.update({f"new_{name}": _said(name, fact) for name, fact in (row.after or {}).items()})
    words["actor"] = _PERSON.format(actor(row))
    words["subject"] = _PERSON.format(row.subject or FORMER)
    words["project"] = _PROJECT.format(row.project or words.get("old_name") or "a deleted project")
    words["action"] = row.action
    return escape(action.sentence if action else "{actor}: {action}").format_map(words)


def actor(row: Any) -> str:
    """Name who did it. What no request did, the host's own commands did."""
    if row.actor_id:
        return row.actor or FORMER
    return SOMEBODY if row.request_id else HOST


def details(row: Any) -> list[tuple[str, Any]]:
    """Return all that the log keeps of an event, by name: each fact as it was and as it is."""
    before, after, action = row.before or {}, row.after or {}, ACTIONS.get(row.action)
    return [
        ("What", action.label if action else row.action),
        *((_name(fact), _change(fact, before, after)) for fact in {**before, **after}),
        ("Time", f"{row.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("Number", row.seq),
        ("Request", row.request_id or "None: a command of the host"),
        ("Hash", row.hash.hex()),
    ]


def _name(fact: str) -> str:
    return fact.replace("_", " ").capitalize()


def _change(fact: str, before: Any, after: Any) -> Markup:
    return Markup(" → ").join(_said(fact, side[fact]) for side in (before, after) if fact in side)


def _said(name: str, fact: Any) -> Any:
    """A fact as a part of a sentence: roles and permissions by what people call them."""
    if name in ("role", "least"):
        return Role[fact].label if fact in Role.__members__ else FOLLOWS
    if name == "permission" and fact in access.PERMISSIONS:
        return access.PERMISSIONS[fact].words
    return _THING.format({True: "Yes", False: "No"}.get(fact, fact) if isinstance(fact, bool) else fact)
