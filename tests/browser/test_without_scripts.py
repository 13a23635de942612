"""Lists without JavaScript: UX.md checks 14 and 15."""

import pytest
from playwright.sync_api import expect

from tests.browser.pages import HERE, PROJECT, Visit

LISTS = [f"{HERE}/people", f"{HERE}/projects", f"{HERE}/people/invitations", f"{PROJECT}/access"]


@pytest.mark.parametrize("address", LISTS)
def test_a_list_says_that_it_does_not_update_by_itself(address, reader):
    page = reader.read(Visit(address, "owner", address), javascript=False)
    line = page.locator(".region noscript p")
    expect(line).to_have_text("This does not update by itself. Reload")
    expect(line).to_be_visible()
    line.get_by_role("link").click()
    assert page.url.endswith(address.rpartition("/")[2])


@pytest.mark.parametrize("address", [f"{HERE}/people", f"{HERE}/projects", f"{PROJECT}/access"])
def test_a_search_has_a_button_and_a_row_leads_to_a_page(address, reader):
    page = reader.read(Visit(address, "owner", address), javascript=False)
    page.get_by_role("searchbox").first.fill("Hana")
    page.get_by_role("button", name="Search").click()
    assert "q=Hana" in page.url
    for link in page.get_by_role("link", name="Change…").all()[:1]:
        link.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Hana Reyes")
