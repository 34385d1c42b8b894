"""The page for keyboards, screen readers and fingers: axe-core, headings, targets, keys, widths."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.walking import FRAMES_PASS, open_filters, open_tile, search, tiles
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

TABS = ("search", "upload", "classify", "captions")
SERIOUS = ("serious", "critical")
LOOKS = [
    ("ko-KR", 1280, "light"), ("en-US", 390, "dark"), ("ko-KR", 390, "light"),
    ("en-US", 1280, "dark"),
]  # fmt: skip
COLUMNS = {390: 3, 1280: 6, 1600: 7, 1920: 8, 2240: 9, 2560: 10}
HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
  .filter((it) => it.checkVisibility()).map((it) => Number(it.tagName[1]))"""
TARGET_PX = 40
SMALL_TARGETS = """(px) => {
  const targets = 'button, a[href], input, select, textarea, summary, [role=tab], [role=button],'
    + ' label:has(input[type=radio]), label:has(input[type=checkbox])';
  const small = [];
  for (const it of document.querySelectorAll(targets)) {
    if (!it.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
    // The label, or the box around the text of a list, is what a finger hits.
    if (it.matches('input[type=radio], input[type=checkbox]') && it.closest('label')) continue;
    const hit = it.matches('[role=listbox]') ? it.closest('.wrap') : it;
    const {width, height} = hit.getBoundingClientRect();
    if (width <= 1 || height <= 1) continue;  // for screen readers alone
    if (width < px || height < px)
      small.push(`${it.closest('[id]')?.id} ${it.className} ${width}x${height}`);
  }
  return small;
}"""


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("access")
    (folder / "photos").mkdir()
    for name in ("lion.jpg", "tower.jpg", "bus.png", "cheetah1.jpg"):
        shutil.copy(SAMPLES / name, folder / "photos")
    with served_album(folder, ALBUM_FOLDERS=str(folder / "photos")) as served:
        yield served


def enter(page: Page, tab: str) -> None:
    """A tab, with what the server says of it."""
    page.locator(f"[role=tab][data-tab-id={tab}]").click()
    seen = {"search": "#query", "upload": "#watched", "classify": "#classify-tab button",
            "captions": "#captions-estimate p"}  # fmt: skip
    expect(page.locator(seen[tab]).first).to_be_visible()


def faults(page: Page) -> list[str]:
    """What axe-core calls serious, with the elements."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['target']} {node['html'][:200]}"
        for fault in found
        if fault["impact"] in SERIOUS or fault["id"] in ("heading-order", "page-has-heading-one")
        for node in fault["nodes"]
    ]


def check_headings(page: Page) -> None:
    """One h1, which comes first, and no level is skipped."""
    levels = page.evaluate(HEADINGS)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(levels) <= 3
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize(("locale", "width", "theme"), LOOKS)
def test_axe_finds_no_serious_fault(
    album: ServedAlbum, open_page: OpenPage, locale: str, width: int, theme: str
) -> None:
    page = open_page(album, locale, width=width, color_scheme=theme)
    expect(tiles(page).first).to_be_visible()
    for tab in TABS:
        enter(page, tab)
        assert faults(page) == [], tab
        check_headings(page)
        if width == 390:
            assert page.evaluate(SMALL_TARGETS, TARGET_PX) == [], tab
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("locale", "width", "theme"), LOOKS[:2])
def test_axe_finds_no_fault_in_what_opens(
    album: ServedAlbum, open_page: OpenPage, locale: str, width: int, theme: str
) -> None:
    page = open_page(album, locale, width=width, color_scheme=theme)
    expect(tiles(page).first).to_be_visible()
    search(page, "a big cat")
    open_filters(page)
    page.locator("#more .opener").click()
    assert faults(page) == []
    check_headings(page)
    page.locator("#more-list button").first.click()  # the export
    expect(page.locator("#take-out > button")).to_be_focused()
    expect(page.locator("#export-plan p").first).to_be_visible()
    page.locator("#more .opener").click()
    page.locator("#more-list button").last.click()
    expect(page.locator("#about-model")).not_to_be_empty()
    assert faults(page) == []
    if width == 390:
        assert page.evaluate(SMALL_TARGETS, TARGET_PX) == []
    open_tile(page, 0)
    assert faults(page) == []


@pytest.mark.parametrize(("locale", "width"), [("en-US", 390), ("ko-KR", 1280)])
def test_first_tab_stop_skips_to_the_content(
    album: ServedAlbum, open_page: OpenPage, locale: str, width: int
) -> None:
    page = open_page(album, locale, width=width)
    expect(tiles(page).first).to_be_visible()
    page.mouse.click(2, 2)  # the box has the focus at first, and this is above it
    page.keyboard.press("Tab")
    skip = page.locator("#skip button")
    expect(skip).to_be_focused()
    expect(skip).to_have_text("Skip to the content" if locale == "en-US" else "본문으로 건너뛰기")
    expect(skip).to_be_in_viewport()
    url = page.url

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(tiles(page).first).to_be_focused()
    assert page.url == url  # the page is still the same


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_slash_goes_to_box_from_every_tab(
    album: ServedAlbum, open_page: OpenPage, locale: str
) -> None:
    page = open_page(album, locale)
    expect(tiles(page).first).to_be_visible()
    box = page.locator("#query input")
    for tab in ("search", "captions"):
        enter(page, tab)
        page.locator(f"[role=tab][data-tab-id={tab}]").focus()
        page.keyboard.press("/")
        expect(box).to_be_focused()
        expect(box).to_have_value("")
    page.keyboard.type("a/b")  # in the box it is a letter
    expect(box).to_have_value("a/b")


@pytest.mark.parametrize(("locale", "width"), [("en-US", 390), ("ko-KR", 1280)])
def test_box_is_emptied_by_button_and_by_escape(
    album: ServedAlbum, open_page: OpenPage, locale: str, width: int
) -> None:
    page = open_page(album, locale, width=width)
    expect(tiles(page).first).to_be_visible()
    box, empty = page.locator("#query input"), page.locator("#empty-query")
    expect(empty).to_be_hidden()
    for way in ("button", "Escape"):
        search(page, "lion.jpg")
        expect(page).to_have_url(re.compile("q=lion"))
        expect(empty).to_have_accessible_name(
            "Empty the box" if locale == "en-US" else "검색어 지우기"
        )
        if way == "button":
            empty.click()
        else:
            box.press("Escape")
        expect(box).to_have_value("")
        expect(box).to_be_focused()
        expect(empty).to_be_hidden()
        expect(page).not_to_have_url(re.compile("q="))


def test_tab_key_leaves_the_grid_after_one_stop(album: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(album)
    expect(tiles(page).first).to_be_visible()
    search(page, "photo")
    if page.locator("#show-rest").is_visible():
        page.locator("#show-rest").click()
    expect(tiles(page)).to_have_count(4)
    tiles(page).first.focus()
    for key, place in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", 3),
        ("Home", 0),
    ):
        page.keyboard.press(key)
        expect(tiles(page).nth(place)).to_be_focused()
    page.keyboard.press("ArrowRight")
    inside = "document.querySelector('#results').contains(document.activeElement)"

    page.keyboard.press("Tab")
    assert not page.evaluate(inside)
    page.keyboard.press("Shift+Tab")
    expect(tiles(page).nth(1)).to_be_focused()  # where it was left


def test_columns_of_results_grow_with_the_window(album: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(album)
    search(page, "photo")
    grid = page.locator("#results .grid-container").first
    expect(grid).to_be_visible()

    for width, columns in COLUMNS.items():
        page.set_viewport_size({"width": width, "height": 860})
        page.evaluate(FRAMES_PASS)
        shown = grid.evaluate("it => getComputedStyle(it).gridTemplateColumns.split(' ').length")
        assert (width, shown) == (width, columns)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
