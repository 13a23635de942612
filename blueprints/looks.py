"""How a browser chose to see pages: colours, the density of lists, and the time zone of what it shows.

Each is a cookie of that name. Without it the device decides the theme, lists are comfortable, and times are UTC.
"""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from flask import g, has_request_context, request

from config import settings

# Names that stand for no place, or are old ones of the same.
_NO_PLACE = ("Etc/", "US/", "Brazil/", "Canada/", "Chile/", "Mexico/", "SystemV/")
ZONES = tuple(sorted(name for name in available_timezones() if "/" in name and not name.startswith(_NO_PLACE)))
LOOKS = {"theme": ("light", "dark"), "density": ("compact",), "zone": frozenset(ZONES)}


def looks() -> dict[str, str]:
    """Return what this browser chose, with nothing for what it left alone."""
    chosen = {name: request.cookies.get(settings().cookie_name(name), "") for name in LOOKS}
    return {name: look if look in LOOKS[name] else "" for name, look in chosen.items()}


def here() -> tzinfo:
    """Return the zone of the times that are shown; UTC outside of a request."""
    if not has_request_context():
        return UTC
    if "zone" not in g:
        name = looks()["zone"]
        g.zone = ZoneInfo(name) if name else UTC
    zone: tzinfo = g.zone
    return zone


def clock(moment: datetime, *, seconds: bool = False) -> str:
    """Return the time of day with its zone: "14:32 UTC", or "15:32:08 CET" with `seconds`."""
    return clock_of(moment.astimezone(here()), seconds=seconds)


def clock_of(local: datetime, *, seconds: bool = False) -> str:
    """Return the same of a moment that is in the reader's zone already."""
    return f"{local.isoformat()[11 : 19 if seconds else 16]} {local.tzname()}"
