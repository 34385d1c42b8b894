"""A Chromium that is installed already, pages in a chosen language, albums to look at."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.support.served_album import ServedAlbum

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
]  # fmt: skip
PATIENCE_MS = 90_000  # an upper bound for a busy machine, waited out only by a failing test

NARROW_PX = 900
DRAWER_BEGINS_OPEN = """
if (localStorage.getItem('album-drawer') === null) localStorage.setItem('album-drawer', 'open');
"""

OpenPage = Callable[..., Page]


def launch(playwright: Playwright) -> Browser | None:
    """The first Chromium found, or None."""
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    return found and playwright.chromium.launch(executable_path=found, args=FLAGS)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            pytest.skip(f"no Chromium here: none of {', '.join(CHROMIUM)} is installed")
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens an album as a person of one language sees it, on wide screens with the drawer open.

    Whatever a test does: at its end no page has thrown an error or asked for anything outside.
    """
    outside: list[str] = []
    errors: list[str] = []
    contexts = []

    def open_album(
        served: ServedAlbum,
        locale: str = "en-US",
        width: int = 1280,
        *,
        drawer: bool = True,
        **context: Any,
    ) -> Page:
        contexts.append(
            chromium.new_context(locale=locale, viewport={"width": width, "height": 860}, **context)
        )
        if drawer and width >= NARROW_PX:
            contexts[-1].add_init_script(DRAWER_BEGINS_OPEN)
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))

        def watch(request: Any) -> None:
            if not request.url.startswith((served.url, "data:", "blob:")):
                outside.append(request.url)

        page.on("request", watch)
        page.goto(served.url)
        expect(page.locator("#query")).to_be_visible()
        expect(page.locator("#status")).not_to_be_empty()
        return page

    yield open_album
    for context in contexts:
        context.close()
    assert outside == []
    assert errors == []
