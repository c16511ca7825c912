"""A real browser for tests of pages: Debian's Chromium, driven by Playwright.

Whoever opens a page here need not look for what no page may ever do: errors in the console, what the policy
refuses, answers of failure and requests to anybody else are collected, and the fixture `visit` refuses them.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

CHROMIUM = Path("/usr/bin/chromium")
NO_CHROMIUM = f"browser tests need Chromium, and there is none at {CHROMIUM}: apt-get install chromium"
OPTIONS = (
    "--no-sandbox",  # as root it starts only so
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 30_000  # milliseconds for what is waited for; a machine may have much else to do
WIDE, NARROW = 1280, 360
SCHEMES = ("light", "dark")

expect.set_options(timeout=PATIENCE)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser. While it runs, no other event loop can in this thread (`tests/live.py` knows)."""
    if not CHROMIUM.exists():
        pytest.skip(NO_CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """Opens pages of a server, each as a reader who has never been there."""

    browser: Browser
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(
        self,
        path: str,
        *,
        width: int = WIDE,
        scheme: str = "light",
        locale: str = "en-GB",
        expected: Collection[int] = (),
        javascript: bool = True,
    ) -> Page:
        """Open a page; `expected` are the statuses of failure that it is to meet."""
        context = self.browser.new_context(
            base_url=self.base,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            locale=locale,
            timezone_id="Europe/Kyiv",
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()

        def on_console(message: ConsoleMessage) -> None:
            # a failure is told by its status, which says more
            if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
                self.complaints.append(f"{message.type}: {message.text}")

        def on_request(request: Request) -> None:
            if not request.url.startswith((f"{self.base}/", "data:", "blob:")):
                self.complaints.append(f"asked somebody else: {request.url}")

        def on_response(response: Response) -> None:
            if response.status >= 400 and response.status not in expected:
                self.complaints.append(f"{response.status}: {response.url}")

        page.on("console", on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error.stack or error}"))
        page.on("request", on_request)
        page.on("response", on_response)
        page.goto(path)
        return page


@contextmanager
def visiting(browser: Browser, base: str) -> Iterator[Visit]:
    """Open pages of a server, and refuse what went wrong in them."""
    visit = Visit(browser, base)
    yield visit
    for context in browser.contexts:
        context.close()
    assert not visit.complaints, "\n".join(visit.complaints)


def barriers(page: Page) -> str:
    """Tell what axe-core finds that keeps somebody out; nothing, if all is well."""
    results = Axe().run(page)
    return "" if results.violations_count == 0 else results.generate_report()


def overflow(page: Page) -> int:
    """Give how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def tab_to(page: Page, selector: str, *, most: int = 300) -> None:
    """Press Tab until something has the focus that a selector names, as somebody without a mouse does."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
    raise AssertionError(f"Tab never reaches {selector}")
