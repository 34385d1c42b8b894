"""Somebody looks around: themes, a map to wander in, and a label for the photos of a theme."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from album.organizing.discovery import FEWEST_PHOTOS
from tests.browser.conftest import OpenPage
from tests.browser.walking import search, tiles
from tests.support.images.make import scene
from tests.support.images.shapes import draw_shape
from tests.support.served_album import ROOT, ServedAlbum, served_album

pytestmark = pytest.mark.browser

LOCALES = ["en-US", "ko-KR"]
VIEWS = {"en-US": ("Timeline", "Themes", "Map"), "ko-KR": ("시간순", "주제", "사진 지도")}
CHIP = {"en-US": "theme: ", "ko-KR": "주제: "}
FEW = {"en-US": "Themes and map begin at 60 photos", "ko-KR": "익힌 사진이 60장이 되면"}
GIVE = {"en-US": re.compile(r"Label \d+ photos?"), "ko-KR": re.compile(r"\d+장에 붙이기")}
GONE = {"en-US": "This theme is no longer there", "ko-KR": "이제 없는 주제입니다"}
UNDONE = {"en-US": "Undone.", "ko-KR": "되돌렸습니다."}
SIZES = [("en-US", 390), ("ko-KR", 1280)]
EACH = 22
SHAPES = ("red circle", "blue square")
LOADED = """() => performance.getEntriesByType("resource")
    .filter((it) => it.name.includes("/thumbnail")).length"""


def fill(folder: Path) -> int:
    """Pictures of two shapes, and scenes; no two the same."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for n in range(EACH):
        for shape in SHAPES:
            draw_shape(shape, rng).resize((160, 160)).save(folder / f"{shape[:3]}{n}.png")
        scene((160, 120), seed=n).save(folder / f"scene{n}.jpg")
    return 3 * EACH


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    """An album whose themes were found before it was opened."""
    folder = tmp_path_factory.mktemp("discovering")
    assert fill(folder / "photos") >= FEWEST_PHOTOS
    env = {**os.environ, "ALBUM_DATA_DIR": str(folder / "data"), "ALBUM_MODEL": "pocket"}
    for words in (("import", folder / "photos"), ("themes",)):
        command = [sys.executable, "-m", "album", *map(str, words)]
        subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
    with served_album(folder) as album:
        yield album


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("small")
    (folder / "photos").mkdir()
    Image.new("RGB", (200, 150), "red").save(folder / "photos" / "red.png")
    with served_album(folder, ALBUM_FOLDERS=str(folder / "photos")) as album:
        yield album


def go(page: Page, address: str) -> None:
    page.goto(page.url.partition("?")[0] + address)


def choose_view(page: Page, name: str) -> None:
    page.locator("#views").get_by_role("link", name=name, exact=True).click()


def settled_map(page: Page) -> None:
    expect(page.locator("#discover canvas")).to_have_attribute("data-ready", str(3 * EACH))


@pytest.mark.parametrize(("locale", "width"), SIZES)
def test_themes_lead_to_their_photos(served, open_page: OpenPage, locale, width) -> None:
    page = open_page(served, locale, width)
    timeline, themes, _ = VIEWS[locale]
    row = page.locator("#views")
    expect(row.get_by_role("link", name=timeline)).to_have_attribute("aria-current", "page")

    choose_view(page, themes)

    expect(row.get_by_role("link", name=themes)).to_have_attribute("aria-current", "page")
    expect(page).to_have_url(re.compile(r"\?view=themes$"))
    cards = page.locator("#discover a.theme")
    assert 2 <= cards.count() <= 30
    expect(tiles(page)).to_have_count(0)
    first = cards.first
    photos = int(re.search(r"\d+", first.locator("small").inner_text())[0])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    name = first.locator("strong").inner_text()
    first.click()
    expect(page.locator("#chips .chip")).to_contain_text(CHIP[locale] + name)
    expect(page).to_have_url(re.compile(r"\?theme=\d+$"))
    expect(tiles(page)).to_have_count(min(photos, 60))
    expect(page.locator("#views a")).to_have_count(0)

    page.reload()
    expect(page.locator("#chips .chip")).to_contain_text(CHIP[locale] + name)
    page.go_back()
    expect(cards.first.locator("strong")).to_have_text(name)
    page.go_forward()
    page.locator("#chips .chip button").click()
    expect(page).to_have_url(re.compile(r"\?view=themes$"))
    expect(cards.first).to_be_visible()


@pytest.mark.parametrize("locale", LOCALES)
def test_theme_becomes_a_label_and_back(served, open_page: OpenPage, locale) -> None:
    page = open_page(served, locale)
    go(page, "?view=themes")
    page.locator("#discover a.theme").first.click()
    label = {"en-US": "my theme", "ko-KR": "내 주제"}[locale]

    page.locator("#theme-label").click()
    expect(page.locator("#theme-give")).to_have_text(GIVE[locale])
    photos = re.search(r"\d+", page.locator("#theme-give").inner_text())[0]
    page.locator("#theme-name input, #theme-name textarea").fill(label)
    page.locator("#theme-give").click()

    said = page.locator("#theme-said .said")
    expect(said).to_contain_text(label)
    expect(said).to_contain_text(photos)
    said.get_by_role("button").click()
    expect(said).to_contain_text(UNDONE[locale])
    expect(page.locator("#theme-label")).to_be_visible()


@pytest.mark.parametrize("locale", LOCALES)
def test_unknown_theme_is_told(served, open_page: OpenPage, locale) -> None:
    page = open_page(served, locale)

    go(page, "?theme=999")

    expect(page.get_by_text(GONE[locale])).to_be_visible()
    expect(page.locator("#discover a.theme").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?view=themes$"))


def test_other_words_leave_the_theme(served, open_page: OpenPage) -> None:
    page = open_page(served)
    go(page, "?view=themes")
    page.locator("#discover a.theme").first.click()
    expect(page.locator("#chips .chip")).to_have_count(1)

    search(page, "red circle")

    expect(page.locator("#chips")).not_to_contain_text(CHIP["en-US"])
    expect(page).to_have_url(re.compile(r"\?q=red\+circle$"))


@pytest.mark.parametrize(("locale", "width"), SIZES)
def test_map_is_wandered_in(served, open_page: OpenPage, locale, width) -> None:
    page = open_page(served, locale, width)
    choose_view(page, VIEWS[locale][2])
    settled_map(page)
    canvas = page.locator("#discover canvas")
    canvas.scroll_into_view_if_needed()
    page.wait_for_function(f"({LOADED})() >= 5")
    few = page.evaluate(LOADED)
    assert painted(page)

    for _ in range(3):
        page.locator("#discover [data-zoom=in]").click()

    page.wait_for_function(f"({LOADED})() > {few}")
    assert painted(page)  # it comes closer to a photo, not to the empty middle
    page.locator("#discover [data-zoom=all]").click()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"\?view=map$"))  # a drag opens no photo
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.reload()
    settled_map(page)


def painted(page: Page) -> bool:
    """Whether something is drawn on the canvas."""
    return page.evaluate(
        """() => { const it = document.querySelector('#discover canvas');
        const all = it.getContext('2d').getImageData(0, 0, it.width, it.height).data;
        return all.some((value, at) => at % 4 === 3 && value > 0); }"""
    )


@pytest.mark.parametrize("locale", LOCALES)
def test_map_opens_photos_by_keyboard(served, open_page: OpenPage, locale) -> None:
    page = open_page(served, locale)
    go(page, "?view=map")
    settled_map(page)
    canvas = page.locator("#discover canvas")

    canvas.focus()
    for key in ("+", "ArrowRight", "ArrowDown", "-", "0", "Enter"):
        page.keyboard.press(key)

    expect(page.locator("#photo-panel")).to_be_attached()
    expect(page).to_have_url(re.compile(r"photo=\d+"))


@pytest.mark.parametrize("locale", LOCALES)
def test_map_has_its_themes_as_a_list(served, open_page: OpenPage, locale) -> None:
    page = open_page(served, locale)
    go(page, "?view=map")
    links = page.locator("#discover .map-list a")
    expect(links.first).to_be_visible()

    links.first.focus()
    page.keyboard.press("Enter")

    expect(page.locator("#chips .chip")).to_contain_text(CHIP[locale])
    expect(tiles(page).first).to_be_visible()


@pytest.mark.parametrize("locale", LOCALES)
def test_small_album_says_when_themes_begin(small, open_page: OpenPage, locale) -> None:
    page = open_page(small, locale)
    expect(tiles(page)).to_have_count(1)

    choose_view(page, VIEWS[locale][1])

    expect(page.locator("#discover")).to_contain_text(FEW[locale])
    expect(page.locator("#discover progress")).to_have_count(0)


def test_targets_are_large_on_a_phone(served, open_page: OpenPage) -> None:
    page = open_page(served, "ko-KR", 390)
    go(page, "?view=map")
    settled_map(page)

    for link in page.locator("#views a, #discover .map-list a, #discover .map-tools button").all():
        assert link.bounding_box()["height"] >= 40
