"""Text that is no text, at every door."""

import pytest

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
