"""Pressing twice what is meant once (UX.md check 25); tests/test_once.py sends every form twice without a browser."""

import re

import pytest
from playwright.sync_api import expect

from models import Role
from tests.browser.host import row, told

EVENTS = "SELECT count(*) FROM audit_events WHERE organization_id = :here"
MAILS = "SELECT count(*) FROM outgoing_mail WHERE organization_id = :here"


def twice(page, name, how):
    """Press a button as impatient people do."""
    button = page.get_by_role("button", name=name)
    if how == "double click":
        button.dblclick()
    else:  # a key makes a click that no pointer made; pressed from here, the second one could come late
        button.evaluate("button => { button.click(); button.click(); }")


@pytest.fixture
def counted(host):
    """counted() -> how many events and mails the organization has."""
    return lambda: (host.count(EVENTS), host.count(MAILS))


@pytest.mark.parametrize("how", ["double click", "double Enter"])
def test_pressing_twice_is_pressing_once(new_page, host, javascript, how, counted):
    """Inviting, sending again, a project, a role, a removal: each is one event, and one mail where there is one."""
    hana, page = host.member("Hana Reyes"), host.let_in(new_page(javascript=javascript))
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    events, mails = counted()

    def once(words, event=1, mail=0):
        nonlocal events, mails
        told(page, re.compile(f"{words}|This was done already"))
        page.wait_for_load_state("load")
        assert len(posts) == 1 or not javascript, "htmx and forms.js drop the second press"
        posts.clear()
        events, mails = events + event, mails + mail
        assert counted() == (events, mails), words

    page.goto(f"{host.url}/people/invite")
    page.get_by_label("Email addresses").fill(host.email("ana"))
    twice(page, "Send", how)
    once("Sent 1 invitation", mail=1)
    twice(page, "Send again", how)
    once("Sent again", mail=1)
    page.goto(f"{host.url}/projects/new")
    page.get_by_label("Name", exact=True).fill("Billing pipeline")
    twice(page, "Create project", how)
    once("was created")
    page.goto(f"{host.url}/people/{host.member_id(hana)}")
    page.get_by_label("Operator").check()
    twice(page, "Save role", how)
    once("Role changed|is already")
    expect(row(page, "Hana Reyes").get_by_text("Operator")).to_be_visible()
    page.goto(f"{host.url}/people/{host.member_id(hana)}/remove")
    twice(page, "Remove Hana Reyes", how)
    once("Removed Hana Reyes|was already removed")


def test_a_row_sent_twice_keeps_the_focus(new_page, host, counted):
    hana, page = host.member("Hana Reyes", Role.OPERATOR), host.let_in(new_page())
    page.goto(f"{host.url}/people")
    row(page, "Hana Reyes").get_by_role("link", name="Change").click()
    page.get_by_role("dialog").get_by_label("Admin").check()
    before = counted()
    twice(page, "Save role", "double Enter")
    told(page, "Hana Reyes")
    expect(page.locator(host.change_of(hana))).to_be_focused()
    assert counted() == (before[0] + 1, before[1])


def test_a_second_click_that_comes_after_the_answer_is_still_the_same(new_page, host):
    ana, page = host.invitation(host.email("ana")), host.let_in(new_page())
    page.goto(f"{host.url}/people/invitations")
    page.evaluate("window.sent = 0; document.addEventListener('submit', () => { sent += 1; })")
    again = page.get_by_role("button", name="Send again")
    again.click()
    told(page, f"Sent again to {ana.email}")
    again.hover()
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    assert page.evaluate("sent") == 1


def test_a_key_that_is_pressed_again_at_once_does_not_reach_the_button_in_its_place(new_page, host):
    host.invitation(host.email("ana"))
    page = host.let_in(new_page())
    page.goto(f"{host.url}/people/invitations")
    sent = page.get_by_role("button", name="Send again").evaluate("""button => {
        let sent = 0;
        document.addEventListener('submit', event => { sent += 1; event.preventDefault(); });
        const form = button.form, drawn = form.cloneNode(true);
        button.click();
        form.replaceWith(drawn);
        drawn.querySelector('button').click();
        return sent;
    }""")
    assert sent == 1
