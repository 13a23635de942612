"""What a browser calls itself, in the words of people."""

import re

# The first that fits: most browsers also claim to be those below them here.
BROWSERS = {
    "Edge": r"Edg(?:e|A|iOS)?/",
    "Opera": r"OPR/",
    "Samsung Internet": r"SamsungBrowser/",
    "Firefox": r"Firefox/|FxiOS/",
    "Chrome": r"Chrom(?:e|ium)/|CriOS/",
    "Safari": r"Safari/",
}
SYSTEMS = {
    "iPhone": r"iPhone",
    "iPad": r"iPad",
    "Android": r"Android",
    "Windows": r"Windows",
    "ChromeOS": r"CrOS",
    "macOS": r"Mac OS X|Macintosh",
    "Linux": r"Linux|X11",
}


def device(user_agent: str | None) -> str:
    """Name the browser and the system of a User-Agent header: "Chrome on Windows"; unknown ones say so."""
    browser, system = _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)
    return f"{browser or 'A browser'} on {system}" if system else browser or "An unknown browser"


def _first(known: dict[str, str], user_agent: str | None) -> str | None:
    return next((name for name, sign in known.items() if re.search(sign, user_agent or "")), None)
