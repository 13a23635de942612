"""Where the focus is after each part of a page changed, and what is said of it (UX.md checks 5, 6, 7 and 11)."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.host import press, row, told

FEW = ("Hana Reyes", "Ana Silva", "Ben Silva", "Cy Silva", "Di Silva", "Ed Silva", "Flo Silva")
CALLED = """
(() => { const e = document.activeElement; return (e.labels?.[0]?.innerText || e.textContent || '').trim(); })()
"""  # what one is told of the place where the focus is


@pytest.fixture
def page(new_page, host):
    """A page where Amara is logged in."""
    return host.let_in(new_page())


def crowd(host, *names):
    return [host.member(name) for name in names]


def test_a_dialog_keeps_the_focus_and_gives_it_back(page, host):
    (hana,) = crowd(host, "Hana Reyes")
    page.goto(f"{host.url}/people")
    opener = page.locator(host.change_of(hana))
    opener.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    inside = "document.querySelector('dialog').contains(document.activeElement)"
    assert page.evaluate(inside)
    for _ in range(12):  # more than there are stops in it
        page.keyboard.press("Tab")
        assert page.evaluate(f"{inside} || document.activeElement === document.body")  # the browser's own controls
    opener.evaluate("link => link.focus()")
    assert page.evaluate("document.activeElement.closest('main')") is None  # what is behind is inert
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()


def test_saving_and_removing_in_a_list_keep_the_readers_place(page, host):
    hana, *_, flo = crowd(host, "Hana Reyes", "Ana Silva", "Flo Silva")
    page.goto(f"{host.url}/people")
    changes = [page.locator(host.change_of(user)) for user in (hana, flo)]
    row(page, "Hana Reyes").get_by_role("link", name="Change").click()
    page.get_by_role("dialog").get_by_label("Operator").check()
    press(page, "Save role")
    told(page, "Role changed to Operator for Hana Reyes")
    expect(changes[0]).to_be_focused()
    row(page, "Flo Silva").get_by_role("link", name="Change").click()
    page.get_by_role("link", name=re.compile("^Remove from")).click()
    expect(page.get_by_role("link", name="Keep Flo Silva")).to_be_focused()
    press(page, "Remove Flo Silva")
    told(page, "Removed Flo Silva")
    expect(row(page, "Flo Silva")).to_have_count(0)
    expect(changes[0]).to_be_focused()  # the row that took its place


def test_sending_again_and_revoking_keep_the_readers_place(page, host):
    ana, ben = (host.invitation(host.email(name)) for name in ("ana", "ben"))
    page.goto(f"{host.url}/people/invitations")
    again = page.locator(f"[id='resend-{ana.email_key}']")
    again.click()
    told(page, "Sent again")
    expect(again).to_be_focused()
    row(page, ana.email).get_by_role("button", name="Revoke").click()
    told(page, "revoked")
    expect(page.locator(f"[id='revoke-{ben.email_key}']")).to_be_focused()
    row(page, ben.email).get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No one is waiting")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_a_search_stays_where_it_is_and_says_once_what_it_found(page, host):
    crowd(host, *FEW)
    page.goto(f"{host.url}/people")
    for id in ("toasts", "notices"):
        expect(page.locator(f"#{id}")).to_be_empty()
    page.evaluate("""
        window.said = [document.getElementById('count').textContent];
        new MutationObserver(() => {
            const now = document.getElementById('count').textContent;
            if (said.at(-1) !== now) said.push(now);
        }).observe(document.getElementById('people'), {subtree: true, childList: true, characterData: true});
    """)
    search = page.get_by_label("Search by name or email")
    search.press_sequentially("silv", delay=10)
    expect(page.locator("#count")).to_have_text("6 people match “silv”.")
    expect(search).to_be_focused()
    assert page.evaluate("said.slice(1)") == ["6 people match “silv”."]
    page.get_by_label("Role").focus()
    page.get_by_label("Role").select_option("Owner")
    expect(page.locator("#count")).to_have_text("No one matches “silv” with role Owner.")
    expect(page.get_by_label("Role")).to_be_focused()


def test_an_order_and_a_page_of_the_list_keep_the_focus(page, host):
    host.crowd(60)
    page.goto(f"{host.url}/people")
    page.get_by_role("link", name="Name").click()
    expect(page).to_have_url(re.compile("sort=-name"))
    expect(page.get_by_role("link", name="Name")).to_be_focused()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#count")).to_contain_text("51–61")
    expect(page).to_have_title(re.compile("^People \\(page 2 of 2\\)"))
    assert page.evaluate("document.activeElement !== document.body")
    page.wait_for_function("Math.abs(document.querySelector('#people').getBoundingClientRect().top) < 100")


@pytest.mark.parametrize("part", [True, False], ids=["fragment", "page"])
def test_what_is_wrong_takes_the_focus_and_leads_to_its_field(new_page, host, part):
    page = host.let_in(new_page(javascript=part))
    page.goto(f"{host.url}/projects/new")
    press(page, "Create project")
    expect(page.locator(".summary")).to_be_focused()
    expect(page).to_have_title(re.compile("^Error: Create a project"))
    name = page.get_by_label("Name", exact=True)
    expect(name).to_have_attribute("aria-invalid", "true")
    link = page.get_by_role("alert").get_by_role("link")
    expect(page.locator("#name-error")).to_contain_text(link.inner_text())
    link.click()
    expect(name).to_be_focused()
    name.fill("Billing pipeline")
    press(page, "Create project")
    expect(page).to_have_title(re.compile("^Billing pipeline"))


def test_what_is_wrong_in_a_dialog_stays_there_and_leaves_the_title_when_it_closes(page, host):
    host.change("UPDATE organization_members SET role = 'OWNER' WHERE organization_id = :here")
    page.goto(f"{host.url}/people")
    row(page, "Amara Okafor").get_by_role("link", name="Leave").click()
    page.get_by_role("dialog").get_by_label("Viewer").check()
    press(page, "Save role")
    expect(page.get_by_role("dialog").locator(".summary")).to_be_focused()
    expect(page).to_have_title(re.compile("^Error: People"))
    page.keyboard.press("Escape")
    expect(page).to_have_title(re.compile("^People"))
    expect(page.locator(host.change_of(host.amara))).to_be_focused()


def test_the_whole_job_by_keyboard_alone(new_page, host):
    """UX.md check 3. A new page begins at its start, as browsers have it; a part that changed loses no place."""
    crowd(host, *FEW)
    page = new_page()

    def go(name, key="Tab"):
        for _ in range(40):
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement !== document.body"), f"on the way to {name}"
            if re.search(name, page.evaluate(CALLED)):
                return
        raise AssertionError(f"{name} cannot be reached")

    def make_admin():
        go("Change.*Hana Reyes")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        go("Viewer|Operator|Admin|Owner")
        for _ in range(2):
            page.keyboard.press("ArrowDown")
        go("Save role")
        page.keyboard.press("Enter")
        told(page, "Role changed to Admin for Hana Reyes")
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert "Hana Reyes" in page.evaluate(CALLED)

    page.goto("/login")
    go("^Email")
    page.keyboard.type(host.amara.email)
    go("^Password")
    page.keyboard.type("correct cargo ship paper")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{host.url}$"))
    go("^Skip to main content")
    go("^People")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("People")
    go("^Search by name")
    page.keyboard.type("hana")
    expect(page.locator("#count")).to_have_text("1 person matches “hana”.")
    make_admin()
    go("^Undo")
    page.keyboard.press("Enter")
    told(page, "Role changed to Viewer for Hana Reyes")
    go("^Invite people")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Invite people")
    go("^Email addresses")
    page.keyboard.type(f"{host.email('rosa')}, {host.email('tom')}")
    go("^Send 2 invitations")
    page.keyboard.press("Enter")
    told(page, "Sent 2 invitations.")
    go("Your account,")
    page.keyboard.press("Enter")
    go("^Log out")
    page.keyboard.press("Enter")
    told(page, "You are logged out.")
