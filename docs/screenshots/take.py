"""Takes the pictures: `bin/screenshots`. A page of the demo's Northfield each, after a small story of changes in it."""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

import demo
from demo.plans import ACCOUNTS
from runtime.postgres import throwaway
from tests.browser.server import Server, free_port

HERE = Path(__file__).parent
HOME = "/orgs/northfield"
PEOPLE, PROJECTS = f"{HOME}/people", f"{HOME}/projects"
AMARA, KOFI = ACCOUNTS["Owner of Northfield"], ACCOUNTS["Operator of Northfield"]
INVITED = "ana.silva@example.org"
WIDE = {"viewport": {"width": 1280, "height": 830}, "is_mobile": True}  # whose scroll bars take no room
SMALL = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
ARGUMENTS = ["--no-sandbox", "--lang=en-GB"]
NOBODY = ""


def as_it_is(_page: Page) -> None:
    """Change nothing."""


def link(name: str) -> Callable[[Page], None]:
    """Follow the first link whose name begins like that."""
    return lambda page: page.get_by_role("link", name=re.compile(f"^{name}")).first.click()


def explanation(page: Page) -> None:
    """Open the whole story of one role."""
    link("Why")(page)
    page.get_by_role("dialog").wait_for()


def first_details(page: Page) -> None:
    """Unfold what the first entry of the log holds."""
    page.get_by_text("Details").first.click()


def table(page: Page) -> None:
    """Scroll to the list."""
    page.locator(".grid").evaluate("grid => grid.scrollIntoView()")


def role_dialog(page: Page) -> None:
    """Open what would end with another role."""
    link("Change… role of Sven Weber")(page)
    page.get_by_role("dialog").get_by_label("Viewer").check()


def addresses(page: Page) -> None:
    """Type some addresses in the forms that people paste."""
    page.get_by_label("Email addresses").fill(
        "Joana Sousa <joana@example.org>, tom.weber@example.org\nlinh@example.org"
    )
    page.get_by_label(re.compile("^Operator")).check()


@dataclass(frozen=True)
class Shot:
    """One picture: an address, `{project}` and `{invitation}` filled in, what is done there, who sees it and how."""

    path: str
    act: Callable[[Page], None] = as_it_is
    who: str = AMARA
    small: bool = False
    dark: bool = False


SHOTS = {
    "landing": Shot("/", who=NOBODY),
    "sign-up-small": Shot("/signup", who=NOBODY, small=True),
    "home": Shot(HOME),
    "people": Shot(PEOPLE),
    "people-small-dark": Shot(PEOPLE, small=True, dark=True),
    "role": Shot(f"{PEOPLE}?q=sven", role_dialog),
    "invite": Shot(f"{PEOPLE}/invite", addresses),
    "invitations": Shot(f"{PEOPLE}/invitations"),
    "invited": Shot("{invitation}", who=NOBODY),
    "invited-small-dark": Shot("{invitation}", who=NOBODY, small=True, dark=True),
    "projects-dark": Shot(PROJECTS, dark=True),
    "access": Shot("{project}/access?show=here"),
    "access-small-dark": Shot("{project}/access?show=here", table, small=True, dark=True),
    "why": Shot("{project}/access?q=hana", explanation),
    "audit": Shot(f"{HOME}/audit", first_details),
    "delete": Shot(f"{HOME}/settings/delete"),
}


class Photographer:
    """A browser on a server, with a window for each person and look."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser, self._server = browser, server
        self._places: dict[str, str] = {}
        self._state = cache(self._log_in)

    def tell_the_story(self) -> None:
        """Let the demo's people change a few things, so that the log has something to tell."""
        amara, kofi = self._open(AMARA), self._open(KOFI)
        kofi.goto(f"{PEOPLE}/invite")  # is refused
        for name, role in (("Ivo Petrov", "Operator"), ("Kofi Mensah", "Admin"), ("Kofi Mensah", "Operator")):
            amara.goto(f"{PEOPLE}?q={name}")
            link("Change…")(amara)
            amara.get_by_role("dialog").get_by_label(re.compile(f"^{role}")).check()
            amara.get_by_role("button", name="Save role").click()
            amara.get_by_role("dialog").wait_for(state="detached")
        amara.goto(f"{PEOPLE}/invite")
        amara.get_by_label("Email addresses").fill(INVITED)
        amara.get_by_label(re.compile("^Operator")).check()
        amara.get_by_role("button", name=re.compile("^Send")).click()
        amara.get_by_text("Sent 1 invitation").first.wait_for()
        amara.goto("/dev/mail")
        invitation = re.findall(r"/invitations/[\w-]{20,}", amara.content())[0]
        amara.goto(PROJECTS)
        project = amara.get_by_role("link", name="Billing pipeline").first.get_attribute("href") or ""
        self._places = {"invitation": invitation, "project": project}

    def take(self, name: str, shot: Shot) -> int:
        """Take a picture; return its size in bytes."""
        page = self._open(shot.who, small=shot.small, dark=shot.dark)
        page.goto(shot.path.format(**self._places))
        shot.act(page)
        page.mouse.move(0, 0)
        file, picture = HERE / f"{name}.png", Image.open(BytesIO(page.screenshot(animations="disabled")))
        page.context.close()
        # A page has a few colours and the shades at the edges of its letters: a palette makes a third of its size.
        palette = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        palette.save(file, optimize=True)
        return file.stat().st_size

    def _open(self, who: str, *, small: bool = False, dark: bool = False) -> Page:
        context = self._context(
            **(SMALL if small else WIDE),
            color_scheme="dark" if dark else "light",
            storage_state=self._state(who) if who else None,
        )
        return context.new_page()

    def _context(self, **options: Any) -> BrowserContext:
        return self._browser.new_context(base_url=self._server.url, reduced_motion="reduce", locale="en-GB", **options)

    def _log_in(self, who: str) -> Any:
        context = self._context()
        page = context.new_page()
        page.goto("/login")
        page.get_by_label("Email", exact=True).fill(who)
        page.get_by_label("Password", exact=True).fill(demo.PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/orgs**")
        state = context.storage_state()
        context.close()
        return state


def main(names: list[str]) -> None:
    """Take the pictures of these names, or all of them."""
    if unknown := set(names) - set(SHOTS):
        sys.exit(f"There is no picture called {', '.join(sorted(unknown))}. There are: {', '.join(SHOTS)}.")
    with (
        throwaway() as postgres,
        Server(postgres.url(), free_port(), "") as server,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=os.environ["FREEHOLD_CHROMIUM"], args=ARGUMENTS) as browser,
    ):
        server.flask("demo")
        photographer = Photographer(browser, server)
        photographer.tell_the_story()
        for name in names or SHOTS:
            print(f"{name}.png: {photographer.take(name, SHOTS[name]) / 1000:.0f} KB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
