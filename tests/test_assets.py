"""Static files: kept for a year by what they contain, and never without our headers."""

import re


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
    assert browser().get("/static/missing.css").status_code == 404
