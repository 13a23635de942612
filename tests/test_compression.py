"""Pages are compressed for a browser of ours that takes it, and for nobody whom another site sent."""

import gzip

import pytest

PEOPLE = "/orgs/northfield/people"
OURS = {"Accept-Encoding": "gzip, deflate, br", "Sec-Fetch-Site": "same-origin"}
TYPED = {**OURS, "Sec-Fetch-Site": "none"}
HTMX = {**OURS, "HX-Request": "true"}


@pytest.fixture
def fetch(as_, monkeypatch):
    """fetch(url, headers) -> the answer to the Owner's browser, as it travels; all are drawn at one moment."""
    monkeypatch.setattr("blueprints.gate.time.time", lambda: 1_800_000_000.0)
    client = as_("owner").client
    return lambda url, headers, method="GET": client.open(url, method=method, headers=headers)


@pytest.mark.parametrize(
    ("url", "headers"),
    [(PEOPLE, OURS), (f"{PEOPLE}?q=an", TYPED), (PEOPLE, HTMX), ("/orgs/northfield/no-such-page", OURS)],
    ids=["page", "typed address", "fragment", "error"],
)
def test_it_is_the_same_answer_but_smaller(fetch, url, headers):
    small, plain = fetch(url, headers), fetch(url, {**headers, "Accept-Encoding": "identity"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.data) == plain.data
    assert small.content_length == len(small.data) < len(plain.data) * 0.6
    assert "Accept-Encoding" in small.vary
    assert "Accept-Encoding" in plain.vary
    assert (small.status_code, small.mimetype) == (plain.status_code, plain.mimetype)


@pytest.mark.parametrize("site", [None, "cross-site", "same-site", "anything"])
def test_what_another_site_asks_for_tells_it_nothing_by_its_length(fetch, site):
    headers = {"Accept-Encoding": "gzip"} | ({"Sec-Fetch-Site": site} if site else {})
    answer = fetch(f"{PEOPLE}?q=csrf_token", headers)
    assert "Content-Encoding" not in answer.headers
    assert "csrf_token" in answer.text


@pytest.mark.parametrize("accepts", ["", "identity", "br", "gzip;q=0"])
def test_who_does_not_take_gzip_gets_the_page_as_it_is(fetch, accepts):
    answer = fetch(PEOPLE, {**OURS, "Accept-Encoding": accepts})
    assert "Content-Encoding" not in answer.headers
    assert "Amara Okafor" in answer.text


def test_the_same_content_is_the_same_answer_at_any_time(fetch):
    answer = fetch(PEOPLE, OURS)
    assert answer.data == fetch(PEOPLE, OURS).data
    assert answer.data[4:8] == bytes(4), "gzip's field for the time"


def test_head_says_what_get_would_send(fetch):
    whole, head = fetch(PEOPLE, OURS), fetch(PEOPLE, OURS, "HEAD")
    assert head.data == b""
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]
    assert head.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("url", "headers"),
    [("/orgs/northfield/audit.csv", OURS), ("/orgs/northfield/no-such-page", HTMX)],
    ids=["a file", "small"],
)
def test_what_is_small_or_no_page_goes_as_it_comes(fetch, url, headers):
    answer = fetch(url, headers)
    assert answer.data
    assert "Content-Encoding" not in answer.headers
