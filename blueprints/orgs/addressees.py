"""Reading the addresses of people to invite, however they were pasted."""

import re
from dataclasses import dataclass, field

from models.text import Address, BadText, address

_QUOTED_NAME = re.compile(r'"[^"]*"')
_IN_BRACKETS = re.compile(r"<([^<>]*)>")
SHOWN = 60  # characters of what was misspelt


@dataclass
class Found:
    """What a text held."""

    count: int
    addresses: list[Address] = field(default_factory=list)
    twice: list[Address] = field(default_factory=list)
    misspelt: list[str] = field(default_factory=list)  # as typed
    problems: list[str] = field(default_factory=list)  # a sentence for each


def read(text: str, most: int) -> Found:
    """Find every address in a text: separated by commas, semicolons, spaces or lines, or as `Name <a@b.c>`.

    Args:
        text: what was typed or pasted.
        most: how many are looked at; of more, only the number is told.
    """
    typed = [(n, word) for n, line in enumerate(_lines(text), 1) for word in _words(line)]
    found = Found(len(typed))
    if found.count > most:
        return found
    known: dict[str, Address] = {}
    for number, word in typed:
        try:
            read_one = address(word)
        except BadText as error:
            shown = word if len(word) <= SHOWN else word[:SHOWN] + "…"
            found.misspelt.append(word)
            found.problems.append(f"Line {number}: “{shown}” {error}")
            continue
        if read_one.key in known:
            found.twice.append(read_one)
        known.setdefault(read_one.key, read_one)
    found.addresses = list(known.values())
    return found


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _words(line: str) -> list[str]:
    """Take a line apart into what stands for an address each. Names before a bracketed address are left out."""
    words: list[str] = []
    for part in re.split("[,;]+", _QUOTED_NAME.sub(" ", line)):
        if "<" not in part:
            words += part.split()
            continue
        bracketed = _IN_BRACKETS.findall(part)
        around = _IN_BRACKETS.sub(" ", part).split()
        words += [word for word in around if not bracketed or "@" in word]
        words += [inner.strip() for inner in bracketed]
    return words
