"""How the pages write names, numbers and times: the filters that templates share."""

import unicodedata
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zlib import crc32

from flask import Flask
from markupsafe import Markup

from access import Affected
from blueprints.looks import clock, clock_of, here

HUES = 12
_DAY = timedelta(days=1)
_UNITS = (("day", _DAY), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_JOINER = "\N{ZERO WIDTH JOINER}"
_CONTINUES = ("Mn", "Mc", "Me", "Sk")  # accents, vowel signs, skin tones


def init_app(app: Flask) -> None:
    """Give every template these functions as filters: `{{ user.name | initials }}`."""
    for function in (initials, hue, short, when, day, clock, until, plural, counted):
        app.jinja_env.filters[function.__name__] = function


def initials(name: str) -> str:
    """The one or two letters that stand for a name on its avatar.

    The first letters of the first and last word; one alone where two would be misread: wide scripts (Japanese,
    Chinese, Korean) and scripts that join or run from right to left. A name without letters shows its first
    character, and an empty one a question mark.
    """
    words = [letter for word in name.split() if (letter := _first_letter(word))]
    if not words:
        return _character(name.strip(), 0) or "?"
    if len(words) == 1 or not _pairs(words[0]) or not _pairs(words[-1]):
        return words[0]
    return words[0] + words[-1]


def hue(id: UUID | str) -> int:
    """The colour bucket of an avatar, 0 to 11: always the same for the same id."""
    return crc32(str(id).encode()) % HUES


def short(id: UUID) -> str:
    """A key as the `id` of an element: 22 characters of base64url, for in long lists 36 are a weight."""
    return urlsafe_b64encode(id.bytes).decode().rstrip("=")


def when(moment: datetime, now: datetime | None = None, *, seconds: bool = False) -> Markup:
    """A past moment as `<time>`: "3 hours ago" within a day, then "14 Mar 2026"; what that leaves out is its title.

    With `seconds`, what happened within the last minute is not "just now" but "12 seconds ago".
    """
    passed, local = (now or datetime.now(UTC)) - moment, moment.astimezone(here())
    words = (_seconds_ago(passed) if seconds else "") or _ago(passed)
    date, time = _date(local), clock_of(local)
    title = f"{date}, {time}" if words else time
    at = moment.astimezone(UTC).isoformat()[:16]
    return Markup(f'<time datetime="{at}Z" title="{title}">{words or date}</time>')  # nothing in it comes from people


def day(moment: datetime, now: datetime | None = None) -> str:
    """A date inside a sentence: "3 March", and the year where it is not this one."""
    moment, now = moment.astimezone(here()), (now or datetime.now(UTC)).astimezone(here())
    return f"{moment.day} {moment:%B}" + (f" {moment:%Y}" if moment.year != now.year else "")


def until(moment: datetime, now: datetime | None = None) -> str:
    """How long something still lasts: "in 3 days", or "expired"."""
    left = moment - (now or datetime.now(UTC))
    if left <= timedelta(0):
        return "expired"
    return f"in {_span(left) or 'less than a minute'}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """A number with its noun: "1 member", "10,000 members"; `many` is for "person" and "people"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def counted(affected: Affected, one: str, many: str | None = None) -> str:
    """How many, and the first few by name: "2 projects (Atlas and Payroll)", "9 people (Ana, Ben, Cy and 6 more)"."""
    said = plural(affected.number, one, many)
    if not affected.names:
        return said
    more = affected.number - len(affected.names)
    *first, last = [*affected.names, f"{more:,} more"] if more else affected.names
    return f"{said} ({', '.join(first)} and {last})" if first else f"{said} ({last})"


def _first_letter(word: str) -> str:
    """The first letter or digit of a word with the signs that belong to it, as a capital; none in "(–)"."""
    for place, sign in enumerate(word):
        if sign.isalnum():
            whole = _character(word, place)
            capital = whole.upper()
            return capital if len(capital) == len(whole) else whole
    return ""


def _character(text: str, start: int) -> str:
    """What a reader takes for one character: with its accents, joined emoji, or the two halves of a flag."""
    end = start + 1
    if text[end : end + 1].isascii() and text[end : end + 1].isalnum():
        return text[start]  # nearly always
    while end < len(text) and (
        text[end] == _JOINER
        or text[end - 1] == _JOINER
        or unicodedata.category(text[end]) in _CONTINUES
        or (end == start + 1 and _is_flag_half(text[start]) and _is_flag_half(text[end]))
    ):
        end += 1
    return text[start:end]


def _pairs(letter: str) -> bool:
    """Whether two such letters side by side read as initials."""
    if letter.isascii():
        return True
    wide = unicodedata.east_asian_width(letter[0]) in ("W", "F")
    return not wide and unicodedata.bidirectional(letter[0]) not in ("R", "AL")


def _is_flag_half(sign: str) -> bool:
    return "\N{REGIONAL INDICATOR SYMBOL LETTER A}" <= sign <= "\N{REGIONAL INDICATOR SYMBOL LETTER Z}"


def _date(moment: datetime) -> str:
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _ago(passed: timedelta) -> str:
    """How long ago, within a day; nothing later. Clocks differ a little, so the near future is "just now"."""
    if passed >= _DAY:
        return ""
    span = _span(passed)
    return f"{span} ago" if span else "just now"


def _seconds_ago(passed: timedelta) -> str:
    seconds = int(passed.total_seconds())
    return f"{plural(seconds, 'second')} ago" if 0 < seconds < 60 else ""


def _span(length: timedelta) -> str:
    """A length of time in its largest unit, to the nearest: "3 days"; nothing below a minute."""
    for unit, size in _UNITS:
        if length >= size:
            return plural(round(length / size), unit)
    return ""
