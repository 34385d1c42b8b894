"""The lightbox: a photo as large as the window, by mouse, keys and fingers, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from PIL import ExifTags
from playwright.sync_api import Locator, Page, Request, expect

from tests.browser.conftest import OpenPage
from tests.browser.walking import FRAMES_PASS, expect_photos, go_to, open_drawer, open_tile, tiles
from tests.support.images.make import gps_tags, make_exif, scene
from tests.support.served_album import ServedAlbum, served_album

pytestmark = pytest.mark.browser

PHOTOS = 8
LARGE = 2  # place of the photo with more pixels than a large view
LARGE_SIZE = (3600, 2400)
WIDTHS = (1280, 390)
LOCALES = ("ko-KR", "en-US")
WAYS = tuple(zip(LOCALES, reversed(WIDTHS), strict=True))
AT = {"ko-KR": f"{PHOTOS}장 중 {{}}번째", "en-US": f"{{}} of {PHOTOS}"}
GONE = {
    "ko-KR": "원본이 제자리에 없어 작은 사진만 보여 드립니다.",
    "en-US": "The original is not where it was, so only a small picture can be shown.",
}
NAMES = {
    "ko-KR": {
        "dialog": "열린 사진",
        "next": "다음 사진",
        "previous": "이전 사진",
        "close": "닫기",
        "info": "사진 정보",
        "classify": "분류",
    },
    "en-US": {
        "dialog": "Open photo",
        "next": "Next photo",
        "previous": "Previous photo",
        "close": "Close",
        "info": "Information",
        "classify": "Classify",
    },
}
FAKE_FULL_SCREEN = """
let full = null;
const told = () => document.dispatchEvent(new Event('fullscreenchange'));
Object.defineProperty(document, 'fullscreenEnabled', {get: () => true});
Object.defineProperty(document, 'fullscreenElement', {get: () => full});
Element.prototype.requestFullscreen = async function () { full = this; told(); };
document.exitFullscreen = async () => { full = null; told(); };
"""


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    """Photos of several shapes, the newest first as 0.jpg; one of them with a place."""
    folder = tmp_path_factory.mktemp("lightbox")
    photos = folder / "photos"
    photos.mkdir()
    for n in range(PHOTOS):
        size = LARGE_SIZE if n == LARGE else ((900, 600), (600, 900))[n % 2]
        time = datetime(2024, 5, 20, 12) - timedelta(hours=n)  # all tiles in one window
        exif = make_exif(
            shot={ExifTags.Base.DateTimeOriginal: f"{time:%Y:%m:%d %H:%M:%S}"},
            gps=gps_tags((37, 30, 0), "N", (127, 0, 0), "E") if n == 0 else None,
        )
        scene(size, seed=n).save(photos / f"{n}.jpg", quality=85, exif=exif)
    with served_album(folder, ALBUM_FOLDERS=str(photos)) as served:
        yield served


def opened(open_page: OpenPage, album: ServedAlbum, **context: Any) -> Page:
    """The page with all photos, and the drawer closed as for a new reader."""
    page = open_page(album, drawer=False, **context)
    expect_photos(page, PHOTOS)
    return page


def image(page: Page) -> Locator:
    return page.locator("#photo-image img")


def counter(page: Page) -> Locator:
    return page.locator("[data-part=counter]")


def shows(page: Page, number: int, locale: str = "en-US") -> None:
    """The photo of this number is on the stage and loaded, and the server has been told."""
    expect(counter(page)).to_have_text(AT[locale].format(number + 1))
    expect(image(page)).to_have_attribute("alt", f"{number}.jpg")
    expect(image(page)).to_have_attribute("data-shown", "")
    expect(page.locator("#lightbox")).not_to_have_class(re.compile(r"\blate\b"))


def is_closed(page: Page, number: int) -> None:
    """The lightbox is closed, and the keyboard is at the tile of this number."""
    expect(page.locator("#lightbox")).to_be_hidden()
    expect(tiles(page).nth(number)).to_be_focused()
    expect(tiles(page).nth(number)).to_be_in_viewport()


def fit(page: Page) -> tuple[float, float, float, float]:
    """The shares of the stage that the photo fills, and its margins left and top."""
    return tuple(
        page.evaluate(
            """() => {
              const [image, stage] = ['#photo-image img', '#stage']
                .map((it) => document.querySelector(it).getBoundingClientRect());
              return [image.width / stage.width, image.height / stage.height,
                image.left - stage.left, image.top - stage.top];
            }"""
        )
    )


def touch(page: Page, *moments: list[tuple[float, float]]) -> None:
    """Fingers at these places, one moment after the other, then lifted."""
    browser = page.context.new_cdp_session(page)
    kinds = ["touchStart", *["touchMove"] * (len(moments) - 1), "touchEnd"]
    for kind, points in zip(kinds, [*moments, []], strict=True):
        fingers = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
        browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    browser.detach()


def swipe(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """One finger from here to there in eight steps."""
    steps = [n / 8 for n in range(9)]
    touch(
        page,
        *[
            [(start[0] + (end[0] - start[0]) * n, start[1] + (end[1] - start[1]) * n)]
            for n in steps
        ],
    )


@pytest.mark.parametrize(("locale", "width"), WAYS)
def test_click_shows_photo_as_large_as_window(
    album: ServedAlbum, open_page: OpenPage, locale: str, width: int
) -> None:
    page = opened(open_page, album, locale=locale, width=width)
    tiles(page).nth(1).click()
    shows(page, 1, locale)

    dialog = page.get_by_role("dialog", name=NAMES[locale]["dialog"], exact=True)
    expect(dialog).to_be_visible()
    expect(dialog).to_have_attribute("aria-modal", "true")
    expect(dialog).to_have_css("background-color", "rgb(0, 0, 0)")
    box = dialog.bounding_box()
    assert box == {"x": 0, "y": 0, "width": width, "height": 860}
    expect(page.locator("#photo-panel")).to_be_hidden()
    wide, high, left, top = fit(page)
    assert max(wide, high) == pytest.approx(1, abs=0.01)
    assert left >= -1
    assert top >= -1
    for part in ("next", "previous", "close", "info"):
        button = page.get_by_role("button", name=NAMES[locale][part], exact=True)
        assert min(button.bounding_box()["width"], button.bounding_box()["height"]) >= 40
        expect(button.locator("path").first).to_have_css("stroke", "rgb(255, 255, 255)")
    expect(page.locator("[data-part=status]")).to_have_text(AT[locale].format(2) + ". 1.jpg")
    page.get_by_role("button", name=NAMES[locale]["close"], exact=True).click()
    is_closed(page, 1)


@pytest.mark.parametrize("width", WIDTHS)
def test_keys_walk_and_escape_returns_to_tile(
    album: ServedAlbum, open_page: OpenPage, width: int
) -> None:
    page = opened(open_page, album, width=width)
    tiles(page).nth(0).focus()
    page.keyboard.press("Enter")
    shows(page, 0)
    expect(page.locator("#photo-previous")).to_be_hidden()
    for key, number in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):
        page.keyboard.press(key)
        shows(page, number)
    page.keyboard.press("End")
    shows(page, PHOTOS - 1)
    page.keyboard.press("ArrowRight")  # there is none
    page.evaluate(FRAMES_PASS)
    shows(page, PHOTOS - 1)
    expect(page.locator("#photo-next")).to_be_hidden()
    page.keyboard.press("Escape")
    is_closed(page, PHOTOS - 1)

    page.keyboard.press("Enter")
    shows(page, PHOTOS - 1)
    page.keyboard.press("Home")
    shows(page, 0)
    page.locator("#photo-next").click()
    shows(page, 1)
    page.locator("#photo-previous").click()
    shows(page, 0)
    expect(page.locator("#lightbox")).to_be_focused()  # its button is gone
    page.keyboard.press("Escape")
    is_closed(page, 0)


def test_fingers_swipe_zoom_and_close(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album, width=390, has_touch=True, is_mobile=True)
    tiles(page).nth(1).tap()
    shows(page, 1)
    swipe(page, (300, 500), (80, 510))
    shows(page, LARGE)
    swipe(page, (80, 500), (300, 490))
    shows(page, 1)
    swipe(page, (200, 500), (180, 500))  # too short
    shows(page, 1)

    # Two fingers that part make the photo larger, and then one finger moves it.
    touch(page, *[[(195 - n, 430), (195 + n, 430)] for n in range(20, 120, 10)])
    expect(page.locator("#photo-image")).to_have_class(re.compile("zoomed"))
    wide, _, left, _ = fit(page)
    assert wide > 2
    swipe(page, (200, 500), (260, 500))
    assert fit(page)[2] > left + 20
    shows(page, 1)
    for _ in range(2):
        touch(page, [(195, 430)])
    expect(page.locator("#photo-image")).not_to_have_class(re.compile("zoomed"))
    for _ in range(2):
        touch(page, [(195, 430)])
    expect(page.locator("#photo-image")).to_have_class(re.compile("zoomed"))
    page.keyboard.press("0")

    # Up opens the drawer from below, down closes the photo.
    swipe(page, (200, 500), (200, 300))
    panel = page.locator("#photo-panel")
    expect(panel).to_be_visible()
    stage, sheet = page.locator("#stage").bounding_box(), panel.bounding_box()
    assert sheet["y"] + sheet["height"] == pytest.approx(860, abs=1)
    assert stage["y"] + stage["height"] <= sheet["y"] + 1
    assert fit(page)[1] == pytest.approx(1, abs=0.01)
    page.wait_for_timeout(700)  # Chromium takes a tap right after a swipe for the end of it
    page.locator("#drawer-bar button").tap()
    expect(panel).to_be_hidden()
    swipe(page, (200, 300), (205, 600))
    is_closed(page, 1)


def test_photo_zooms_to_pixels_and_beyond(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album, device_scale_factor=2)
    open_tile(page, LARGE)
    shows(page, LARGE)
    percent = page.locator("[data-part=percent]")
    whole = percent.inner_text()
    assert image(page).evaluate("it => it.naturalWidth") == 2560

    # 100 %: one pixel of the photo is one pixel of the screen, and all of them are there.
    with page.expect_request(re.compile(r"photos/\d+/full\?v=")):
        page.keyboard.press("1")
    expect(percent).to_have_text("100 %")
    assert image(page).bounding_box()["width"] == pytest.approx(LARGE_SIZE[0] / 2, abs=1)
    expect(image(page)).to_have_attribute("src", re.compile("/full"))
    assert image(page).evaluate("it => it.naturalWidth") == LARGE_SIZE[0]
    page.keyboard.press("+")
    expect(percent).to_have_text("150 %")
    for _ in range(30):
        page.keyboard.press("+")
    expect(percent).to_have_text("800 %")
    page.keyboard.press("-")
    expect(percent).to_have_text("533 %")
    page.keyboard.press("0")
    expect(percent).to_have_text(whole)

    # The wheel zooms where the mouse is, a drag moves, a double click goes there and back.
    page.mouse.move(320, 400)
    before = image(page).bounding_box()
    under = (320 - before["x"]) / before["width"]
    page.mouse.wheel(0, -500)
    expect(page.locator("#photo-image")).to_have_class(re.compile("zoomed"))
    after = image(page).bounding_box()
    assert after["width"] > 1.5 * before["width"]
    assert (320 - after["x"]) / after["width"] == pytest.approx(under, abs=0.01)
    page.mouse.down()
    page.mouse.move(420, 430, steps=4)
    page.mouse.up()
    assert image(page).bounding_box()["x"] == pytest.approx(min(after["x"] + 100, 0), abs=2)
    page.mouse.dblclick(640, 430)
    expect(percent).to_have_text(whole)
    page.mouse.dblclick(640, 430)
    expect(percent).to_have_text("100 %")
    page.keyboard.press("ArrowRight")  # the next photo is whole again
    shows(page, LARGE + 1)
    assert max(fit(page)[:2]) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("locale", "width"), WAYS)
def test_drawer_tells_about_photo_and_is_remembered(
    album: ServedAlbum, open_page: OpenPage, locale: str, width: int
) -> None:
    page = opened(open_page, album, locale=locale, width=width)
    panel, info = page.locator("#photo-panel"), page.locator("[data-part=info]")
    open_tile(page, 0)
    shows(page, 0, locale)
    expect(info).to_have_attribute("aria-expanded", "false")
    key = {"ko-KR": "ㅑ", "en-US": "i"}[locale]  # one key of the keyboard, in two states
    page.locator("#lightbox").dispatch_event("keydown", {"key": key})
    expect(panel).to_be_visible()
    expect(info).to_have_attribute("aria-expanded", "true")
    expect(panel).to_contain_text("2024-05-20")
    link = panel.get_by_role("link")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", re.compile("noreferrer"))
    expect(link).to_have_attribute(
        "href", "https://www.openstreetmap.org/?mlat=37.50000&mlon=127.00000#map=15/37.50000/127.00000"
    )  # fmt: skip
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("ArrowRight")
    shows(page, 1, locale)
    expect(panel).to_contain_text("1.jpg")
    expect(link).to_have_count(0)

    page.reload()
    shows(page, 1, locale)
    expect(panel).to_be_visible()
    info.click()
    expect(panel).to_be_hidden()
    page.keyboard.press("Escape")
    is_closed(page, 1)
    page.keyboard.press("Enter")
    shows(page, 1, locale)
    expect(panel).to_be_hidden()


def test_drawer_follows_fast_steps(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album)
    open_tile(page, 0)
    open_drawer(page)
    for _ in range(5):
        page.keyboard.press("ArrowRight")

    shows(page, 5)
    expect(page.locator("#photo-facts dd.quiet")).to_contain_text("5.jpg")
    expect(page).to_have_url(re.compile(f"photo={tiles(page).nth(5).get_attribute('data-photo')}$"))
    page.keyboard.press("Escape")
    is_closed(page, 5)
    expect(page).not_to_have_url(re.compile("photo="))


def test_slideshow_pauses_and_ends_by_key(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album)
    open_tile(page, PHOTOS - 1)
    shows(page, PHOTOS - 1)
    play = page.locator("[data-part=play]")
    page.keyboard.press("s")
    expect(play).to_have_attribute("aria-label", "Pause the slideshow")
    expect(page.locator("#photo-next")).to_be_hidden()
    expect(image(page)).to_have_attribute("alt", "0.jpg")  # after the last comes the first
    play.click()
    expect(play).to_have_attribute("aria-label", "Go on with the slideshow")
    at = image(page).get_attribute("alt")
    page.wait_for_timeout(5000)
    expect(image(page)).to_have_attribute("alt", str(at))
    play.click()
    expect(image(page)).not_to_have_attribute("alt", str(at))

    page.keyboard.press("Escape")  # ends it, and not more

    expect(play).to_have_attribute("aria-label", "Slideshow")
    expect(page.locator("#photo-next")).to_be_visible()
    at = image(page).get_attribute("alt")
    page.wait_for_timeout(5000)
    expect(image(page)).to_have_attribute("alt", str(at))


def test_full_screen_by_key_and_button(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album)
    page.add_init_script(FAKE_FULL_SCREEN)
    page.reload()
    expect_photos(page, PHOTOS)
    open_tile(page, 0)
    button = page.locator("[data-part=full]")
    page.keyboard.press("f")
    expect(button).to_have_attribute("aria-label", "Leave full screen")
    assert page.evaluate("document.fullscreenElement === document.documentElement")
    button.click()
    expect(button).to_have_attribute("aria-label", "Full screen")
    button.click()
    page.keyboard.press("Escape")
    is_closed(page, 0)
    assert page.evaluate("document.fullscreenElement") is None


@pytest.mark.parametrize("locale", LOCALES)
def test_photo_of_classify_stays_there(
    album: ServedAlbum, open_page: OpenPage, locale: str
) -> None:
    page = opened(open_page, album, locale=locale)
    tab = NAMES[locale]["classify"]
    go_to(page, tab)
    page.locator("#photo-step button").first.click()
    page.locator("#take-hits").click()
    chosen = page.locator("#chosen button[data-photo]")
    expect(chosen).to_have_count(PHOTOS)
    chosen.nth(3).click()
    shows(page, 3, locale)
    page.keyboard.press("ArrowRight")
    shows(page, 4, locale)

    page.keyboard.press("Escape")

    expect(page.locator("#lightbox")).to_be_hidden()
    expect(page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
    expect(chosen.nth(4)).to_be_focused()


@pytest.mark.parametrize("width", WIDTHS)
def test_address_opens_photo_and_back_closes(
    album: ServedAlbum, open_page: OpenPage, width: int
) -> None:
    page = opened(open_page, album, width=width)
    open_tile(page, 4)
    expect(page).to_have_url(re.compile("photo="))
    page.reload()
    shows(page, 4)
    page.keyboard.press("ArrowRight")  # the results are its neighbours
    shows(page, 5)
    expect(page).to_have_url(re.compile(f"photo={tiles(page).nth(5).get_attribute('data-photo')}$"))

    page.go_back()
    expect(page.locator("#lightbox")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("photo="))
    page.go_forward()
    shows(page, 5)


def test_keyboard_focus_stays_in_dialog(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album)
    open_tile(page, 2)
    shows(page, 2)
    inside = "document.activeElement.closest('#lightbox') !== null"
    for drawer in (False, True):
        if drawer:
            open_drawer(page)
        stops = set()
        for key in ("Tab", "Shift+Tab"):
            for _ in range(30):
                page.keyboard.press(key)
                assert page.evaluate(inside)
                stops.add(
                    page.evaluate(
                        "[...document.querySelectorAll('*')].indexOf(document.activeElement)"
                    )
                )
        assert len(stops) >= (14 if drawer else 8)
    assert page.locator("#results").evaluate("it => it.closest('[inert]') !== null")
    page.keyboard.press("Escape")
    assert page.locator("[inert], [data-restrained]").count() == 0


@pytest.mark.parametrize("locale", LOCALES)
def test_missing_original_is_told(album: ServedAlbum, open_page: OpenPage, locale: str) -> None:
    number = 6
    for view in (album.data_dir / "thumbnails" / "large").rglob("*.jpg"):
        view.unlink()
    original = album.data_dir.parent / "photos" / f"{number}.jpg"
    hidden = original.rename(original.with_suffix(".away"))
    try:
        page = opened(open_page, album, locale=locale)
        open_tile(page, number)
        expect(page.locator("[data-part=note]")).to_have_text(GONE[locale])
        shows(page, number, locale)
        assert max(fit(page)[:2]) == pytest.approx(1, abs=0.01)
        page.keyboard.press("Home")
        expect(page.locator("[data-part=note]")).to_be_empty()
    finally:
        hidden.rename(original)


def test_neighbours_are_loaded_ahead(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album)
    asked: list[str] = []

    def note(request: Request) -> None:
        if found := re.search(r"photos/(\d+)/large", request.url):
            asked.append(found[1])

    page.on("request", note)
    ids = [tile.get_attribute("data-photo") for tile in tiles(page).all()]
    with page.expect_response(re.compile(rf"photos/{ids[2]}/large")):
        open_tile(page, 3)
    assert asked == [ids[3], ids[4], ids[2]]  # itself, and then those beside it
    page.keyboard.press("ArrowRight")
    shows(page, 4)
    page.wait_for_timeout(500)
    assert asked == [ids[3], ids[4], ids[2], ids[5]]

    # Photos that are passed quickly are not asked for.
    page.evaluate(
        """() => { for (let n = 0; n < 4; n++) document.dispatchEvent(
            new KeyboardEvent('keydown', {key: 'ArrowLeft', bubbles: true})); }"""
    )
    shows(page, 0)
    page.wait_for_timeout(500)
    assert ids[0] in asked
    assert len(asked) <= 7


def test_search_from_drawer_closes_photo(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album)
    open_tile(page, 1)
    open_drawer(page)
    page.locator("#more-like-this").click()
    expect(page.locator("#lightbox")).to_be_hidden()
    expect(page.locator("#chips .chip")).to_be_visible()
    expect(page).to_have_url(re.compile("like="))
