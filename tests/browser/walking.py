"""What a person does on the page, in the words of the page's ids."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

OPENED_AGAIN = 3
LATE_MS = 20_000
ANSWERED = re.compile(r"\bhide\b")
FRAMES_PASS = """() => new Promise(
    pass => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(pass)))
)"""


def tiles(page: Page) -> Locator:
    """The photos in the grid."""
    return page.locator("#results button.thumbnail-item")


def expect_photos(page: Page, count: int) -> None:
    """All photos are there, of which the timeline renders those near the window."""
    expect(page.locator("#heading")).to_contain_text(re.compile(rf"(^|\D){count}(장| photo)"))
    expect(tiles(page).first).to_be_visible()


def shown_sha256(page: Page) -> list[str]:
    """The first 16 digits of the sha256 of each photo in the grid, in order."""
    addresses = tiles(page).locator("img").evaluate_all("all => all.map(it => it.src)")
    return [address.partition("?v=")[2] for address in addresses]


def search(page: Page, words: str) -> None:
    """Type and press Enter, and wait until the answer is there."""
    box = page.locator("#query textarea, #query input")
    box.fill(words)
    # Where another answer is awaited already, this one comes by the same stream.
    with page.expect_response(lambda answer: "/queue/join" in answer.url):
        box.press("Enter")
    expect(page.locator("#heading [data-testid=status-tracker]")).to_have_class(ANSWERED)


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
    """The photo at this place of the grid, counted from 0, in the lightbox."""
    tiles(page).nth(number).click()
    expect(page.locator("#lightbox")).to_be_visible()
    expect(page.locator("#photo-image img")).to_be_visible()


def open_drawer(page: Page) -> None:
    """The drawer of the lightbox, where it is not open already."""
    if not page.locator("#photo-panel").is_visible():
        page.locator("[data-part=info]").click()
        expect(page.locator("#photo-panel")).to_be_visible()


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


def unfold(page: Page, section: str, box: str) -> None:
    """A section that is closed at first, until this box in it can be typed into.

    Gradio gives a box that has just appeared its first value a frame later; what a test types
    within that frame, as no person could, is gone.
    """
    page.locator(f"#{section} > button").click()
    expect(page.locator(f"#{box} input, #{box} textarea").first).to_be_visible()
    page.evaluate(FRAMES_PASS)


def open_filters(page: Page) -> None:
    """The row of filters under the search box."""
    unfold(page, "filters", "after")


def choose_way(page: Page, way: str) -> None:
    """Where classes come from, under Advanced on the Classify tab."""
    radio = page.locator(f"#way input[value={way}]")
    if not radio.is_visible():
        page.locator("#finer > button").click()
    radio.click()


def open_questions(page: Page) -> None:
    """The box for questions about the open photo."""
    unfold(page, "questions", "question")


def last_report(page: Page) -> Locator:
    """What came of the import that ended last."""
    return page.locator("#import-report .report").first


def send(page: Page, *files: Path) -> None:
    """Files dropped on the page, in the tab for adding photos."""
    page.locator("#files input[type=file]").set_input_files(files)
