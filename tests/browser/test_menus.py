"""The two menus of the header."""

from playwright.sync_api import expect

from tests.browser.pages import HERE, Visit


def test_a_menu_closes_when_the_focus_leaves_it(reader):
    """Left open it would cover what has the focus (UX.md check 4)."""
    page = reader.read(Visit("menu", "owner", HERE, ("#switcher-button",), "#switchable a"))
    menu = page.locator("#switcher")
    while menu.locator(":focus").count() == 0:
        page.keyboard.press("Tab")
    expect(menu).to_be_visible()
    while menu.locator(":focus").count():
        page.keyboard.press("Tab")
    expect(menu).to_be_hidden()
    expect(page.locator("#account-button")).to_be_focused()
