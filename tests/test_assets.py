"""Static files: kept for a year by what they contain, compressed for who takes it, and never without our headers."""

import gzip
import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
PLAIN = ("passkeys.js", "waiting.js")
STATIC = Path(__file__).resolve().parent.parent / "static"
UI = STATIC / "ui.css"
KB = 1000
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def fetch(browser):
    """fetch(header=value, …) -> the answer for ui.css."""
    client = browser().client

    def answer(method="GET", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.open("/static/ui.css", method=method, headers=named, buffered=True)

    return answer


def test_a_file_is_kept_for_a_year_under_its_hash(browser):
    visitor = browser()
    for address in set(re.findall(r'(?:href|src)="(/static/[^"#]+)', visitor.get("/login").text)):
        with visitor.client.get(address) as answer:
            assert answer.status_code == 200, address
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_without_its_hash_is_asked_for_again(browser):
    with browser().client.get("/static/ui.css") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"


def test_what_is_no_file_is_not_found(browser):
    assert browser().get("/static/../config.py").status_code == 404
    assert browser().get("/static/licences").status_code == 404
    assert browser().get("/static/missing.css").status_code == 404


@pytest.mark.parametrize("accepts", ["gzip", "gzip, deflate, br", "*", "br;q=1, gzip;q=0.5"])
def test_who_takes_gzip_gets_the_file_compressed(fetch, accepts):
    answer = fetch(Accept_Encoding=accepts)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.content_length == len(answer.data) < UI.stat().st_size / 3
    assert gzip.decompress(answer.data) == UI.read_bytes()
    assert answer.mimetype == "text/css"


@pytest.mark.parametrize("accepts", [None, "", "identity", "br", "gzip;q=0", "gzip;q=0, *"])
def test_who_does_not_gets_it_as_it_is(fetch, accepts):
    answer = fetch(**({} if accepts is None else {"Accept_Encoding": accepts}))
    assert "Content-Encoding" not in answer.headers
    assert answer.data == UI.read_bytes()
    assert answer.content_length == len(answer.data)


def test_caches_keep_both_apart(fetch):
    plain, compressed = fetch(), fetch(Accept_Encoding="gzip")
    assert plain.headers["ETag"] != compressed.headers["ETag"]
    assert plain.headers["Vary"] == compressed.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepts", ["gzip", "identity"])
def test_what_a_browser_has_already_is_not_sent_again(fetch, accepts):
    first = fetch(Accept_Encoding=accepts)
    again = fetch(Accept_Encoding=accepts, If_None_Match=first.headers["ETag"])
    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepts", ["gzip", "identity"])
def test_head_says_what_get_would_send(fetch, accepts):
    whole, head = fetch(Accept_Encoding=accepts), fetch("HEAD", Accept_Encoding=accepts)
    assert head.data == b""
    same = ("Content-Length", "Content-Encoding", "Content-Type", "ETag", "Vary", "Cache-Control")
    assert [head.headers.get(name) for name in same] == [whole.headers.get(name) for name in same]


@pytest.mark.parametrize("accepts", ["gzip", "identity"])
def test_a_part_is_a_part_of_what_would_be_sent(fetch, accepts):
    whole = fetch(Accept_Encoding=accepts)
    part = fetch(Accept_Encoding=accepts, Range="bytes=100-199")
    assert part.status_code == 206
    assert part.data == whole.data[100:200]
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole.data)}"
    assert part.headers.get("Content-Encoding") == whole.headers.get("Content-Encoding")
    assert fetch(Accept_Encoding=accepts, Range="bytes=999999-").status_code == 416


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 256 + "/y", "a%00b", "%ff", "../app.py", ".", "licences"])
def test_a_name_that_no_file_has_is_not_found(browser, name):
    assert browser().get(f"/static/{name}").status_code == 404


def test_a_file_is_compressed_once_and_not_for_each_request(fetch, monkeypatch):
    first = fetch(Accept_Encoding="gzip")
    monkeypatch.setattr(gzip, "compress", None)
    assert fetch(Accept_Encoding="gzip").data == first.data


@pytest.mark.parametrize(("kind", "most"), [("js", 20 * KB), ("css", 8 * KB), ("svg", 3 * KB)])
def test_all_files_of_a_kind_together_are_small(browser, kind, most):
    """UX.md check 37. What plain pages load is on no page with htmx."""
    client, files = browser().client, [file for file in STATIC.glob(f"*.{kind}") if file.name not in PLAIN]
    sizes = [len(client.get(f"/static/{file.name}", headers=GZIP, buffered=True).data) for file in files]
    assert 0 < sum(sizes) <= most, dict(zip(files, sizes, strict=True))


@pytest.mark.parametrize("name", PLAIN)
def test_pages_with_a_script_of_their_own_are_plain_and_light(name):
    loading = [text for page in TEMPLATES.rglob("*.html") if f"asset('{name}')" in (text := page.read_text())]
    assert loading
    assert all('{% extends "layouts/plain.html" %}' in text for text in loading)
    assert len(gzip.compress((STATIC / name).read_bytes())) < KB
