"""Live pages: what one person changes, the others who may see it see within a second (DESIGN.md section 7)."""

import re

import pytest
from playwright.sync_api import expect

from models import Role
from models.project import RESTRICTED
from tests.browser.host import row
from tests.browser.live import LIVE, SOON
from tests.factories import PASSWORD


def latest(page):
    return page.locator("#latest")


# --- seen within a second -------------------------------------------------------------------------------------


def test_a_changed_role_is_seen_by_everybody_who_has_the_list_open(cast):
    amara, hana = cast.page("amara", "/people"), cast.page("hana", "/people")
    expect(row(hana, "Kofi Mensah")).to_contain_text("Operator")
    row(amara, "Kofi Mensah").get_by_role("link", name=re.compile("^Change")).click()
    amara.get_by_label(re.compile("^Admin")).check()
    amara.get_by_role("button", name="Save role").click()
    expect(row(hana, "Kofi Mensah").get_by_text("Admin", exact=True)).to_be_visible(timeout=SOON)
    expect(row(hana, "Kofi Mensah")).to_have_class("changed")


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        ("/people", lambda cast: cast.rename("kofi", "Kofi M."), "Kofi M."),
        ("/people/invitations", lambda cast: cast.invite("ana@example.org"), "ana@example.org"),
        ("/projects", lambda cast: cast.edit_project("Ledger"), "Ledger"),
        ("/projects/{project}", lambda cast: cast.edit_project("Ledger"), "Ledger"),
        ("/projects/{project}/access", lambda cast: cast.rename("kofi", "Kofi M."), "Kofi M."),
        ("/projects/{project}/access", lambda cast: cast.set_project_role("hana", Role.ADMIN), "Set on this project"),
        ("", lambda cast: cast.edit_project("Ledger"), "Ledger"),
        ("/settings", lambda cast: cast.rename_organization("Southfield"), "Southfield"),
    ],
)
def test_each_page_keeps_up_with_what_it_shows(cast, path, change, said):
    amara = cast.page("amara", path)
    expect(amara.locator("body")).not_to_contain_text(said)
    change(cast)
    expect(amara.locator("body")).to_contain_text(said, timeout=SOON)


def test_a_row_that_nobody_changed_is_not_marked(cast):
    hana = cast.page("hana", "/people")
    cast.rename("kofi", "Kofi M.")
    expect(row(hana, "Kofi M.")).to_have_class("changed", timeout=SOON)
    expect(row(hana, "Amara Okafor")).not_to_have_class("changed")


def test_an_invitation_to_oneself_appears_among_ones_organizations(cast):
    mateo = cast.page("mateo", to="/orgs")
    cast.invite(cast.people["mateo"].email)
    expect(mateo.get_by_role("button", name=re.compile("^Join"))).to_be_visible(timeout=SOON)


def test_nothing_shifts_when_a_row_changes_or_there_is_news(cast):
    """UX.md check 38: at most 0.01 of the page."""
    hana = cast.page("hana", "/people")
    hana.evaluate("""() => {
      window.shifted = 0;
      new PerformanceObserver(list => { for (const entry of list.getEntries()) window.shifted += entry.value; })
        .observe({ type: 'layout-shift' });
    }""")
    cast.set_role("kofi", Role.ADMIN)
    expect(row(hana, "Kofi Mensah").get_by_text("Admin", exact=True)).to_be_visible()
    hana.get_by_role("button", name=re.compile("^Northfield")).click()  # an open menu
    cast.set_role("kofi", Role.VIEWER)
    expect(latest(hana)).to_be_visible()
    assert hana.evaluate("window.shifted") <= 0.01


# --- what one reads, types or has open -------------------------------------------------------------------------


def test_nothing_moves_under_who_types(cast):
    cast.admit_more(8)
    amara = cast.page("amara", "/people")
    search = amara.get_by_label("Search")
    search.press_sequentially("mensah")
    expect(amara.locator("#people")).to_contain_text("1 person matches “mensah”")
    before = amara.locator("#people").inner_text()
    for n in range(20):
        cast.rename("kofi", f"Kofi Mensah {n}")
    expect(latest(amara)).to_have_text(re.compile("^1 person changed. Show the latest$"))
    assert amara.locator("#people").inner_text() == before
    expect(search).to_be_focused()
    expect(search).to_have_value("mensah")
    assert search.evaluate("field => field.selectionStart") == 6
    latest(amara).click()
    expect(row(amara, "Kofi Mensah 19")).to_be_visible()
    expect(latest(amara)).to_be_hidden()


def test_nothing_moves_behind_an_open_dialog_and_the_dialog_says_what_changed(cast):
    amara = cast.page("amara", "/people")
    row(amara, "Kofi Mensah").get_by_role("link", name=re.compile("^Change")).click()
    dialog = amara.get_by_role("dialog")
    dialog.get_by_label(re.compile("^Admin")).check()
    cast.set_role("kofi", Role.VIEWER)
    said = dialog.get_by_role("button", name="This page changed. Show the latest")
    expect(said).to_be_visible()
    expect(dialog.get_by_label(re.compile("^Admin"))).to_be_checked()
    expect(amara.locator("#people tr", has_text="Kofi Mensah")).to_contain_text("Operator")
    said.click()
    expect(dialog.get_by_label(re.compile("^Viewer"))).to_be_checked()
    assert dialog.evaluate("dialog => dialog.contains(document.activeElement)")
    amara.keyboard.press("Escape")
    latest(amara).click()
    expect(row(amara, "Kofi Mensah")).to_contain_text("Viewer")


def test_the_focus_stays_where_it_is(cast):
    amara = cast.page("amara", "/people")
    change = row(amara, "Kofi Mensah").get_by_role("link", name=re.compile("^Change"))
    change.click()
    expect(amara.get_by_role("dialog")).to_be_visible()
    amara.keyboard.press("Escape")
    expect(change).to_be_focused()
    cast.rename("kofi", "Kofi M.")
    expect(row(amara, "Kofi M.")).to_be_visible()
    expect(row(amara, "Kofi M.").get_by_role("link")).to_be_focused()
    amara.evaluate("document.activeElement.blur()")
    cast.rename("kofi", "Kofi Mensah")
    expect(row(amara, "Kofi Mensah")).to_be_visible()
    assert amara.evaluate("document.activeElement === document.body")
    change.focus()
    cast.remove("kofi")
    expect(amara.get_by_role("heading", level=1)).to_be_focused()


def test_what_the_reader_asks_for_overtakes_what_the_page_asks_by_itself(cast):
    """The page was still looking at the whole list when its reader turned it round."""
    amara = cast.page("amara", "/people")
    asked = []
    amara.route(re.compile("/people$"), lambda route: asked.append(route))  # noqa: PLW0108 - Playwright marks it
    with amara.expect_request(re.compile("/people$")):
        cast.set_role("amara", Role.OWNER)
    amara.get_by_role("link", name="Name").click()
    expect(amara.get_by_role("row").nth(1)).to_contain_text("Sven Weber")
    amara.evaluate("""() => {
      window.first = new Set();
      const note = () => window.first.add(document.querySelector('#people tbody bdi').textContent);
      new MutationObserver(note).observe(document.body, { childList: true, subtree: true, characterData: true });
    }""")
    with amara.expect_event("requestfinished", lambda request: request == asked[0].request):
        asked[0].continue_()
    cast.rename("kofi", "Kofi M.")
    expect(row(amara, "Kofi M.")).to_be_visible()
    assert amara.evaluate("[...window.first]") == ["Sven Weber"]


def test_the_audit_log_grows_only_when_asked(cast):
    sven = cast.page("sven", "/audit")
    before = sven.get_by_role("row").count()
    for role in (Role.ADMIN, Role.VIEWER, Role.OPERATOR, Role.ADMIN):
        cast.set_role("kofi", role)
    expect(latest(sven)).to_have_text("4 new entries. Show the latest")
    assert sven.get_by_role("row").count() == before
    latest(sven).click()
    expect(sven.get_by_role("row")).to_have_count(before + 4)


def test_what_is_heard_is_said_politely_once_in_a_while(cast):
    hana = cast.page("hana", "/people")
    hana.evaluate("""() => {
      window.said = [];
      new MutationObserver(() => window.said.push(document.getElementById('heard').textContent))
        .observe(document.getElementById('heard'), { childList: true });
    }""")
    for n in range(5):
        cast.rename("kofi", f"Kofi {n}")
        expect(row(hana, f"Kofi {n}")).to_be_visible()
    assert hana.evaluate("window.said") == ["1 person changed."]


# --- ones own rights -------------------------------------------------------------------------------------------


def test_who_is_lowered_loses_the_buttons_and_who_is_raised_gets_them(cast):
    sven = cast.page("sven", "/people")
    invite = sven.get_by_role("link", name="Invite people")
    expect(invite).to_be_visible()
    cast.set_role("sven", Role.VIEWER)
    expect(invite).to_have_count(0, timeout=SOON)
    expect(sven.get_by_role("link", name="Audit log")).to_have_count(0)
    cast.set_role("sven", Role.ADMIN)
    expect(invite).to_be_visible(timeout=SOON)


def test_who_is_removed_is_told_and_keeps_what_they_read(cast):
    amara, hana = cast.page("amara", "/people"), cast.page("hana", "/people")
    row(amara, "Hana Reyes").get_by_role("link", name=re.compile("^Change")).click()
    amara.get_by_role("link", name=re.compile("^Remove")).click()
    amara.get_by_role("button", name=re.compile("^Remove Hana Reyes")).click()
    told = f"You were removed from {cast.organization.name}."
    expect(hana.locator("#news")).to_contain_text(told, timeout=SOON)
    expect(row(hana, "Kofi Mensah")).to_be_visible()
    hana.get_by_role("link", name="Projects").click()
    expect(hana.get_by_role("heading", level=1)).to_have_text("Page not found")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda cast: cast.delete_organization(), "was deleted."),
        (lambda cast: cast.log_out_everywhere("hana"), "You were logged out."),
    ],
)
def test_an_end_is_told_on_the_open_page(cast, change, said):
    hana = cast.page("hana", "/people")
    change(cast)
    expect(hana.locator("#news")).to_contain_text(said, timeout=SOON)


def test_other_tabs_stay_live_when_the_password_is_changed_in_one(cast):
    """The old session ends, and this browser has a new one already."""
    hana = cast.page("hana", "/people")
    tab = hana.context.new_page()
    tab.goto("/account/security")
    tab.get_by_label("Current password", exact=True).fill(PASSWORD)
    tab.get_by_label("New password", exact=True).fill("another long cargo ship")
    with hana.expect_response(LIVE):
        tab.get_by_role("button", name="Change password").click()
    expect(tab.get_by_text("Password changed", exact=False).first).to_be_visible()
    cast.rename("kofi", "Kofi M.")
    expect(row(hana, "Kofi M.")).to_be_visible()
    expect(hana.locator("#news")).not_to_contain_text("You were logged out.")


def test_a_page_that_is_not_there_any_more_says_so(cast):
    hana = cast.page("hana", f"/projects/{cast.project.id}")
    cast.edit_project("Billing pipeline", RESTRICTED)
    expect(hana.get_by_role("heading", level=1)).to_have_text("Page not found", timeout=SOON)
