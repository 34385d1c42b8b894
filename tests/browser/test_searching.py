"""The Search tab in a real browser: chips, bands, what is left out, pictures, order, the way back.

Where a photo shows something is the model's word; the tests lean on facts wherever they can, and
else on lions, which it knows.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from playwright.sync_api import Page, expect

from album.storage.database import Database
from album.storage.labels import LabelStore
from tests.browser.conftest import OpenPage
from tests.browser.walking import (
    open_filters,
    open_tile,
    search,
    show_the_rest,
    shown_sha256,
    tiles,
)
from tests.support.images.make import make_exif, make_photo
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

LOCALES = {"en": "en-US", "ko": "ko-KR"}
COLOURS = 130  # of 2019, three pages of them
LIONS = 5  # in one burst
OTHERS = ("cheetah.jpg", "cheetah1.jpg", "tower.jpg", "bus.png", "groot.jpeg")  # of 2022
PHOTOS = COLOURS + LIONS + len(OTHERS)
LOOKS = "?q=2019+a+wall&rest=1"
"""All photos of 2019, by looks: three pages of results."""
PASTE = """(picture) => {
  const bytes = Uint8Array.from(atob(picture), (it) => it.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], 'image.png', {type: 'image/png'}));
  document.activeElement.dispatchEvent(
    new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
}"""
DROP = PASTE.replace("document.activeElement", "document.querySelector('#query input')").replace(
    "new ClipboardEvent('paste', {clipboardData: data,",
    "new DragEvent('drop', {dataTransfer: data,",
)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("full")
    photos = folder / "photos"
    for n in range(COLOURS):
        day = datetime(2019, 1, 1, 12) + timedelta(days=2 * n, minutes=n)
        colour = (n * 37 % 256, n * 91 % 256, n * 53 % 256)
        make_photo(photos / f"{n:03}.jpg", colour, (48, 48), shot_at(day))
    with Image.open(SAMPLES / "lion.jpg") as lion:
        for n in range(LIONS):
            part = lion.convert("RGB").crop((n, 0, n + 200, 200))
            part.save(photos / f"b{n}.jpg", exif=shot_at(datetime(2024, 5, 5, 10, 0, n)))
    for n, name in enumerate(OTHERS):
        with Image.open(SAMPLES / name) as other:
            target = photos / f"c{n}.jpg"
            other.convert("RGB").save(target, exif=shot_at(datetime(2022, 3 + n, 1, 9)))
    with served_album(folder, ALBUM_FOLDERS=str(photos)) as album:
        yield album


def shot_at(time: datetime) -> Image.Exif:
    return make_exif(shot={ExifTags.Base.DateTimeOriginal: f"{time:%Y:%m:%d %H:%M:%S}"})


@pytest.fixture
def opened(full: ServedAlbum, open_page: OpenPage) -> OpenPage:
    """Opens the album when all of its photos are in it."""

    def open_it(locale: str = "en-US", query: str = "", **context: object) -> Page:
        page = open_page(full, locale, **context)
        expect(page.locator("#status")).to_contain_text(
            re.compile(rf"{PHOTOS}.*(searchable|찾을 수 있)")
        )
        if query:
            page.goto(full.url + query)
        expect(tiles(page).first).to_be_visible()
        return page

    return open_it


def chip(page: Page, words: str) -> None:
    """Press the cross of the chip of these words."""
    page.locator("#chips .chip", has_text=words).locator("button").click()


def days(page: Page, band: str) -> list[str]:
    """The dates under the tiles of a band, or of its headings, in order."""
    dates = page.locator(f"#results [data-band={band}]").locator(".caption-label, .day time")
    return dates.evaluate_all("all => all.map((it) => it.dateTime ?? it.textContent)")


def listed_days(page: Page) -> list[str]:
    """The days of the timeline, as far as they are in the document."""
    times = page.locator("#results .timeline .day time")
    expect(times.first).to_be_visible()
    return times.evaluate_all("all => all.map((it) => it.dateTime)")


@pytest.mark.parametrize(
    ("language", "words", "date", "meaning", "left"),
    [
        ("en", "summer 2019 weekends", "summer 2019", "June–August 2019", "weekends"),
        ("ko", "2019년 여름 주말", "2019년 여름", "2019년 6월–8월", "주말"),
    ],
)
def test_chips_show_query_parts_and_are_removable(
    opened: OpenPage, language: str, words: str, date: str, meaning: str, left: str
) -> None:
    page = opened(LOCALES[language])
    heading = page.locator("#heading")

    search(page, words)
    expect(page.locator("#chips .chip")).to_have_count(2)
    expect(page.locator("#chips .chip").first).to_contain_text(date)
    expect(page.locator("#chips small")).to_have_text(meaning)
    first = listed_days(page)
    assert first
    assert all(day[:7] in ("2019-06", "2019-07", "2019-08") for day in first)
    assert first == sorted(first, reverse=True)
    said = heading.inner_text()

    chip(page, date)
    expect(page.locator("#query input")).to_have_value(left)
    expect(page.locator("#chips .chip")).to_have_count(1)
    expect(heading).not_to_have_text(said)
    expect(page.locator("#chips button")).to_be_focused()

    chip(page, left)
    expect(page.locator("#query input")).to_have_value("")
    expect(page.locator("#chips .chip")).to_have_count(0)
    expect(heading).to_contain_text(str(PHOTOS))


@pytest.mark.parametrize(
    ("language", "words", "year", "said", "nearest"),
    [
        ("en", "2019 hospital", "2019", "There is no such photo.", "These come nearest:"),
        ("ko", "2019년 병원", "2019년", "그런 사진은 없습니다.", "가장 가까운 사진입니다."),
        ("en", "2019 pizza", "2019", "Nothing clearly matches.", "These come nearest:"),
        (
            "ko",
            "2019년 피자",
            "2019년",
            "뚜렷하게 맞는 사진이 없습니다.",
            "가장 가까운 사진입니다.",
        ),
    ],
)
def test_page_shows_nearest_five_when_none_match(
    opened: OpenPage, language: str, words: str, year: str, said: str, nearest: str
) -> None:
    page = opened(LOCALES[language])

    search(page, words)

    expect(page.locator("#heading")).to_contain_text(said)
    expect(page.locator("#heading")).to_contain_text(f"“{year}”")  # what to loosen
    expect(page.locator("#results .band")).to_have_text(nearest)
    expect(tiles(page)).to_have_count(5)
    page.locator("#show-rest").click()
    expect(page.locator("#page-number")).to_contain_text("3")
    expect(tiles(page)).to_have_count(60)


@pytest.mark.parametrize(
    ("language", "words", "chip_words", "left_out"),
    [
        ("en", "2022-2024 -lion", "lion", "left out because .* “lion”"),
        ("ko", "2022-2024년 사자 말고", "사자 말고", "“사자” 때문에 뺀 사진"),
    ],
)
def test_what_was_excluded_is_not_shown_and_counted(
    opened: OpenPage, language: str, words: str, chip_words: str, left_out: str
) -> None:
    page = opened(LOCALES[language])

    search(page, words)
    expect(page.locator("#heading")).to_contain_text(re.compile(left_out))
    expect(page.locator("#chips .excluded")).to_contain_text(chip_words)
    number = int(re.search(r"\d+", page.locator(".left-out").inner_text())[0])
    assert LIONS <= number < LIONS + len(OTHERS)
    expect(tiles(page)).to_have_count(LIONS + len(OTHERS) - number)
    assert not [day for day in days(page, "sure") if day.startswith("2024")]

    chip(page, chip_words)
    expect(page.locator(".left-out")).to_have_count(0)
    expect(page.locator("#results time[datetime='2024-05-05']")).to_be_visible()


def test_rest_is_shown_and_hidden_by_button(opened: OpenPage) -> None:
    page = opened()
    search(page, "a lion")
    expect(page.locator("#sort")).to_be_visible()
    shown = tiles(page).count()
    hidden = page.locator("#show-rest").inner_text()
    assert shown < 20
    assert page.locator("#results [data-band=rest]").count() == 0

    page.locator("#show-rest").click()
    expect(page.locator("#results [data-band=rest]")).to_be_visible()
    expect(tiles(page)).to_have_count(60)
    expect(page.locator("#page-number")).to_contain_text("of 3")
    expect(page.locator("#results .band").last).to_have_text("The rest")

    page.locator("#show-rest").click()
    expect(page.locator("#show-rest")).to_have_text(hidden)
    expect(tiles(page)).to_have_count(shown)


def test_bands_are_sorted_by_time_on_every_page(
    opened: OpenPage,
) -> None:
    page = opened()
    search(page, "a lion")
    expect(page.locator("#sort")).to_be_visible()
    show_the_rest(page)
    expect(tiles(page)).to_have_count(60)
    before = days(page, "rest")
    assert before != sorted(before, reverse=True)

    page.get_by_label("By date").check()
    expect(page).to_have_url(re.compile("sort=date"))
    expect(page.locator("#results [data-band=rest] .day").first).to_be_visible()
    every = []
    for number in (1, 2, 3):
        expect(page.locator("#page-number")).to_have_text(f"{number} of 3")
        every += days(page, "rest")
        if number < 3:
            page.locator("#next-page").click()
    assert len(every) > 100
    assert every == sorted(every, reverse=True)


@pytest.mark.parametrize("words", ["", "a big cat"])
def test_pasted_image_is_combined_with_the_text(
    opened: OpenPage, tmp_path: Path, full: ServedAlbum, words: str
) -> None:
    page = opened()
    if words:
        search(page, words)
        expect(page).to_have_url(re.compile("q=a"))
    tower = full.data_dir.parent / "photos" / "c2.jpg"
    with Image.open(tower) as image:
        image.save(tmp_path / "paste.png")
    picture = base64.b64encode((tmp_path / "paste.png").read_bytes()).decode()

    page.evaluate(PASTE, picture)

    expect(page.locator("#chips .chip")).to_contain_text("like your picture")
    expect(page.locator("#chips img")).to_have_attribute("src", re.compile("^data:image/jpeg"))
    if words:
        expect(page.locator("#weight")).to_be_visible()
        page.locator("#picture-weight input[type=range]").fill("1")
        page.locator("#picture-weight input[type=range]").dispatch_event("pointerup")
    else:
        expect(page.locator("#weight")).to_be_hidden()
    expect(page.locator("#results .caption-label").first).to_have_text("2022-05-01")

    page.evaluate(DROP, picture)  # a second one
    expect(page.locator("#chips .chip")).to_have_count(2)
    for left in (1, 0):
        page.locator("#chips button").first.click()
        expect(page.locator("#chips .chip")).to_have_count(left)
    expect(page.locator("#query input")).to_have_value(words)


def test_text_is_combined_with_more_like_this(opened: OpenPage) -> None:
    page = opened()
    search(page, "2024")
    open_tile(page, 0)
    page.locator("#more-like-this").click()
    expect(page.locator("#chips .chip")).to_contain_text("like this photo")
    expect(page.locator("#query input")).to_have_value("")

    search(page, "a tower")

    expect(page.locator("#weight")).to_be_visible()
    expect(page.locator("#chips .chip")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=a\+tower&like=\d+"))


def test_page_and_open_photo_survive_navigation(opened: OpenPage) -> None:
    page = opened(query=LOOKS)
    expect(tiles(page)).to_have_count(60)
    for number in (2, 3):
        page.locator("#next-page").click()
        expect(page.locator("#page-number")).to_have_text(f"{number} of 3")
    expect(tiles(page)).to_have_count(COLOURS - 120)
    expect(page.locator("#next-page")).to_be_disabled()
    third = shown_sha256(page)

    # Out of a photo, by key and by the browser's own way back.
    open_tile(page, 7)
    page.keyboard.press("ArrowRight")
    expect(tiles(page).nth(8)).to_have_attribute("aria-current", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#lightbox")).to_be_hidden()
    expect(tiles(page).nth(8)).to_be_focused()
    assert shown_sha256(page) == third
    tiles(page).nth(3).click()
    expect(page.locator("#lightbox")).to_be_visible()
    page.go_back()
    expect(page.locator("#lightbox")).to_be_hidden()
    expect(page.locator("#page-number")).to_have_text("3 of 3")
    expect(tiles(page).nth(3)).to_be_focused()

    # And out of nothing: the address alone.
    page.reload()
    expect(page.locator("#page-number")).to_have_text("3 of 3")
    expect(page.locator("#query input")).to_have_value("2019 a wall")
    expect(tiles(page)).to_have_count(COLOURS - 120)
    assert shown_sha256(page) == third


def test_closing_photo_returns_to_its_place(opened: OpenPage) -> None:
    page = opened(query=LOOKS)
    expect(tiles(page)).to_have_count(60)
    tile = tiles(page).nth(40)
    tile.scroll_into_view_if_needed()
    page.mouse.wheel(0, 57)
    page.wait_for_timeout(300)  # until it has come to rest
    place = page.evaluate("scrollY")
    assert place > 400

    tile.click()
    expect(page.locator("#lightbox")).to_be_visible()
    page.locator("#photo-close").click()
    expect(page.locator("#lightbox")).to_be_hidden()
    expect(tile).to_be_focused()
    page.wait_for_function(f"Math.abs(scrollY - {place}) < 2")

    # The arrows go from tile to tile now.
    page.keyboard.press("ArrowRight")
    expect(tiles(page).nth(41)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(tiles(page).nth(35)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#lightbox")).to_be_visible()


def test_the_keys_walk_on_to_the_next_page(opened: OpenPage) -> None:
    page = opened(query=LOOKS)
    expect(tiles(page)).to_have_count(60)
    open_tile(page, 59)
    facts = page.locator("#photo-facts dd.quiet")
    last = facts.inner_text()

    page.keyboard.press("ArrowRight")
    expect(facts).not_to_have_text(last)
    expect(page.locator("#page-number")).to_have_text("2 of 3")
    expect(tiles(page).first).to_have_attribute("aria-current", "true")
    page.keyboard.press("ArrowLeft")
    expect(facts).to_have_text(last)
    expect(page.locator("#page-number")).to_have_text("1 of 3")


@pytest.mark.parametrize("language", LOCALES)
def test_burst_is_one_tile_that_opens(opened: OpenPage, language: str) -> None:
    korean = language == "ko"
    page = opened(LOCALES[language])
    search(page, "a lion")
    badge = page.locator("#results .burst")
    expect(badge).to_have_text(f"{LIONS}장" if korean else f"{LIONS} shots")
    expect(tiles(page).locator("img[alt^=b]")).to_have_count(1)

    badge.click()
    expect(tiles(page)).to_have_count(LIONS)
    words = f"사진 {LIONS}장" if korean else f"{LIONS} photos of this moment"
    expect(page.locator("#heading")).to_contain_text(words)
    names = tiles(page).locator("img").evaluate_all("all => all.map((it) => it.alt)")
    assert names == [f"b{n}.jpg" for n in range(LIONS)]

    chip(page, "같은 순간" if korean else "this moment")
    expect(badge).to_have_count(1)
    expect(page.locator("#query input")).to_have_value("a lion")
    page.locator("#results .thumbnail-item", has=page.locator("img[alt^=b]")).click()
    page.locator("#burst").click()
    expect(tiles(page)).to_have_count(LIONS)


@pytest.mark.parametrize("language", LOCALES)
def test_a_hit_says_why_it_is_one(opened: OpenPage, language: str) -> None:
    korean = language == "ko"
    page = opened(LOCALES[language])
    search(page, "a lion")
    expect(page.locator("#results .burst")).to_be_visible()
    lion = page.locator("#results .thumbnail-item", has=page.locator("img[alt^=b]"))
    looks = "모습이 비슷함" if korean else "Looks like it"
    expect(lion).to_have_attribute("title", re.compile(rf"{looks}: \d+%"))

    lion.click()
    expect(page.locator("#why")).to_contain_text("찾은 이유" if korean else "Why it was found")
    expect(page.locator("#why li")).to_contain_text(re.compile(rf"{looks}\s*\d+%"))


@pytest.mark.parametrize(
    ("language", "word", "name", "strict"),
    [("en", "lion", "label: lion", "label:lion"), ("ko", "사자", "이름표: 사자", "이름표:사자")],
)
def test_label_is_evidence_until_made_strict(
    full: ServedAlbum, opened: OpenPage, language: str, word: str, name: str, strict: str
) -> None:
    """A bus is labelled lion: it comes first, and the lions stay until the label is enough."""
    page = opened(LOCALES[language])
    database = Database(full.data_dir / "album.db")
    (bus,) = database.connection.execute(
        "SELECT photo_id FROM photos WHERE filename = 'c3.jpg'"
    ).fetchone()
    LabelStore(database).give(word, [bus])
    box = page.locator("#query textarea, #query input")
    days_shown = page.locator("#results .caption-label")
    label = page.locator("#chips .chip", has_text=name)
    switch = label.locator("button.strict")
    both = re.compile("2024-05-05")
    alone = page.locator("#results .timeline .month")
    june = "2022년 6월" if language == "ko" else "June 2022"

    search(page, word)
    expect(switch).to_have_attribute("aria-pressed", "false")
    expect(days_shown.first).to_have_text("2022-06-01")
    expect(days_shown.filter(has_text=both)).not_to_have_count(0)
    expect(tiles(page).first).to_have_attribute(
        "title", re.compile(f"^{'이름표' if language == 'ko' else 'Label'}: {word}")
    )

    switch.click()
    expect(box).to_have_value(strict)
    expect(alone).to_have_text([june])
    expect(tiles(page)).to_have_count(1)
    expect(switch).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(alone).to_have_text([june])
    expect(switch).to_have_attribute("aria-pressed", "true")

    switch.click()
    expect(box).to_have_value(word)
    expect(days_shown.filter(has_text=both)).not_to_have_count(0)
    page.go_back()
    expect(alone).to_have_text([june])
    expect(box).to_have_value(strict)
    label.locator("button:not(.strict)").click()
    expect(box).to_have_value("")
    LabelStore(database).clear_label(word, [bus])
    database.close()


@pytest.mark.parametrize("language", LOCALES)
def test_favourite_is_found_by_text_and_filter(opened: OpenPage, language: str) -> None:
    korean = language == "ko"
    page = opened(LOCALES[language])
    heart = page.locator("#favourite")
    search(page, "2022")
    expect(tiles(page)).to_have_count(len(OTHERS))
    open_tile(page, 1)
    chosen = shown_sha256(page)[1]
    heart.click()
    expect(heart).to_contain_text("♥")
    expect(page.locator("#labels")).not_to_contain_text("favourite")
    page.locator("#photo-close").click()
    expect(page.locator("#lightbox")).to_be_hidden()

    search(page, "즐겨찾기" if korean else "favourites")
    expect(tiles(page)).to_have_count(1)
    expect(tiles(page)).to_have_count(1)
    assert shown_sha256(page) == [chosen]
    open_filters(page)
    page.locator("#label input").click()
    word = "즐겨찾기" if korean else "favourite"
    expect(page.get_by_role("option", name=word, exact=True)).to_be_visible()
    page.keyboard.press("Escape")

    open_tile(page, 0)
    heart.click()
    expect(heart).to_contain_text("♡")
    page.locator("#photo-close").click()
    expect(page.locator("#lightbox")).to_be_hidden()
    search(page, "즐겨찾기" if korean else "favourites")
    expect(tiles(page)).to_have_count(0)


def test_harmful_address_shows_what_is_valid(opened: OpenPage, full: ServedAlbum) -> None:
    page = opened()
    page.goto(
        f"{full.url}?q=2019&p=999&photo=99999999&like=77777777,x&camera=%3Cscript%3E&sort=worst"
    )

    expect(page.locator("#heading")).to_contain_text("No photo fits.")
    expect(page.locator("#query input")).to_have_value("2019")
    open_filters(page)
    expect(page.locator("#camera input")).to_have_value("<script>")
    page.locator("#clear-filters").click()
    expect(page.locator("#heading")).to_have_text(f"{COLOURS} photos, newest first")
    expect(page.locator("#lightbox")).to_be_hidden()
