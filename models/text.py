"""Cleaning what people type before it is judged or stored."""

import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

# Controls, surrogates, and the marks that reverse or isolate the text around a name.
_UNFIT = {"Cc", "Cs"}
_DIRECTION = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")
UNREADABLE = "\ufffd"  # what a browser's bytes that are not UTF-8 are decoded to

MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3: a path of 256 octets less its angle brackets


class BadText(ValueError):
    """The text cannot be used; the message says why, without naming the field."""


@dataclass(frozen=True)
class Address:
    """An email address: as it was typed, and in the form in which two addresses are compared."""

    typed: str
    key: str


def clean_line(text: str, longest: int) -> str:
    """Trim and normalise one line.

    Args:
        text: what was typed.
        longest: the most characters allowed after trimming. It is checked before normalising, whose cost is
            quadratic in hostile input (PROMISES.md section 2).

    Raises:
        BadText: too long, or with control characters or characters that could not be read.
    """
    text = text.strip()
    if len(text) > longest:
        raise BadText(f"must have at most {longest} characters")
    if unfit(text):
        raise BadText("has characters that cannot be used here, like a line break or a control character")
    return unicodedata.normalize("NFC", text)


def clean_text(text: str, longest: int) -> str:
    """Trim and normalise text that may have several lines; the same rules and errors as clean_line."""
    lines = text.strip().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if sum(map(len, lines)) + len(lines) - 1 > longest:
        raise BadText(f"must have at most {longest} characters")
    return "\n".join(clean_line(line, longest) for line in lines)


def unfit(text: str) -> bool:
    """True if the text has a character that no name, address or search of ours may have."""
    return any(c in _DIRECTION or c == UNREADABLE or unicodedata.category(c) in _UNFIT for c in text)


def address(text: str) -> Address:
    """Read one email address.

    Raises:
        BadText: it is not one; the message says what is missing where that is plain.
    """
    text = text.strip()
    if len(text) > MAX_EMAIL or unfit(text):
        raise BadText("is not an email address")
    if text.endswith("@"):
        raise BadText(f"is missing a domain, like {text}example.com")
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        raise BadText("is not an email address like name@example.com") from None
    return Address(found.normalized, found.normalized.lower())
