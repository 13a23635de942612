"""A form with errors, without JavaScript: UX.md check 6."""

import pytest
from playwright.sync_api import expect

from tests.browser.pages import PAGES

FORMS = [visit for visit in PAGES if visit.shows == ".summary"]

# What is said of a field, or of the group that it is in.
DESCRIBED = """field => [field, field.closest('fieldset')]
  .flatMap(one => (one?.getAttribute('aria-describedby') ?? '').split(' '))
  .map(id => document.getElementById(id)?.textContent.trim())"""


@pytest.mark.parametrize("visit", FORMS, ids=lambda visit: visit.name)
def test_the_summary_has_the_focus_and_leads_to_every_field(visit, reader):
    page = reader.read(visit, javascript=False)
    assert page.title().startswith("Error: ")
    summary = page.locator(".summary")
    expect(summary).to_be_focused()
    for link in summary.get_by_role("link").all():
        link.click()
        field = page.locator(":focus")
        assert field.get_attribute("aria-invalid") == "true"
        assert f"Error: {link.inner_text()}" in field.evaluate(DESCRIBED)
