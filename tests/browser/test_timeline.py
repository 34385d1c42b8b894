"""The timeline in a real browser: days, endless scrolling, years to jump to, and memories."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import ExifTags
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.walking import FRAMES_PASS, go_to, open_drawer, open_tile, search, send, tiles
from tests.support.images.make import make_exif, make_photo
from tests.support.served_album import ServedAlbum, served_album

pytestmark = pytest.mark.browser

ZONE = "Asia/Seoul"
SHAPES = ((64, 48), (48, 64), (96, 40), (50, 50))
YEARS = range(2014, 2024)
BUSY_DAY, BUSY = datetime(2019, 8, 3, 9), 40
UNKNOWN = 5
MOST_TILES = 400
LOCALES = {"ko": "ko-KR", "en": "en-US"}
WAYS = [("ko", 1280), ("en", 390), ("en", 1280), ("ko", 390)]
VISIBLE = """() => [...document.querySelectorAll('#results .canvas .thumbnail-item')]
  .map((it) => [it.dataset.photo, it.getBoundingClientRect()])
  .filter(([, box]) => box.bottom > 1 && box.top < innerHeight)
  .map(([id, box]) => [id, Math.round(box.top)])
  .sort((a, b) => a[1] - b[1])"""
FIRST = f"() => ({VISIBLE})()[0]"
READY = """() => {
  const all = [...document.querySelectorAll('#results .canvas > button')]
    .filter((it) => it.getBoundingClientRect().bottom > 0
      && it.getBoundingClientRect().top < innerHeight);
  return all.length && all.every((it) => it.dataset.photo && it.firstElementChild.complete
    && it.firstElementChild.naturalWidth);
}"""
HEADINGS = """() => [...document.querySelectorAll('#results .canvas h2')]
  .filter((it) => it.getBoundingClientRect().bottom > 0)
  .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
  .map((it) => it.textContent)"""
ROWS = """() => {
  const rows = {};
  for (const it of document.querySelectorAll('#results .canvas > button')) {
    const box = it.getBoundingClientRect();
    (rows[box.top] ??= []).push([box.left, box.right, box.height]);
  }
  const canvas = document.querySelector('#results .canvas').getBoundingClientRect();
  return Object.values(rows).map((row) => ({
    left: Math.min(...row.map((it) => it[0])) - canvas.left,
    right: Math.max(...row.map((it) => it[1])) - canvas.right,
    heights: [...new Set(row.map((it) => it[2]))],
  }));
}"""


def today() -> datetime:
    return datetime.now(ZoneInfo(ZONE)).replace(tzinfo=None, hour=12)


def taken() -> list[datetime]:
    """Times of all photos but those that only have a file's."""
    days = [datetime(year, month, 7 + month, 12) for year in YEARS for month in range(1, 13)]
    days += [day + timedelta(days=1) for day in days if day.month in (3, 7, 11)]
    days += [BUSY_DAY + timedelta(minutes=n) for n in range(BUSY)]
    earlier = [today().replace(year=today().year - years) for years in (4, 4, 8)]
    return days + [day for day in earlier if day.year not in YEARS or day not in days]


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("dated")
    times = taken()
    for n, day in enumerate(times):
        exif = make_exif(shot={ExifTags.Base.DateTimeOriginal: f"{day:%Y:%m:%d %H:%M:%S}"})
        colour = (n * 37 % 256, n * 91 % 256, n * 53 % 256)
        make_photo(folder / "photos" / f"{n:03}.jpg", colour, SHAPES[n % 4], exif)
    for n in range(UNKNOWN):
        make_photo(folder / "photos" / f"unknown{n}.png", (200, 40 * n, 9), (40 + n, 40))
    with served_album(folder, ALBUM_FOLDERS=str(folder / "photos")) as album:
        client = album.client()
        while client.predict(api_name="/album_status")["photos"] < len(times) + UNKNOWN:
            time.sleep(0.5)
        yield album


def opened(
    dated: ServedAlbum,
    open_page: OpenPage,
    language: str = "en",
    width: int = 1280,
    query: str = "",
) -> Page:
    page = open_page(dated, LOCALES[language], width=width, timezone_id=ZONE)
    expect(page.locator("#heading")).to_contain_text(str(len(taken()) + UNKNOWN))
    if query:
        page.goto(dated.url + query)
    page.wait_for_function(READY)
    return page


def month_name(day: datetime, language: str) -> str:
    return f"{day.year}년 {day.month}월" if language == "ko" else f"{day:%B %Y}"


def day_name(day: datetime, language: str) -> str:
    if language == "ko":
        return f"{day.month}월 {day.day}일 ({'월화수목금토일'[day.weekday()]})"
    return f"{day:%a}, {day:%b} {day.day}"


def scroll_to(page: Page, top: int) -> None:
    page.evaluate(f"scrollTo(0, {top})")
    page.evaluate(FRAMES_PASS)
    page.wait_for_function(READY)


@pytest.mark.parametrize(("language", "width"), WAYS)
def test_album_stands_by_month_and_day(
    dated: ServedAlbum, open_page: OpenPage, language: str, width: int
) -> None:
    page = opened(dated, open_page, language, width)
    newest = max(taken())

    expect(page.locator("#results h2").first).to_have_text(month_name(newest, language))
    expect(page.locator("#results h3").first).to_have_text(day_name(newest, language))
    heading = page.locator("#results h3 time").first
    expect(heading).to_have_attribute("datetime", f"{newest:%Y-%m-%d}")
    expect(page.locator("#results .caption-label")).to_have_count(0)
    scroll_to(page, 10**7)

    unknown = "날짜를 알 수 없는 사진" if language == "ko" else "Date unknown"
    assert page.evaluate(HEADINGS)[-1] == unknown
    last = page.locator("#results .canvas .thumbnail-item img").last
    expect(last).to_have_attribute("alt", re.compile(r"unknown\d\.png"))
    label = page.locator("#results .canvas .thumbnail-item").last
    expect(label).to_have_attribute("aria-label", re.compile(rf"unknown\d\.png, {unknown}"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("#pager")).to_be_hidden()
    expect(page.locator("#show-rest")).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_rows_are_equally_wide(dated: ServedAlbum, open_page: OpenPage, width: int) -> None:
    page = opened(dated, open_page, width=width, query="?q=2019-08-03")
    expect(page.locator("#heading")).to_contain_text(f"{BUSY} photos")

    rows = page.evaluate(ROWS)

    assert len(rows) > 3
    assert all(len(row["heights"]) == 1 for row in rows)
    assert all(abs(row["left"]) < 1 and row["right"] < 1.5 for row in rows)
    assert all(abs(row["right"]) < 1.5 for row in rows[:-1])
    low, high = (60, 180) if width == 390 else (150, 270)
    assert all(low < row["heights"][0] < high for row in rows)


@pytest.mark.parametrize("width", [1280, 390])
def test_scrolling_keeps_the_document_small(
    dated: ServedAlbum, open_page: OpenPage, width: int
) -> None:
    page = opened(dated, open_page, width=width)
    first = page.evaluate(FIRST)[0]
    total = page.evaluate("document.documentElement.scrollHeight")
    seen: set[str] = set()

    for top in range(0, total, 700):
        scroll_to(page, top)
        seen.update(id_ for id_, _ in page.evaluate(VISIBLE))
        assert page.locator("#results .canvas > *").count() < MOST_TILES

    assert page.evaluate("document.documentElement.scrollHeight") == total  # it was true at once
    assert len(seen) == len(taken()) + UNKNOWN
    expect(page.locator(f"#results .canvas [data-photo='{first}']")).to_have_count(0)


@pytest.mark.parametrize("language", LOCALES)
def test_click_on_a_year_shows_its_newest_month(
    dated: ServedAlbum, open_page: OpenPage, language: str
) -> None:
    page = opened(dated, open_page, language)
    box = page.locator("#results .rail .year", has_text="2017").bounding_box()
    assert box

    page.mouse.click(box["x"] + 10, box["y"] + 2)

    page.wait_for_function(READY)
    assert page.evaluate(HEADINGS)[0] == month_name(datetime(2017, 12, 1), language)
    rail = page.locator("#results .rail")
    expect(rail).to_have_attribute("aria-valuetext", month_name(datetime(2017, 12, 1), language))


@pytest.mark.parametrize("language", LOCALES)
def test_handle_is_dragged_on_a_phone(
    dated: ServedAlbum, open_page: OpenPage, language: str
) -> None:
    page = opened(dated, open_page, language, 390)
    scroll_to(page, 900)
    page.evaluate("window.stirring = setInterval(() => scrollBy(0, 1), 300)")  # keeps it awake
    handle = page.locator("#results .rail .mark")
    expect(handle).to_be_visible()
    box = handle.bounding_box()
    assert box
    assert box["width"] >= 40
    assert box["height"] >= 40

    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.evaluate("clearInterval(stirring)")
    page.mouse.move(box["x"] + 20, 500, steps=5)
    bubble = page.locator("#results .rail .bubble")
    expect(bubble).to_be_visible()
    name = bubble.inner_text()
    page.mouse.up()

    page.wait_for_function(READY)
    assert re.fullmatch(r"\d{4}년 \d+월" if language == "ko" else r"[A-Z]\w+ \d{4}", name)
    assert page.evaluate("scrollY") > 3_000
    expect(bubble).to_be_hidden()


def test_rail_keys_go_by_month_and_year(dated: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(dated, open_page, query="?q=2014-2023")
    rail = page.locator("#results .rail")
    rail.focus()
    expected = {
        "ArrowDown": (2023, 11), "PageDown": (2022, 12), "End": (2014, 1), "PageUp": (2015, 12),
        "ArrowUp": (2016, 1), "Home": (2023, 12),
    }  # fmt: skip

    for key, (year, month) in expected.items():
        page.keyboard.press(key)
        name = month_name(datetime(year, month, 1), "en")
        expect(rail).to_have_attribute("aria-valuetext", name)
        page.wait_for_function(f"({HEADINGS})().includes('{name}')")


def test_keyboard_walks_the_grid_and_leaves_it(dated: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(dated, open_page, query="?q=2019")
    grid = page.locator("#results .canvas")
    expect(grid.locator("[tabindex='0']")).to_have_count(1)
    grid.locator("[tabindex='0']").focus()
    labels = []

    def press(key: str) -> str:
        page.keyboard.press(key)
        page.wait_for_function("document.activeElement?.dataset.photo")
        expect(grid.locator("[tabindex='0']")).to_be_focused()
        box = page.locator(":focus").bounding_box()
        assert box
        assert 0 <= box["y"] < 860
        labels.append(page.locator(":focus").get_attribute("aria-label"))
        return labels[-1]

    press("Home")
    press("ArrowRight")
    assert press("ArrowLeft") == labels[0]
    assert "December 19, 2019" in press("Home")
    assert "January 8, 2019" in press("End")
    above = press("ArrowUp")
    assert above != labels[-2]
    assert press("ArrowDown") == labels[-3]
    press("PageUp")
    assert press("PageDown") != labels[-2]
    press("Home")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('#results').contains(document.activeElement)") is (
        False
    )
    page.keyboard.press("Shift+Tab")
    expect(grid.locator("[tabindex='0']")).to_be_focused()


@pytest.mark.parametrize(("language", "width"), WAYS[:2])
def test_memories_lead_to_their_day(
    dated: ServedAlbum, open_page: OpenPage, language: str, width: int
) -> None:
    page = opened(dated, open_page, language, width)
    memories = page.locator("#results .memory")
    texts = (
        ["4년 전 오늘 · 사진 2장", "8년 전 오늘 · 사진 1장"]
        if language == "ko"
        else ["4 years ago today · 2 photos", "8 years ago today · 1 photo"]
    )
    expect(memories).to_have_text(texts)
    expect(memories.first.locator("img")).to_have_count(2)
    box = memories.first.bounding_box()
    assert box
    assert box["height"] >= 40

    memories.first.click()

    day = today().replace(year=today().year - 4)
    expect(page).to_have_url(re.compile(rf"\?q={day:%Y-%m-%d}$"))
    expect(tiles(page)).to_have_count(2)
    expect(memories).to_have_count(0)
    page.go_back()
    expect(memories).to_have_count(2)


def test_other_days_and_searches_have_no_memories(dated: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(dated, open_page, query="?shape=landscape")

    expect(page.locator("#results .memories")).to_be_hidden()


@pytest.mark.parametrize(("language", "width"), WAYS[:2])
def test_results_by_date_have_the_same_headings(
    dated: ServedAlbum, open_page: OpenPage, language: str, width: int
) -> None:
    page = opened(dated, open_page, language, width)
    page.goto(f"{dated.url}?q=a+blue+wall&sort=date&rest=1")
    band = page.locator("#results .dated").last
    expect(band.locator(".month").first).to_be_visible()

    months = page.locator("#results .dated").last.locator(".month").all_inner_texts()
    days = band.locator(".day time").evaluate_all("all => all.map((it) => it.dateTime)")

    assert days
    assert days == sorted(set(days), reverse=True)
    expected = dict.fromkeys(month_name(datetime.fromisoformat(day), language) for day in days)
    assert [it for it in months if it in expected] == list(expected)
    expect(page.locator("#results .dated .caption-label")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_tiles_never_tell_the_time_of_a_file(dated: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(dated, open_page, query="?type=PNG")
    expect(tiles(page)).to_have_count(UNKNOWN)

    search(page, "a red wall")
    page.goto(f"{dated.url}?q=a+red+wall&type=PNG&rest=1")
    expect(tiles(page)).to_have_count(UNKNOWN)

    expect(page.locator("#results .caption-label")).to_have_count(0)


def test_place_outlasts_reload_back_and_resize(dated: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(dated, open_page)
    scroll_to(page, 1_555)
    page.wait_for_function(
        "history.state?.anchor?.id > 0 && Math.abs(history.state.place - 1555) < 2"
    )
    photo, top = page.evaluate(FIRST)

    page.reload()
    page.wait_for_function(READY)
    page.wait_for_function(f"({FIRST})()?.[0] === '{photo}'")
    assert abs(page.evaluate(FIRST)[1] - top) < 3

    page.locator(f"#results .canvas [data-photo='{photo}']").click()
    expect(page.locator("#photo-image img")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"photo={photo}"))
    page.go_back()
    expect(page.locator("#lightbox")).to_be_hidden()
    page.wait_for_function(f"({FIRST})()?.[0] === '{photo}'")

    page.set_viewport_size({"width": 900, "height": 860})
    page.wait_for_function(READY)
    assert photo in [id_ for id_, _ in page.evaluate(VISIBLE)]


def test_first_load_shows_grey_rows_and_failures(dated: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(dated, open_page, "ko")
    held: list[Route] = []
    page.route(re.compile(r"/timeline(\?|$)"), lambda route: held.append(route))
    with page.expect_request(re.compile(r"/timeline(\?|$)")):
        page.goto(dated.url)
    expect(page.locator("#results .loading")).to_be_visible()
    box = page.locator("#results .timeline").bounding_box()
    assert box
    assert box["height"] > 300
    while not held:
        page.wait_for_timeout(50)
    held[0].abort()

    message = page.locator("#results .message")
    expect(message).to_contain_text("사진을 불러오지 못했습니다.")
    page.unroute_all()
    message.locator("button").click()
    page.wait_for_function(READY)
    expect(message).to_be_hidden()


def test_photos_that_fail_are_asked_again(dated: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(dated, open_page)
    page.route("**/timeline/photos*", lambda route: route.abort())
    page.reload()
    expect(page.locator("#results .message")).to_contain_text("trying again")

    page.unroute_all()

    page.wait_for_function(READY)
    expect(page.locator("#results .message")).to_be_hidden()


def test_photo_opens_and_its_tile_gets_focus_back(dated: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(dated, open_page, query="?q=2018")
    scroll_to(page, 800)
    photo, _ = page.evaluate(VISIBLE)[-1]
    tile = page.locator(f"#results .canvas [data-photo='{photo}']")
    tile.focus()
    place = page.evaluate("scrollY")
    page.keyboard.press("Enter")
    expect(page.locator("#photo-image img")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"photo={photo}"))

    page.keyboard.press("Escape")

    expect(tile).to_be_focused()
    assert page.evaluate("scrollY") == place


def test_heart_shows_on_favourites(dated: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(dated, open_page, query="?q=2016-03")
    expect(tiles(page)).to_have_count(2)
    open_tile(page, 1)
    open_drawer(page)
    page.locator("#favourite").click()
    expect(page.locator("#favourite")).to_contain_text("♥")
    page.keyboard.press("Escape")

    tile = tiles(page).nth(1)

    expect(tile).to_have_class(re.compile("favourite"))
    expect(tile).to_have_attribute("aria-label", re.compile("favourite$"))
    expect(tiles(page).first).not_to_have_class(re.compile("favourite"))


def test_new_photos_never_move_the_reader(
    dated: ServedAlbum, open_page: OpenPage, tmp_path: Path
) -> None:
    """The last test of this album, since it adds a photo."""
    page = opened(dated, open_page)
    scroll_to(page, 1_500)
    photo, top = page.evaluate(FIRST)
    height = page.evaluate("document.documentElement.scrollHeight")
    exif = make_exif(shot={ExifTags.Base.DateTimeOriginal: "2025:01:01 12:00:00"})
    added = make_photo(tmp_path / "new.jpg", "gold", (48, 48), exif)

    other = open_page(dated)
    go_to(other, "Upload")
    send(other, added)
    page.wait_for_function(f"document.documentElement.scrollHeight > {height}")
    page.wait_for_function(READY)

    assert page.evaluate(FIRST) == [photo, top]
