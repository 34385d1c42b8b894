"""Which of my captions fits: found, taken over, never put in the place of another unasked."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_look import CONTRASTS, HARM, NAMES, VISIBLE_TEXTS
from tests.browser.walking import open_drawer, open_tile, search, tiles
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

PHOTOS = ("bus.png", "cheetah1.jpg", "lion.jpg", "tower.jpg")
CAPTIONS = {"bus.png": "빨간 버스", "lion.jpg": "a big cat", "tower.jpg": "에펠탑 tower"}
MANY = 3000
WORDS = {
    "en-US": {
        "ask": "Which of my captions fits?",
        "none": "No photo has a caption yet.",
        "now": "on this photo now",
        "well": "fits well",
        "hardly": "hardly fits",
        "instead": "Use this instead",
        "saved": "Saved.",
        "gone": "This photo is not in the album.",
        "saved_instead": "Saved instead of “a big cat”.",
    },
    "ko-KR": {
        "ask": "이 사진에 어울리는 설명 찾기",
        "none": "아직 적어 둔 설명이 없습니다.",
        "now": "지금 이 사진의 설명",
        "well": "잘 맞음",
        "hardly": "거의 안 맞음",
        "instead": "이 설명으로 바꾸기",
        "saved": "저장했습니다.",
        "gone": "사진첩에 없는 사진입니다.",
        "saved_instead": "“a big cat” 대신 저장했습니다.",
    },
}


def fits(page: Page) -> Locator:
    return page.locator("#fits .fit")


def box(page: Page) -> Locator:
    return page.locator("#caption textarea")


def open_photo(page: Page, name: str) -> None:
    """The photo of this file name in the panel."""
    if page.locator("#lightbox").is_visible():
        page.locator("#photo-close").click()
        expect(page.locator("#lightbox")).to_be_hidden()
    facts = page.locator("#photo-facts dd.quiet")
    open_tile(page, 0)
    open_drawer(page)
    expect(facts).not_to_be_empty()
    while not facts.inner_text().startswith(name):
        before = facts.inner_text()
        page.locator("#photo-next").click()
        expect(facts).not_to_have_text(before)


def open_again(page: Page, name: str) -> None:
    """Reload; the address opens the photo by itself."""
    page.reload()
    expect(page.locator("#photo-facts dd.quiet")).to_contain_text(name)


@pytest.fixture
def album(tmp_path: Path) -> Iterator[ServedAlbum]:
    """Four photos, no captions."""
    (tmp_path / "photos").mkdir()
    for name in PHOTOS:
        shutil.copy(SAMPLES / name, tmp_path / "photos")
    with served_album(tmp_path, ALBUM_FOLDERS=str(tmp_path / "photos")) as served:
        yield served


def write(served: ServedAlbum, captions: dict[str, str]) -> None:
    """Captions by hand, by file name; as another process would."""
    with closing(sqlite3.connect(served.data_dir / "album.db")) as db, db:
        for name, text in captions.items():
            db.execute(
                "INSERT OR REPLACE INTO captions SELECT photo_id, '', ?, NULL, '',"
                " '2026-01-01T00:00:00' FROM photos WHERE filename = ?",
                (text, name),
            )


@pytest.mark.parametrize("locale", WORDS)
def test_fitting_caption_replaces_only_after_confirmation(
    album: ServedAlbum, open_page: OpenPage, locale: str
) -> None:
    words = WORDS[locale]
    page = open_page(album, locale)
    expect(tiles(page)).to_have_count(len(PHOTOS))
    open_photo(page, "cheetah1.jpg")
    ask = page.get_by_role("button", name=words["ask"])
    expect(page.locator("#fits")).to_be_hidden()
    ask.click()
    expect(page.locator("#fits")).to_contain_text(words["none"])
    expect(fits(page)).to_have_count(0)
    write(album, CAPTIONS)

    ask.click()
    expect(fits(page)).to_have_count(len(CAPTIONS))
    expect(fits(page).first).to_contain_text("a big cat")
    expect(fits(page).first).to_contain_text(words["well"])
    for place in range(1, len(CAPTIONS)):
        expect(fits(page).nth(place)).to_contain_text(words["hardly"])
    expect(page.locator("#fits")).not_to_contain_text("%")

    # Into an empty box at once, and kept like a typed one.
    fits(page).first.click()
    expect(box(page)).to_have_value("a big cat")
    expect(page.locator("#caption-note")).to_have_text(words["saved"])
    expect(fits(page).first).to_contain_text(words["now"])
    expect(page.locator("#fits [aria-current=true]")).to_have_count(1)

    # In the place of another only when asked once more.
    fits(page).last.click()
    instead = page.locator("#fits").get_by_role("button", name=words["instead"])
    expect(instead).to_be_visible()
    expect(box(page)).to_have_value("a big cat")
    last = fits(page).last.locator(".words span span").first.inner_text()
    instead.click()
    expect(box(page)).to_have_value(last)
    expect(page.locator("#caption-note")).to_have_text(words["saved_instead"])
    expect(instead).to_have_count(0)

    # Gone with the photo; kept with the album.
    open_photo(page, "cheetah1.jpg")
    expect(box(page)).to_have_value(last)
    expect(page.locator("#fits")).to_be_hidden()
    ask.click()
    expect(fits(page)).to_have_count(len(CAPTIONS))
    page.locator("#photo-next").click()
    expect(page.locator("#photo-facts dd.quiet")).not_to_contain_text("cheetah1.jpg")
    expect(page.locator("#fits")).to_be_hidden()

    # What cannot be done is said, and nothing is left waiting.
    with closing(sqlite3.connect(album.data_dir / "album.db")) as db, db:
        db.execute("DELETE FROM photos")
    ask.click()
    expect(page.locator(".toast-body")).to_contain_text(words["gone"])
    expect(page.locator("#fits")).to_be_hidden()


@pytest.fixture(scope="module")
def captioned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    """Four photos, one of them without a caption, and one caption that would be a program."""
    folder = tmp_path_factory.mktemp("captioned")
    (folder / "photos").mkdir()
    for name in PHOTOS:
        shutil.copy(SAMPLES / name, folder / "photos")
    with served_album(folder, ALBUM_FOLDERS=str(folder / "photos")) as served:
        yield served


@pytest.fixture
def asked(captioned: ServedAlbum, open_page: OpenPage) -> Page:
    """The photo without a caption, and the list open."""
    page = open_page(captioned)
    expect(tiles(page)).to_have_count(len(PHOTOS))
    write(captioned, CAPTIONS)
    open_photo(page, "cheetah1.jpg")
    box(page).fill("")
    page.locator("#save-caption").click()
    expect(page.locator("#caption-note")).to_have_text("Saved.")
    page.locator("#which-fits").click()
    expect(fits(page)).to_have_count(len(CAPTIONS))
    return page


def test_text_being_typed_is_not_overwritten(asked: Page) -> None:
    box(asked).fill("my own words")

    fits(asked).first.click()

    expect(asked.locator("#fits .instead")).to_be_visible()
    expect(box(asked)).to_have_value("my own words")
    open_again(asked, "cheetah1.jpg")
    expect(box(asked)).to_have_value("my own words")


def test_newer_caption_is_shown_and_not_overwritten(asked: Page, captioned: ServedAlbum) -> None:
    write(captioned, {"cheetah1.jpg": "written elsewhere"})

    fits(asked).first.click()

    expect(box(asked)).to_have_value("written elsewhere")
    expect(asked.locator("#fits .instead")).to_be_visible()


def test_empty_box_does_not_clear_used_caption(
    asked: Page,
) -> None:
    for _ in range(5):
        box(asked).fill("")
        box(asked).focus()  # leaving it keeps what is in it: nothing
        fits(asked).first.click()
        expect(box(asked)).to_have_value("a big cat")
        asked.wait_for_timeout(200)
        open_again(asked, "cheetah1.jpg")
        expect(box(asked)).to_have_value("a big cat")
        box(asked).fill("")
        asked.locator("#save-caption").click()
        expect(asked.locator("#caption-note")).to_have_text("Saved.")
        asked.locator("#which-fits").click()
        expect(fits(asked)).to_have_count(len(CAPTIONS))


def test_all_of_it_works_from_the_keyboard(asked: Page) -> None:
    asked.locator("#which-fits").focus()
    asked.keyboard.press("Tab")
    expect(fits(asked).first).to_be_focused()
    asked.keyboard.press("Enter")
    expect(box(asked)).to_have_value("a big cat")
    expect(fits(asked).first).to_contain_text("on this photo now")
    expect(fits(asked).first).to_be_focused()

    asked.keyboard.press("Tab")
    asked.keyboard.press("Enter")
    expect(asked.locator("#fits .instead")).to_be_visible()
    expect(fits(asked).nth(1)).to_be_focused()  # a key held too long replaces nothing
    asked.keyboard.press("Tab")
    expect(asked.locator("#fits .instead")).to_be_focused()
    asked.keyboard.press("Enter")
    expect(asked.locator("#caption-note")).to_have_text("Saved instead of “a big cat”.")
    expect(fits(asked).nth(1)).to_be_focused()  # its button is gone


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_suggestions_fit_window_and_run_no_script(
    captioned: ServedAlbum, open_page: OpenPage, theme: str, width: int
) -> None:
    page = open_page(captioned, width=width, color_scheme=theme)
    expect(tiles(page)).to_have_count(len(PHOTOS))
    long = "a very long caption of one cat, " * 50
    write(captioned, {**CAPTIONS, "cheetah1.jpg": HARM, "bus.png": long})
    open_photo(page, "lion.jpg")
    page.locator("#which-fits").click()
    expect(fits(page)).to_have_count(4)
    fits(page).last.click()
    expect(page.locator("#fits .instead")).to_be_visible()

    assert page.evaluate(CONTRASTS) == []
    expect(page.locator("#fits")).to_contain_text("<img src=x onerror")
    assert page.evaluate("window.hacked") is None
    panel = page.locator("#photo-panel")
    assert panel.evaluate("it => it.scrollWidth <= it.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in ("#more-like-this", "#download"):  # what stands below can still be reached
        page.locator(button).scroll_into_view_if_needed()
        inside, of_panel = page.locator(button).bounding_box(), panel.bounding_box()
        assert inside["x"] + inside["width"] <= of_panel["x"] + of_panel["width"]
        assert inside["y"] + inside["height"] <= of_panel["y"] + of_panel["height"] + 1


@pytest.mark.parametrize(("locale", "foreign"), [("ko-KR", "[A-Za-z]{2,}"), ("en-US", "[가-힣]")])
def test_suggestions_use_language_of_the_page(
    captioned: ServedAlbum, open_page: OpenPage, locale: str, foreign: str
) -> None:
    page = open_page(captioned, locale)
    expect(tiles(page)).to_have_count(len(PHOTOS))
    write(captioned, {**CAPTIONS, "cheetah1.jpg": "a big cat"})
    page.reload()  # the tiles tell the captions, too
    expect(tiles(page)).to_have_count(len(PHOTOS))
    open_photo(page, "lion.jpg")
    page.locator("#which-fits").click()
    expect(fits(page)).to_have_count(3)
    fits(page).last.click()
    expect(page.locator("#fits .instead")).to_be_visible()

    # The lightbox tells the caption.
    shown = [*CAPTIONS.values(), "a big cat"]
    texts = [re.sub("|".join(map(re.escape, shown)), "", it) for it in page.evaluate(VISIBLE_TEXTS)]
    assert {text for text in texts if re.search(foreign, NAMES.sub("", text))} == set()


def test_long_reading_shows_progress_and_can_end(
    captioned: ServedAlbum, open_page: OpenPage
) -> None:
    page, other = open_page(captioned), open_page(captioned)
    expect(tiles(page)).to_have_count(len(PHOTOS))
    with closing(sqlite3.connect(captioned.data_dir / "album.db")) as db, db:
        # Captions of photos that are not there: the quickest way to very many.
        db.executemany(
            "INSERT INTO captions VALUES (?, '', ?, NULL, '', '2026-01-01T00:00:00')",
            [(1000 + n, f"caption number {n} of a large album") for n in range(MANY)],
        )
    open_tile(page, 0)
    page.locator("#which-fits").click()
    expect(page.locator("#fits")).to_contain_text(re.compile(r"captions, \d+ of 3,0\d\d…"))

    search(other, "a big cat")  # nobody else has to wait
    expect(other.locator("#heading")).to_contain_text("match")
    expect(page.locator("#fits")).to_contain_text("Reading")

    page.locator("#photo-next").click()
    expect(page.locator("#fits")).to_be_hidden()
    page.wait_for_timeout(1000)
    expect(page.locator("#fits")).to_be_hidden()
    page.locator("#which-fits").click()  # goes on where it was broken off
    expect(page.locator("#fits")).to_contain_text(re.compile(r"of (\d{2,3}|[12],\d{3})…"))
    expect(fits(page)).to_have_count(5)
