"""What a person does on the page, in the words of the page's ids."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

OPENED_AGAIN = 3
LATE_MS = 20_000
SETTLING_MS = 500


def tiles(page: Page) -> Locator:
    """The photos in the grid."""
    return page.locator("#results button.thumbnail-item")


def shown_sha256(page: Page) -> list[str]:
    """The identity of each photo in the grid, in order: thumbnails are called after it."""
    return [
        Path(address).stem
        for address in tiles(page).locator("img").evaluate_all("all => all.map(it => it.src)")
    ]


def search(page: Page, words: str) -> None:
    """Type and press Enter, and wait until the answer is there."""
    box = page.locator("#query textarea, #query input")
    box.fill(words)
    with page.expect_response(lambda answer: "/queue/data" in answer.url):
        box.press("Enter")


def show_the_rest(page: Page) -> None:
    """What does not match, too; nothing to do where all does."""
    button = page.locator("#show-rest")
    expect(page.locator("#heading")).not_to_be_empty()
    if button.is_visible():
        words = button.inner_text()
        button.click()
        expect(button).not_to_have_text(words)


def go_to(page: Page, tab: str) -> None:
    """One of the tabs, by its name in the language of the page."""
    page.get_by_role("tab", name=tab, exact=True).click()


def open_tile(page: Page, number: int) -> None:
    """The photo at this place of the grid, counted from 0, in the panel."""
    tiles(page).nth(number).click()
    expect(page.locator("#photo-panel")).to_be_visible()
    expect(page.locator("#photo-image img")).to_be_visible()


def choose(page: Page, box: str, choice: str) -> None:
    """A choice of a dropdown; opened again where an answer that came late has closed it."""
    option = page.get_by_role("option", name=choice, exact=True)
    for _ in range(OPENED_AGAIN):
        page.locator(f"#{box} input").click()
        try:
            option.click(timeout=LATE_MS)
            return
        except PlaywrightTimeout:
            page.keyboard.press("Escape")
    option.click()


def open_questions(page: Page) -> None:
    """The box for questions about the open photo; whoever types at once is faster than it is."""
    page.locator("#questions > button").click()
    expect(page.locator("#question textarea")).to_be_visible()
    page.wait_for_timeout(SETTLING_MS)


def last_report(page: Page) -> Locator:
    """What came of the import that ended last."""
    return page.locator("#import-report .report").first


def send(page: Page, *files: Path) -> None:
    """Files dropped on the page, in the tab for adding photos."""
    page.locator("#files input[type=file]").set_input_files(files)
