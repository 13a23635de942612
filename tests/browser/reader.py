"""Opens pages as somebody sees them: fast, because few browser contexts serve all people."""

from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Page

from tests.browser.pages import Visit
from tests.browser.place import Place

PATIENCE = 10_000  # milliseconds for anything on a page; the machine may be busy


class Reader:
    """Keeps one page for each set of a context's options, such as javascript=False or has_touch=True."""

    def __init__(self, chromium: Browser, url: str, place: Place) -> None:
        self.trouble: list[str] = []
        self._chromium, self._url, self._place = chromium, url, place
        self._pages: dict[tuple[tuple[str, Any], ...], Page] = {}
        self._sessions: dict[str, str | None] = {"visitor": None}

    def read(self, visit: Visit, *, javascript: bool = True, width: int = 1280, **options: Any) -> Page:
        """Show what somebody sees; in the end the page is still, and looks as on a first visit."""
        page = self._page(java_script_enabled=javascript, **options)
        self.trouble.clear()
        self.become(page, visit.who)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(visit.address.format(**self._place.things))
        for selector, text in visit.fill.items():
            page.fill(selector, text)
        for selector in visit.press:
            if visit.stale:
                page.locator("main [name=version]").first.evaluate("field => { field.value = '0' }")
            page.locator(selector.format(**self._place.things)).first.click()
        page.locator(visit.shows).first.wait_for()
        return page

    def become(self, page: Page, who: str) -> None:
        """Make the page's browser that of somebody who is logged in, or of a visitor."""
        if who not in self._sessions:
            self._sessions[who] = self._place.session(who)
        session = self._sessions[who]
        page.context.clear_cookies()
        if session:
            page.context.add_cookies([{"name": "session", "value": session, "url": self._url}])

    def close(self) -> None:
        """Close what was opened."""
        for page in self._pages.values():
            page.context.close()

    def _page(self, **options: Any) -> Page:
        key = tuple(sorted(options.items()))
        if key not in self._pages:
            still = {"reduced_motion": "reduce"} | options
            context = self._chromium.new_context(base_url=self._url, **still)
            context.set_default_timeout(PATIENCE)
            self._pages[key] = context.new_page()
            watch(self._pages[key], self.trouble)
        return self._pages[key]


PROVOKED = "Failed to load resource", "Failed to fetch"


def watch(page: Page, trouble: list[str]) -> None:
    """Collect errors of scripts and of the content security policy.

    A 422 or a lost connection that a test provokes is none, nor is a transition between pages that is left out.
    """

    def hear(said: ConsoleMessage) -> None:
        if said.type == "error" and not any(words in said.text for words in PROVOKED):
            trouble.append(said.text)

    def fall(error: Error) -> None:
        if not error.message.startswith("Transition was"):
            trouble.append(str(error))

    page.on("pageerror", fall)
    page.on("console", hear)
