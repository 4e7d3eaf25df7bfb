"""A real Chromium, and a look at what goes wrong on a page without being seen."""

import contextlib
import shutil
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

WIDE, NARROW = {"width": 1180, "height": 900}, {"width": 360, "height": 740}


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the Chromium that Playwright installed, or else the system's; skip where there is none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_executable(playwright))
        yield browser
        browser.close()


def _executable(playwright: Playwright) -> str:
    installed = playwright.chromium.executable_path
    found = installed if Path(installed).exists() else shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.skip(
            "no Chromium; install one: `apt-get install chromium`, or `playwright install --with-deps chromium`"
        )
    return found


@dataclass
class Watch:
    """What the pages of a context tell and ask."""

    told: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def follow(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda error: self.told.append(f"uncaught: {error.error}"))
        context.on("request", lambda request: self.hosts.add(urllib.parse.urlsplit(request.url).netloc))

    def _console(self, message: ConsoleMessage) -> None:
        # The browser itself logs each reply of 4xx and 5xx and each refused connection; tests ask for those on purpose.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.told.append(message.text)


def open_model(page: Page, url: str, model: str) -> None:
    page.goto(f"{url}/#{model}")
    page.get_by_role("heading", name=model, exact=True, level=2).wait_for()
