"""A page and its fragment have one address, and are never taken for each other (UX.md checks 22 and 24)."""

import re
from html import unescape

import pytest

from tests.browser_like import without_tokens
from tests.doors import door_id, routes, shows

RESTORED = {"HX-History-Restore-Request": "true"}
PAGES = [rule for rule in routes() if shows(rule) and not rule.endpoint.startswith(("dev.", "health."))]
OF_TENANT = [rule for rule in PAGES if "slug" in rule.arguments]


def kept_apart(answer):
    return "no-store" in answer.headers["Cache-Control"] and "HX-Request" in answer.headers.getlist("Vary")[0]


def fetched(html):
    """The addresses that htmx asks for a part of the page, and those that open as a dialog."""
    parts = re.findall('hx-get="([^"]+)"', html) + re.findall('href="([^"]+)" data-dialog', html)
    return {unescape(url) for url in parts}


@pytest.mark.parametrize("rule", PAGES, ids=door_id)
def test_a_page_and_its_fragment_are_kept_apart(rule, northfield, url_of, browser):
    """Each form posts where htmx does (browser_like.py looks at every page); what htmx asks for is a page as well."""
    amara, url = browser(northfield.owner), url_of(rule)
    page = amara.get(url)
    own = {url} if rule in OF_TENANT and page.mimetype == "text/html" else set()  # others are files, or log people in
    for part in own | fetched(page.text):
        whole, fragment = amara.get(part), amara.get(part, hx=True)
        assert ["<html" in answer.text for answer in (whole, fragment)] == [True, False], part
        assert whole.status_code == fragment.status_code == 200
        assert [kept_apart(answer) for answer in (whole, fragment)] == [True, True]
        restored = amara.get(part, hx=True, headers=RESTORED)
        assert without_tokens(restored.text) == without_tokens(whole.text)


def test_a_fragment_of_nobody_leads_the_whole_browser_to_log_in(url_of, browser):
    visitor = browser()
    for rule in OF_TENANT:
        url = url_of(rule)
        answer = visitor.get(url, hx=True, headers={"HX-Current-URL": f"http://localhost{url}?page=2"})
        assert (answer.status_code, answer.text) == (401, ""), url
        assert answer.headers["HX-Redirect"] == f"/login?next={url}?page%3D2&why=expired"
        assert kept_apart(answer)


@pytest.mark.parametrize(("who", "url", "status"), [("viewer", "people/invite", 403), ("owner", "nowhere", 404)])
def test_a_refusal_as_a_fragment_is_a_note_beside_what_was_asked_for(who, url, status, as_):
    answer = as_(who).get(f"/orgs/northfield/{url}", hx=True)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (status, "#notices")
    assert "<html" not in answer.text
    assert kept_apart(answer)


@pytest.mark.parametrize("address", ["http://[", "http://localhost//[::1", "//[", "x", "\xff"])
def test_a_change_on_a_page_whose_address_cannot_be_read_is_made_all_the_same(address, as_, northfield):
    admin, member = as_("admin"), northfield.member("viewer")
    form = {"csrf_token": admin.token(), "name": "Hana Reyes"}
    headers = {"HX-Request": "true", "HX-Current-URL": address}
    answer = admin.client.post(f"/orgs/northfield/people/{member.id}/remove", data=form, headers=headers)
    assert answer.status_code == 200
