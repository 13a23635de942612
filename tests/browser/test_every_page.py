"""Every page can be used by everyone, on every screen: UX.md checks 1, 2, 4, 7, 9, 16, 17, 18, 21 and 30."""

from itertools import product
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from tests.browser.pages import PAGES

LOOK = Path(__file__).with_name("look.js").read_text()
DESKTOP, PHONE = (1280, 900), (360, 740)
ZOOMED = [(640, 512), (320, 256)]  # a desktop of 1280 × 1024 at 200 % and at 400 %
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations", "incomplete"],
}
# What axe cannot decide by itself, the rule and the reason, and why it is well.
BY_HAND = {
    # The lines of a long name are boxes that overlap a little. Their letters do not, as is tested below, and every pair
    # of colours is measured in test_themes.py.
    ("color-contrast", "bgOverlap"),
    ("color-contrast", "elmPartiallyObscured"),
    ("color-contrast", "elmPartiallyObscuring"),
}


@pytest.fixture(scope="module", params=PAGES, ids=lambda visit: visit.name)
def visit(request):
    return request.param


@pytest.fixture(scope="module")
def page(visit, reader):
    """The page on a touch screen. It is opened once for all that is asked of it."""
    page = reader.read(visit, has_touch=True)
    page.evaluate(LOOK)
    return page


def test_scripts_and_content_policy_are_content(page, reader):
    assert reader.trouble == []


def test_there_is_one_heading_and_the_title_names_the_place(page):
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1
    title, *place = page.title().split(" – ")
    assert title
    here = page.locator("#switcher-button .clip")  # the organization, where one is open
    assert place == [*here.all_text_contents(), "Freehold"]


def test_live_regions_wait_empty(visit, page):
    assert page.locator("#toasts[role=status]").count() == 1
    assert page.locator("#notices").count() == 1
    if visit.shows not in (".toast", ".note.bad"):
        assert page.locator("#toasts > *, #notices > *").count() == 0


def test_the_first_stop_leads_past_the_header(page):
    first = page.locator("a[href], button, input:not([type=hidden])").first
    assert first.get_attribute("href") == "#main"
    assert page.locator("main#main[tabindex='-1']").count() == 1


def test_whatever_has_the_focus_is_seen(page):
    page.keyboard.press("Shift")  # a key, so that the browser shows where the focus is
    assert ask(page, [DESKTOP, ZOOMED[1]], "stops") == []


def test_it_fits_every_screen_and_a_finger_hits_every_target(page):
    assert ask(page, [DESKTOP, PHONE, *ZOOMED], "beyond", "overlaps", "sticky", "unlabelled", "small") == []


def test_wider_spacing_cuts_nothing_off(page):
    page.evaluate("look.space(true)")
    wrong = ask(page, [ZOOMED[1]], "clipped", "beyond", "overlaps")
    page.evaluate("look.space(false)")
    assert wrong == []


def test_axe_finds_nothing_in_both_themes_and_widths(visit, page):
    """On the page of all components, each theme is looked at in each width; elsewhere two of the four are enough."""
    page.evaluate(AXE_SCRIPT)
    front = page.evaluate("look.frontmost()")
    both = ("light", "dark"), (DESKTOP, PHONE)
    looks = product(*both) if "/_ui" in visit.address else zip(*both, strict=True)
    for theme, (width, height) in looks:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": height})
        found = page.evaluate("([front, options]) => axe.run(front, options)", [front, AXE])
        assert [node for _, _, node in nodes(found["violations"])] == []
        assert [node for rule, reason, node in nodes(found["incomplete"]) if (rule, reason) not in BY_HAND] == []


def ask(page, screens, *measures):
    """What is wrong on each screen; look.js measures it."""
    answers = []
    for width, height in screens:
        page.set_viewport_size({"width": width, "height": height})
        answers += [
            f"{width} × {height}: {wrong}" for wrong in page.evaluate("names => look.ask(names)", list(measures))
        ]
    return answers


def nodes(rules):
    """Each place that a rule speaks of: the rule, the reason for what axe cannot decide, and what it says of where."""
    for rule in rules:
        for node in rule["nodes"]:
            reasons = [(check["data"] or {}).get("messageKey") for check in node["any"] + node["all"] + node["none"]]
            yield rule["id"], reasons[0], f"{rule['id']} {reasons}: {node['html'][:200]} {node['failureSummary']}"
