"""A real browser for the console's pages: Debian's chromium, driven by Playwright."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.async_playwright import Axe
from lacking import needed
from patience import PATIENCE
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

WIDTH, HEIGHT, NARROW = 1000, 700, 320
PROJECT = Path(__file__).parents[1]
PICTURES = os.environ.get("WORKER_TEST_PICTURES")
"""The folder for the pictures of the documentation; without it none is taken."""
THEMES: Final = ("light", "dark")
TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
EVERYTHING: Final = {"runOnly": {"type": "tag", "values": list(TAGS)}}
COLOURS: Final = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


REBOUND, OURS = "rebound.example", "console.example"
"""Host names that lead to this machine, in this browser only."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser; without chromium the test is skipped with one line, but in CI it fails."""
    path = needed("chromium", "chromium")
    # Chromium has no sandbox when run as root, as a CI container does; and /dev/shm may be small there.
    names = f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP {OURS} 127.0.0.1"
    # One process for all pages: each further context would start two more, which takes a second.
    few = ["--disable-dev-shm-usage", "--renderer-process-limit=1"]
    given = [*few, *(["--no-sandbox"] if os.geteuid() == 0 else []), names]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=given, timeout=PATIENCE * 1000)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Visit:
    """One tab of a browser; `complaints` collects what should never happen in it."""

    context: BrowserContext
    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        """Note errors in the browser's console, except those that tests provoke: an error status, and a header that no
        browser honours without TLS.
        """
        expected = ("Failed to load resource", "The Cross-Origin-Opener-Policy header has been ignored")
        if message.type == "error" and not message.text.startswith(expected):
            self.complaints.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.complaints.append(f"asked somebody else: {request.url}")

    async def open(self, path: str) -> int:
        """Open that path, and return the HTTP status."""
        answer = await self.page.goto(self.base + path, timeout=PATIENCE * 1000)
        assert answer is not None
        return answer.status

    async def reads(self, text: str) -> None:
        """Return once that text stands somewhere on the page."""
        await self.page.get_by_text(text).first.wait_for(timeout=PATIENCE * 1000)

    async def violations(self, rules: Any = EVERYTHING) -> list[str]:
        """The faults of accessibility that axe finds, one line for each."""
        results = await Axe().run(self.page, options=rules)
        return [
            f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes'][:3]]}"
            for each in results.response["violations"]
        ]

    async def overflows(self) -> bool:
        """Whether the page is wider than the window, so that it must be scrolled sideways."""
        wide: Any = await self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        return bool(wide)

    async def themed(self, theme: Any, width: int = WIDTH) -> None:
        await self.page.emulate_media(color_scheme=theme)
        await self.page.set_viewport_size({"width": width, "height": HEIGHT})


@asynccontextmanager
async def visiting(browser: Browser, base: str, link: str | None = None, **options: Any) -> AsyncIterator[Visit]:
    """A tab of its own, let in by the link where one is given; at the end `complaints` must be empty."""
    viewport: Any = {"width": WIDTH, "height": HEIGHT}
    context = await browser.new_context(viewport=viewport, reduced_motion="reduce", **options)
    context.set_default_timeout(PATIENCE * 1000)
    visit = Visit(context, await context.new_page(), base)
    visit.listen()
    try:
        if link:
            await visit.page.goto(link)
            await visit.page.wait_for_url(f"{base}/")
        yield visit
        assert visit.complaints == [], visit.complaints
    finally:
        await context.close()


async def looks_right(visit: Visit, name: str, *, is_documented: bool = False) -> None:
    """The page has no fault that axe finds, in both themes, and fits the narrowest screen; takes its picture."""
    for theme in THEMES:
        await visit.themed(theme)
        assert await visit.violations(EVERYTHING if theme == "light" else COLOURS) == [], f"{name}, {theme}"
        if PICTURES and is_documented:
            await visit.page.screenshot(path=PROJECT / PICTURES / f"console-{name}-{theme}.png", full_page=True)
    await visit.themed("light", NARROW)
    assert not await visit.overflows(), name
    await visit.themed("light")
