"""Days of the reader, places to choose from, and ways out of a search without photos."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.walking import choose, expect_photos, open_filters, search, tiles
from tests.support.images.make import gps_tags, make_exif, make_photo
from tests.support.served_album import ServedAlbum, served_album

pytestmark = pytest.mark.browser

EAST, WEST = "Pacific/Kiritimati", "Pacific/Pago_Pago"  # 25 hours apart: never the same date
SEOUL = gps_tags((37, 33, 0), "N", (127, 0, 0), "E")
ROME = gps_tags((41, 53, 0), "N", (12, 30, 0), "E")
PLACES = {"seoul-1": SEOUL, "seoul-2": SEOUL, "rome": ROME, "nowhere": None}
PHOTOS = len(PLACES) + 2


@pytest.fixture(scope="module")
def travelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("travelled")
    for number, (name, gps) in enumerate(PLACES.items()):
        exif = make_exif(shot={0x9003: f"{2019 + number}:08:03 12:00:00"}, gps=gps)
        make_photo(folder / "photos" / f"{name}.jpg", (60 * number, 90, 90), exif=exif)
    for zone in (EAST, WEST):
        exif = make_exif(shot={0x9003: f"{datetime.now(ZoneInfo(zone)):%Y:%m:%d} 12:00:00"})
        make_photo(folder / "photos" / f"{zone[8:]}.jpg", "white", (9, len(zone)), exif=exif)
    with served_album(folder, ALBUM_FOLDERS=str(folder / "photos")) as album:
        yield album


def opened(served: ServedAlbum, open_page: OpenPage, locale: str, **context: object) -> Page:
    page = open_page(served, locale, **context)
    expect(page.locator("#status")).to_contain_text(
        re.compile(rf"{PHOTOS}.*(searchable|찾을 수 있)")
    )
    expect_photos(page, PHOTOS)
    return page


def dates(page: Page) -> list[str]:
    """The days that stand above the photos."""
    times = page.locator("#results h3 time")
    return times.evaluate_all("all => all.map((it) => it.dateTime)")


@pytest.mark.parametrize(
    ("locale", "words", "zone"),
    [("en-US", "today", EAST), ("ko-KR", "오늘", WEST), ("ko-KR", "오늘", EAST)],
)
def test_today_is_the_day_of_the_browser(
    travelled: ServedAlbum, open_page: OpenPage, locale: str, words: str, zone: str
) -> None:
    page = opened(travelled, open_page, locale, timezone_id=zone)
    today = page.evaluate("() => new Intl.DateTimeFormat('sv-SE').format(new Date())")

    search(page, words)

    expect(tiles(page)).to_have_count(1)
    assert dates(page) == [today]
    page.reload()
    expect(tiles(page)).to_have_count(1)
    assert dates(page) == [today]


@pytest.mark.parametrize(
    ("locale", "width", "country", "town", "chip"),
    [
        ("en-US", 1280, "South Korea (2)", "Italy · Rome (1)", "Italy · Rome"),
        ("ko-KR", 390, "대한민국 (2)", "이탈리아 · 로마 (1)", "이탈리아 · 로마"),
    ],
)
def test_places_are_chosen_from_a_list(
    travelled: ServedAlbum,
    open_page: OpenPage,
    locale: str,
    width: int,
    country: str,
    town: str,
    chip: str,
) -> None:
    page = opened(travelled, open_page, locale, width=width)
    open_filters(page)

    choose(page, "place", country)
    expect(tiles(page)).to_have_count(2)
    expect(page).to_have_url(re.compile(r"country=KR$"))

    choose(page, "place", town)
    expect(tiles(page)).to_have_count(1)
    assert dates(page) == ["2021-08-03"]
    expect(page.locator("#chips .chip")).to_contain_text(chip)

    page.reload()
    expect(tiles(page)).to_have_count(1)
    expect(page.locator("#chips .chip")).to_contain_text(chip)
    page.locator("#chips .chip button").click()
    expect_photos(page, PHOTOS)
    expect(page.locator("#chips .chip")).to_have_count(0)
    page.go_back()
    expect(tiles(page)).to_have_count(1)


def test_dead_end_is_left_with_one_tap(travelled: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(travelled, open_page, "ko-KR")
    ways = page.locator("#ways-out button")

    search(page, "2019년 이탈리아")

    expect(tiles(page)).to_have_count(0)
    expect(page.locator("#heading")).to_have_text("조건에 맞는 사진이 없습니다.")
    expect(ways).to_have_text(["“2019년” 빼기 · 사진 1장", "“이탈리아” 빼기 · 사진 1장"])
    ways.filter(has_text="2019년").click()
    expect(page.locator("#query input")).to_have_value("이탈리아")
    expect(tiles(page)).to_have_count(1)
    expect(ways).to_have_count(0)
    expect(page.locator("#query input")).to_be_focused()


def test_dead_end_of_filters_names_the_filter(travelled: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(travelled, open_page, "en-US")
    page.goto(f"{travelled.url}?q=2019&country=IT&town=Rome")
    ways = page.locator("#ways-out button")

    expect(ways).to_have_text(
        ["Without “Italy · Rome”: 1 photo", "Without “2019”: 1 photo"], use_inner_text=True
    )
    ways.first.click()
    expect(tiles(page)).to_have_count(1)
    assert dates(page) == ["2019-08-03"]
    open_filters(page)
    expect(page.locator("#place input")).to_have_value("any")
