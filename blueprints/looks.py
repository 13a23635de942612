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
    """Return what this browser chose, with nothing for what it left alone; outside of a request, nothing at all."""
    if not has_request_context():
        return dict.fromkeys(LOOKS, "")
    if "looks" not in g:
        chosen = {name: request.cookies.get(settings().cookie_name(name), "") for name in LOOKS}
        g.looks = {name: look if look in LOOKS[name] else "" for name, look in chosen.items()}
    return dict(g.looks)


def here() -> tzinfo:
    """Return the zone of the times that are shown."""
    zone = looks()["zone"]
    return ZoneInfo(zone) if zone else UTC


def clock(moment: datetime, *, seconds: bool = False) -> str:
    """Return the time of day with its zone: "14:32 UTC", or "15:32:08 CET" with `seconds`."""
    return f"{moment.astimezone(here()):{'%H:%M:%S' if seconds else '%H:%M'} %Z}"
