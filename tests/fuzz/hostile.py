"""Values that no browser sends, or that somebody typed to see what happens (PROMISES.md section 2)."""

import json
from random import Random
from uuid import UUID

# An element and a sum of nobody's: tests/fuzz/oracle.py looks whether they were taken for HTML, or for a template.
ELEMENT, SUM = "<xq9", "29172913"
NAMES = ["next", "why", "q", "page", "show", "since", "member", "project", "email", "role", "status", "sort", "version"]
MARKS = "\u0301\u0323".encode()  # in the wrong order: the time to put many right grows with their square
METHODS = ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "get", "QUERY", "X" * 300]

_PLACES = r"/ //evil.example /%09/evil.example /%0d%0aX-Injected:1 \\evil.example /\evil.example ////evil /%5cevil"
_NUMBERS = "0 -0 -1 1.5 1e400 -1e400 nan inf 0x1F 1_000 ٣ ² 2147483648 9223372036854775808 OWNER owner true"
_TIMES = "1999-13-45 0000-00-00 9999-12-31 10000-01-01 infinity now 2026-02-30T25:61:61Z"
_TEXTS = [
    *(
        "",
        " ",
        "\t",
        ".",
        "..",
        "../../etc/passwd",
        "%",
        "%00",
        "%zz",
        "null",
        "None",
        "undefined",
        "[]",
        "{}",
        "#",
        "?",
    ),
    *("\0", "a\0b", "\x01\x1f\x7f", "\x80\x9f", "\r\nX-Injected: 1", "a\nBcc: all@example.com", "\r", "\x1b[2J"),
    *("\ufffd", "\ufeff", "\uffff", "\U0010ffff", "\u202emoc.elpmaxe", "\u2066x\u2069", "\u200b", "\u2028", "🏳️‍🌈"),
    *("\u212aofi", "\u0131nfo@example.org", "\u017fven", "İ", "ß", "ﷺ", "e\u0301", "\u0301", "xn--80ak6aa92e"),
    *_PLACES.split(),
    *("/\t/evil.example", "https:evil.example", "https://evil.example/", "javascript:alert(1)", "data:text/html,x"),
    *("http://[", "//[::1", "http://user@evil.example:99999/", "@evil.example", "/orgs"),
    *('"><xq9 onload=alert(1)>', "<xq9>", "'\"`><xq9 x=", "--><xq9>", "</title><xq9>", "</textarea><xq9 autofocus>"),
    *("{{ 4167559 * 7 }}", "{% if 1 %}{{ 4167559 * 7 }}{% endif %}", "${4167559*7}", "#{4167559*7}", "{0.__class__}"),
    *("' OR '1'='1", "'; DROP TABLE users; --", "1) UNION ALL (2", "\\", "\\'", "%s", "%(id)s", ":id", "$1", "_%"),
    *_NUMBERS.split(),
    *("1" * 30, "-" + "9" * 30, str(UUID(int=0)), str(UUID(int=2**128 - 1))),
    *("a@b", "a@b,c@example.com", "a@example.org\nBcc: b@example.org", '"a b"@example.org', "a@[127.0.0.1]", "@"),
    *_TIMES.split(),
    *("x" * 101, "x" * 5000, "\u0301\u0323" * 2000, "ﷺ" * 3000, "(" * 2000, "🦉" * 1500, "a@" + "b." * 99, "a," * 3000),
]
_BYTES = [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"a\xfe\xc3", b"\xf0\x9f", b"\xc0\xaf", b"\xf8\x88\x80\x80\x80"]
_HEADERS = {
    "Host": [b"evil.example", b"localhost:99999", b"localhost@evil.example", b"[", b"[::1]", b"", b"\xff", b"x" * 300],
    "Origin": [b"null", b"http://evil.example", b"http://[", b"//[::1", b"http://localhost:x", b"\xff", b"localhost"],
    "Referer": [b"http://[", b"http://evil.example//evil.example", b"http://localhost\\@evil", b"x:y", b"\xff"],
    "HX-Current-URL": [b"http://localhost//evil.example", b"//evil.example", b"http://[", b"http://a//[::1", b"\xff"],
    "Accept": [b"text/event-stream", b"application/json", b"*/*;q=nan", b";;;,,,", b"text/html;q=1e400", b"a/b" * 900],
    "Accept-Encoding": [b"gzip;q=0", b"gzip;q=nan", b"*;q=-1", b"br", b";", b"gzip, gzip, gzip"],
    "Accept-Language": [b"xx", b";q=", b"de-DE-u-co-phonebk", b"\xff"],
    "If-None-Match": [b"*", b'"', b'W/"', b'"x", ' * 500, b"\xff", b'"><xq9>'],
    "If-Modified-Since": [b"never", b"Thu, 01 Jan 1970 00:00:00 GMT", b"Mon, 99 Foo 99999 99:99:99 GMT", b"0"],
    "Range": [b"bytes=0-0", b"bytes=-1", b"bytes=5-1", b"bytes=0-" + b"9" * 30, b"bytes=" + b"0-1," * 500, b"x=1"],
    "Content-Length": [b"-1", b"x", b"9" * 30, b"1.5", b""],
    "Transfer-Encoding": [b"chunked", b"gzip", b"x"],
    "Last-Event-ID": [b"nan", b"inf", b"-1e400", b"1" * 30, b"x", b"\xff"],
    "Sec-Fetch-Site": [b"cross-site", b"same-site", b"none", b"x"],
    "X-Forwarded-For": [b"evil", b"1.1.1.1, " * 99, b"::1", b"999.999.999.999", b"1.1.1.1:80", b"\xff"],
    "X-Forwarded-Host": [b"evil.example", b"evil.example, localhost", b"[", b"\xff"],
    "X-Forwarded-Proto": [b"https", b"javascript", b"https, http"],
    "Authorization": [b"Basic", b"Basic !!!", b"Basic \xff", b"Bearer x", b"Digest ="],
    "X-HTTP-Method-Override": [b"DELETE"],
}
_FREE = "HX-Request HX-Target HX-Trigger HX-Boosted HX-History-Restore-Request X-Tab X-Refresh Forwarded User-Agent"
_FREE_TOO = "X-Forwarded-Prefix X-Forwarded-Port X-Request-Id X-Original-URL Expect"
HEADERS = [*_HEADERS, *_FREE.split(), *_FREE_TOO.split()]
COOKIES = ["session", "visitor", "signup", "invitation", "browser", "toast", "theme", "density", "zone", "step"]


def text(rng: Random) -> bytes:
    """One value; now and then two of them, or one that nobody wrote down."""
    if rng.random() < 0.1:
        return rng.choice([*_BYTES, rng.randbytes(rng.randint(1, 40))])
    return "".join(rng.choices(_TEXTS, k=1 if rng.random() < 0.9 else 2)).encode()


def header(rng: Random, name: str) -> bytes:
    """What can stand in a header. NUL and line ends never come here: the server refuses them itself."""
    value = rng.choice(_HEADERS[name]) if name in _HEADERS and rng.random() < 0.8 else text(rng)[:8000]
    return bytes(byte for byte in value if byte not in b"\0\r\n")


def segment(rng: Random, good: bytes) -> bytes:
    """What stands in the place of an id: something else, or nearly the id."""
    near = [good.upper(), good[:-1], good + b"\0", good + b"%00", good + b" ", good.replace(b"-", b""), b"{%s}" % good]
    return rng.choice([*near, text(rng), text(rng), text(rng)])


def address(rng: Random, path: bytes) -> bytes:
    """A whole path bent."""
    bent = [b"/" + path, b"//evil.example" + path, b"/%09/evil.example" + path, path + b"/", path + b"//", path[1:]]
    bent += [path.replace(b"/", b"//"), path.replace(b"/", b"\\"), b"/./" + path, b"/static/.." + path, path + b";x=1"]
    return rng.choice(
        [*bent, path.upper(), path + b"/" + text(rng), b"/" + text(rng), b"*", b"http://evil.example" + path]
    )


def body(rng: Random, fields: list[tuple[bytes, bytes]]) -> tuple[bytes, str]:
    """The same fields as something else than a form: bytes and what they claim to be."""
    as_json = json.dumps({name.decode("latin1"): [value.decode("latin1")] for name, value in fields}).encode()
    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    return rng.choice(
        [
            (rng.choice([as_json, deep, b'{"name": "\\ud800"}', b'{"a": 1e400}', b"[1", b"\xff"]), "application/json"),
            (multipart(fields), "multipart/form-data; boundary=b"),
            (multipart(fields)[: rng.randint(0, 200)], "multipart/form-data; boundary=b"),
            (multipart([(name, text(rng)) for name, _ in fields]), 'multipart/form-data; boundary="b"'),
            (multipart(fields), rng.choice(["multipart/form-data", "multipart/form-data; boundary=" + "x" * 200])),
            (b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>", "application/xml"),
            (text(rng), rng.choice(["text/plain", "x", "", "a/b; charset=utf-16", ";", "application/octet-stream"])),
            (text(rng), "application/x-www-form-urlencoded; charset=utf-16"),
        ]
    )


def multipart(fields: list[tuple[bytes, bytes]]) -> bytes:
    """Fields as a browser writes those of a form with files."""
    parts = [b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % field for field in fields]
    return b"".join(parts) + b"--b--\r\n"
