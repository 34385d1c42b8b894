"""Pictures of the page to look at before it is called done.

    .venv/bin/python -m tests.browser.screenshots

writes tests/browser/screenshots/<what>-<width>-<language>-<theme>.png: the empty album, a full one,
search hits with an open photo, the report of an upload, and Classify; wide and narrow, Korean and
English, light and dark. Run by hand; nothing compares them. The photos are those that Gradio ships.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import PATIENCE_MS, launch
from tests.browser.walking import go_to, open_tile, tiles
from tests.images.make import make_empty, make_text, make_truncated
from tests.served_album import SAMPLES, ServedAlbum, served_album

TARGET = Path(__file__).with_name("screenshots")
MOST_BYTES = 400_000
IMAGES_ARE_HERE = """() => [...document.images].every((it) =>
  it.complete || it.getBoundingClientRect().top > innerHeight)"""
TABS = {"ko": ("찾기", "사진 넣기", "분류"), "en": ("Search", "Add photos", "Classify")}
QUERY = {"ko": "고양이과 동물", "en": "a big cat"}
CLASSES = {
    "ko": "고양이과 동물 | big cat\n버스 | bus\n탑 | tower",
    "en": "big cat\nbus\ntower",
}
# Enough to look at; each is megabytes of history if all are kept with every change.
KEPT = {
    "empty": ("1280-en-light", "390-ko-dark"),
    "full": ("1280-ko-light", "390-en-light"),
    "photo": ("1280-en-light", "1280-ko-dark", "390-ko-light", "390-en-dark"),
    "upload": ("1280-en-light", "1280-ko-dark", "390-ko-light"),
    "classify": ("1280-en-light", "390-ko-dark"),
    "best": ("1280-ko-light", "390-en-dark"),
    "filters": ("1280-en-dark", "390-ko-light"),
    "fits": ("1280-en-light", "390-ko-dark"),
}
WRITTEN = {
    "ko": ("눈을 마주친 치타", "바위 위에 누운 사자", "밤의 에펠탑"),
    "en": ("a cheetah looks at us", "a lion lies on a rock", "the Eiffel Tower at night"),
}


def main() -> None:
    """Take them all anew."""
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir()
    expect.set_options(timeout=PATIENCE_MS)
    work = Path(tempfile.mkdtemp())
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            sys.exit("There is no Chromium here.")
        with (
            served_album(work / "empty") as empty,
            served_album(work / "full", ALBUM_FOLDERS=str(SAMPLES)) as full,
            served_album(work / "captioned", ALBUM_FOLDERS=str(SAMPLES)) as captioned,
        ):
            for language, width, theme in product(("ko", "en"), (1280, 390), ("light", "dark")):
                look(browser, empty, full, work, language, width, theme)
                if f"{width}-{language}-{theme}" in KEPT["fits"]:
                    look_at_captions(browser, captioned, language, width, theme)


def opened(browser: Browser, language: str, width: int, theme: str) -> Page:
    """A new browser of somebody who prefers this."""
    context = browser.new_context(
        locale=f"{language}-{'KR' if language == 'ko' else 'US'}",
        viewport={"width": width, "height": 860},
        color_scheme="dark" if theme == "dark" else "light",
    )
    return context.new_page()


def look_at_captions(
    browser: Browser, album: ServedAlbum, language: str, width: int, theme: str
) -> None:
    """Which of the captions fits: some are written, then the first photo is asked about."""
    page = opened(browser, language, width, theme)
    page.goto(album.url)
    page.locator("#query input").fill(QUERY[language])
    page.keyboard.press("Enter")
    expect(page.locator("#results .caption-label").first).to_contain_text("·")
    for place, words in enumerate(WRITTEN[language]):
        open_tile(page, place)
        page.locator("#caption textarea").fill(words)
        page.locator("#save-caption").click()
        expect(page.locator("#caption-note")).not_to_be_empty()
        page.locator("#photo-close").click()
        expect(page.locator("#photo-panel")).to_be_hidden()
    open_tile(page, 0)
    page.locator("#which-fits").click()
    expect(page.locator("#fits .fit").nth(2)).to_be_visible()
    page.locator("#fits .fit").nth(2).scroll_into_view_if_needed()
    page.mouse.move(0, 0)
    save(page, TARGET / f"fits-{width}-{language}-{theme}.png")
    page.context.close()


def look(
    browser: Browser, empty: ServedAlbum, full: ServedAlbum, work: Path,
    language: str, width: int, theme: str,
) -> None:  # fmt: skip
    """All pictures of one language, width and theme."""
    page = opened(browser, language, width, theme)

    def picture(what: str) -> None:
        variant = f"{width}-{language}-{theme}"
        if variant in KEPT[what]:
            page.mouse.move(0, 0)
            save(page, TARGET / f"{what}-{variant}.png")

    search_tab, upload_tab, classify_tab = TABS[language]
    page.goto(empty.url)
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("준비됨" if language == "ko" else "ready")
    picture("empty")

    page.goto(full.url)
    expect(page.locator("#status")).to_contain_text("준비됨" if language == "ko" else "ready")
    expect(tiles(page).nth(8)).to_be_visible()
    picture("full")

    page.locator("#query input").fill(QUERY[language])
    page.keyboard.press("Enter")
    expect(page.locator("#results .caption-label").first).to_contain_text("·")
    open_tile(page, 0)
    picture("photo")
    page.locator("#photo-close").click()
    expect(page.locator("#photo-panel")).to_be_hidden()

    go_to(page, upload_tab)
    bad = [
        make_text(work / "diary.jpg"),
        make_empty(work / "IMG_0042.jpg"),
        make_truncated(work / "half.jpg"),
    ]
    page.locator("#files input[type=file]").set_input_files([*bad, SAMPLES / "lion.jpg"])
    expect(page.locator("#import-report li")).to_have_count(3)
    picture("upload")

    go_to(page, classify_tab)
    page.locator("#take-hits").click()
    expect(page.locator("#chosen img").first).to_be_visible()
    page.locator("#classes textarea").fill(CLASSES[language])
    page.locator("#classify-now").click()
    expect(page.locator(".verdict").first).to_be_visible()
    picture("classify")
    page.locator("#best-per-class").click()
    expect(page.locator(".per-class").first).to_be_visible()
    picture("best")
    go_to(page, search_tab)
    page.locator("#filters button").first.click()
    expect(page.locator("#camera")).to_be_visible()
    picture("filters")
    page.context.close()


def save(page: Page, path: Path) -> None:
    """A picture of the window, with fewer colours where it would be large."""
    page.wait_for_function(IMAGES_ARE_HERE)
    png = page.screenshot(animations="disabled")
    if len(png) > MOST_BYTES:
        smaller = io.BytesIO()
        Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(smaller, "PNG", optimize=True)
        png = smaller.getvalue()
    path.write_bytes(png)


if __name__ == "__main__":
    main()
