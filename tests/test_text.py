"""Text that is no text, at every door."""

import pytest

from tests.factories import PASSWORD

FORM = "application/x-www-form-urlencoded"
BROKEN = ["%ff", "%c3%28", "%ed%a0%80", "a%fe%c3"]  # never a byte of UTF-8, cut short, a surrogate, in the middle


@pytest.mark.parametrize("text", BROKEN)
def test_a_form_that_is_not_utf8_is_refused(browser, text):
    visitor = browser()
    data = f"csrf_token={visitor.token()}&email=hana%40example.org&password={text}"
    assert visitor.client.post("/login", data=data, content_type=FORM).status_code == 400


@pytest.mark.parametrize("text", BROKEN)
def test_a_query_that_is_not_utf8_is_refused(northfield, browser, text):
    assert browser(northfield.viewer).get(f"/orgs/northfield/people?q={text}").status_code == 400


@pytest.mark.parametrize("text", ["%00", "a%00b", "%ef%bf%bd", "%e2%80%ae"])
def test_a_search_for_what_no_name_has_finds_nobody(northfield, browser, text):
    answer = browser(northfield.viewer).get(f"/orgs/northfield/people?q={text}")
    assert answer.status_code == 200
    assert "Hana Reyes" not in answer.text.partition("<main")[2]


@pytest.mark.parametrize("path", ["/orgs/%00", "/orgs/northfield%00", "/orgs/%ff", "/orgs/" + "a" * 51])
def test_a_path_that_cannot_be_ours_is_not_found(northfield, browser, path):
    assert browser(northfield.owner).get(path).status_code in (400, 404)


@pytest.mark.parametrize("raw", ["\xff", "\xc3(", "a\xfe\xc3"])
def test_bytes_that_nobody_escaped_are_refused_as_well(northfield, browser, raw):
    visitor, form = browser(), f"csrf_token=x&email={raw}".encode("latin1")
    assert visitor.client.post("/login", data=form, content_type=FORM).status_code == 400
    sent = {"QUERY_STRING": f"next={raw}"}
    assert visitor.get("/login", environ_overrides=sent).status_code == 400


def test_a_cookie_that_cannot_be_read_does_not_hide_ours(northfield, browser):
    """Another application of the same domain may set one for all of them."""
    hana = browser(northfield.viewer)
    cookies = f"other=\xff\xfe; session={hana.cookie('session')}; visitor=x"
    answer = hana.app.test_client(use_cookies=False).get("/account", environ_overrides={"HTTP_COOKIE": cookies})
    assert answer.status_code == 200
    assert "hana.reyes@example.org" in answer.text


@pytest.mark.parametrize("host", ["", "[", "a b", "a..b", "x" * 64, "localhost:x", "me@localhost", "\xff"])
def test_what_is_no_host_is_as_good_as_ours(browser, host):
    assert browser().get("/login", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("many", ["a=&" * 200_000, "a=1&" * 1000 + "b=2", "&" * 1000])
def test_a_form_of_too_many_fields_is_refused_before_it_is_read(browser, many):
    assert browser().client.post("/login", data=many, content_type=FORM).status_code == 413


def test_a_large_form_is_still_read(as_):
    """Two hundred invitations are one field; there is room for more fields than any page of ours has."""
    fields = {f"field{n}": "x" for n in range(990)}
    assert as_("viewer").post("/account", name="Hana R.", **fields).status_code == 303


@pytest.mark.parametrize("address", ["unknown", "_hidden", "999.1.1.1", "192.0.2.1:4711", "fe80::1%eth0", "\xff"])
def test_a_proxy_that_names_no_address_keeps_nobody_out(app_with, northfield, browser, address):
    visitor = browser(app=app_with(trusted_proxies=1))
    form = {"csrf_token": visitor.token(), "email": "hana.reyes@example.org", "password": PASSWORD}
    assert visitor.client.post("/login", data=form, headers={"X-Forwarded-For": address}).status_code == 303
    assert visitor.get("/dev/mail", headers={"X-Forwarded-For": address}).status_code in (403, 404)
