"""Light and dark, less motion, and colours that the reader's system forces: UX.md checks 8, 10, 19 and 20."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.pages import PROJECT, Visit

COMPONENTS = Visit("components", "visitor", "/_ui")
GROUNDS, SOFT = ("canvas", "surface", "sunken"), ("warn", "ok", "info", "danger", "violet")
TEXTS = [
    *((text, ground) for text in ("ink", "ink-2", "ink-3", "link", "danger") for ground in GROUNDS),
    *((f"{text}", f"{text}-soft") for text in SOFT),
    *(("ink", f"{ground}-soft") for ground in SOFT),
    *(("ink-2", f"{ground}-soft") for ground in SOFT),
    *(("on-accent", "accent"), ("on-danger", "danger"), ("link", "accent-soft"), ("canvas", "ink")),
]
MARKS = [(mark, ground) for mark in ("control", "focus") for ground in GROUNDS]
# The contrast of two colours as WCAG 2 has it, whatever notation they have: they are painted, and read again.
CONTRAST = """pairs => {
  const pen = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const light = colour => {
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map(x => x / 255)
      .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  return pairs.map(pair => pair.map(light)).map(([a, b]) => Math.max(a, b) / Math.min(a, b));
}"""
TOKEN = """names => names.map(pair => pair.map(name => {
  document.body.style.color = `var(--${name})`;
  const colour = getComputedStyle(document.body).color;
  document.body.style.color = '';
  return colour;
}))"""
AVATARS = """() => [...document.querySelectorAll('.avatar')].map(avatar => {
  const { color, backgroundColor } = getComputedStyle(avatar);
  return [color, backgroundColor];
})"""


CORNERS = """frames => Promise.all(frames.map(async frame => {
  const image = new Image();
  image.src = `data:image/png;base64,${frame}`;
  await image.decode();
  const pen = new OffscreenCanvas(1, 1).getContext('2d');
  pen.drawImage(image, 0, 0);
  return `rgb(${[...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).join(', ')})`;
}))"""
MOVES = """
  window.moves = 0;
  for (const kind of ['animationstart', 'transitionrun']) addEventListener(kind, () => { window.moves += 1 }, true);
  addEventListener('pagereveal', ({ viewTransition }) => { window.moves += viewTransition ? 1 : 0 });
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_pair_of_colours_has_contrast(reader, theme):
    page = reader.read(COMPONENTS)
    page.emulate_media(color_scheme=theme)
    for pairs, least in ((TEXTS, 4.5), (MARKS, 3)):
        found = page.evaluate(CONTRAST, page.evaluate(TOKEN, pairs))
        assert [(pair, ratio) for pair, ratio in zip(pairs, found, strict=True) if ratio < least] == []
    assert page.locator(".avatar").evaluate_all("all => new Set(all.map(one => one.dataset.h)).size") == 12
    assert min(page.evaluate(CONTRAST, page.evaluate(AVATARS))) >= 4.5


@pytest.mark.parametrize(
    ("cookie", "system", "canvas"),
    [
        ("dark", "light", "rgb(19, 20, 17)"),
        ("light", "dark", "rgb(250, 249, 245)"),
        (None, "dark", "rgb(19, 20, 17)"),
    ],
)
def test_a_page_is_never_painted_in_the_other_theme(new_page, cookie, system, canvas):
    """Every frame that the browser paints on the way from one page to the next, as a screencast records them."""
    page = new_page(color_scheme=system, reduced_motion="reduce")
    if cookie:
        page.context.add_cookies([{"name": "theme", "value": cookie, "domain": "localhost", "path": "/"}])
    page.goto("/login")
    frames = []
    screencast = page.context.new_cdp_session(page)
    screencast.on("Page.screencastFrame", lambda frame: frames.append(frame["data"]))
    screencast.send("Page.startScreencast", {"format": "png"})
    page.goto("/signup")
    expect(page.get_by_role("heading", level=1)).to_have_text("Create an account")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    screencast.send("Page.stopScreencast")
    corners = page.evaluate(CORNERS, frames)
    assert frames
    assert set(corners) == {canvas}


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_who_wants_less_motion_sees_none(new_page, reader, place, motion):
    page = new_page(reduced_motion=motion)
    reader.become(page, "owner")
    page.add_init_script(MOVES)
    page.goto("/orgs/long-names/people")
    page.goto("/orgs/long-names/people/invite")  # from page to page
    page.locator("#account-button").click()  # a menu
    page.locator("#send").click()  # a form with errors, and a button that was busy
    page.locator(".summary").wait_for()
    page.go_back()
    page.locator(f"#c-{place.things['row_id']}").click()  # a dialog
    page.locator("dialog[open]").wait_for()
    page.goto("/account")
    page.locator("#save-name").click()  # a toast
    page.locator(".toast").wait_for()
    if motion == "no-preference":
        page.wait_for_function("window.moves > 0")  # a page's first frame may come after its toast is there
        return
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate("window.moves") == 0


def test_a_role_and_where_it_comes_from_are_read_aloud(reader):
    """As the tree of what assistive technology is given has it."""
    page = reader.read(Visit("access", "owner", f"{PROJECT}/access"))
    row = page.get_by_role("row", name="Hana Reyes")
    expect(row.get_by_role("cell", name="Admin", exact=True)).to_be_visible()
    expect(row.get_by_role("cell", name=re.compile("^Set on this project by .* role: Viewer$"))).to_be_visible()


def test_without_colours_an_inherited_role_differs_from_one_that_was_set(reader):
    page = reader.read(Visit("access", "owner", f"{PROJECT}/access"))
    page.emulate_media(forced_colors="active")
    edge = "badge => getComputedStyle(badge).borderTopStyle"
    row = page.locator("tr", has_text="Hana Reyes")
    assert row.locator(".role").evaluate(edge) == "solid"
    assert page.locator("tr", has_text="Owners always").locator(".role").evaluate(edge) == "dashed"
    page.emulate_media(forced_colors="none")
