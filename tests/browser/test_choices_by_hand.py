"""Small choices on the page: language, theme, an import to look at, a folder to send."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_look import VISIBLE_TEXTS
from tests.browser.walking import go_to, last_report, send, tiles
from tests.support.images.make import make_photo
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

TABS = {"en": ("Search", "Upload", "Classify"), "ko": ("찾기", "올리기", "분류")}
LOCALES = {"en": "en-US", "ko": "ko-KR"}
DROP = {
    "en": "Drop photos here or click to choose them",
    "ko": "사진을 여기에 끌어다 놓거나 눌러서 고르세요",
}
PICTURE = {"en": "Search by picture", "ko": "사진으로 찾기"}
SEARCHABLE = {"en": "searchable", "ko": "모두 찾을 수 있습니다"}
IMPORT = {"en": "import of", "ko": "에 넣은 사진"}
FILES = 3
DIRECTION = """it => {
  const matrix = new DOMMatrix(getComputedStyle(it.querySelector('.icon')).transform);
  return Math.round(Math.atan2(matrix.b, matrix.a) * 180 / Math.PI);
}"""
IS_DRAWN = r"""isDark => {
  const words = document.querySelector('#title p, #title h1');
  const [brightness] = getComputedStyle(words).color.match(/\d+/g);
  return (brightness > 128) === isDark && document.body.classList.contains('dark') === isDark;
}"""


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("choices")
    (folder / "photos").mkdir()
    for name in ("lion.jpg", "tower.jpg"):
        shutil.copy(SAMPLES / name, folder / "photos")
    with served_album(folder, ALBUM_FOLDERS=str(folder / "photos")) as served:
        yield served


def expect_theme(page: Page, theme: str) -> None:
    """The page is drawn dark on light, or light on dark."""
    page.wait_for_function(IS_DRAWN, arg=theme == "dark")


@pytest.mark.parametrize(("language", "width"), [("en", 390), ("ko", 1280)])
def test_language_by_hand_outlives_reload(
    album: ServedAlbum, open_page: OpenPage, language: str, width: int
) -> None:
    other = "ko" if language == "en" else "en"
    page = open_page(album, LOCALES[language], width=width)
    expect(page.locator("#status")).to_contain_text(SEARCHABLE[language])
    page.locator("#query input").fill("a lion")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=a\+lion"))

    page.locator("#choose-language").select_option(other)

    for _ in range(2):
        expect(page.locator("#status")).to_contain_text(SEARCHABLE[other])
        expect(page.get_by_role("tab", name=TABS[other][0], exact=True)).to_be_visible()
        expect(page.locator("#choose-language")).to_have_value(other)
        expect(page.locator("#query input")).to_have_value("a lion")
        assert page.evaluate("document.documentElement.lang") == other
        page.reload()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_third_language_gets_a_whole_english_page(album: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(album, "de-DE")
    expect(page.locator("#status")).to_contain_text("All 2 photos searchable")
    texts = " ".join(page.evaluate(VISIBLE_TEXTS))
    for tab in TABS["en"][1:]:
        go_to(page, tab)
        expect(page.locator("#files, #classes").last).to_be_attached()
        texts += " ".join(page.evaluate(VISIBLE_TEXTS))

    assert not re.search(r"\b(Datei|hier|oder|ablegen|hochladen|Laden|Klicken)\b", texts, re.I)
    assert page.evaluate("document.documentElement.lang") == "en"
    expect(page.locator("#choose-language")).to_have_value("en")


@pytest.mark.parametrize("system", ["light", "dark"])
def test_theme_by_hand_wins_over_the_system(
    album: ServedAlbum, open_page: OpenPage, system: str
) -> None:
    other = "dark" if system == "light" else "light"
    page = open_page(album, color_scheme=system)
    expect_theme(page, system)

    page.locator("#choose-theme").select_option(other)
    expect_theme(page, other)
    page.reload()
    expect(page.locator("#choose-theme")).to_have_value(other)
    expect_theme(page, other)
    page.emulate_media(color_scheme=other)
    page.emulate_media(color_scheme=system)
    expect_theme(page, other)

    page.locator("#choose-theme").select_option("system")
    expect_theme(page, system)
    page.emulate_media(color_scheme=other)
    expect_theme(page, other)


@pytest.mark.parametrize(("language", "width"), [("en", 390), ("ko", 1280)])
def test_import_opens_with_its_own_photos(
    album: ServedAlbum, open_page: OpenPage, tmp_path: Path, language: str, width: int
) -> None:
    page = open_page(album, LOCALES[language], width=width)
    go_to(page, TABS[language][1])
    colours = {"en": (width % 255, 10, 10), "ko": (10, width % 255, 90)}
    send(page, make_photo(tmp_path / "new.jpg", colours[language]))
    expect(last_report(page)).to_contain_text(re.compile("1 added|1장 넣음"))
    number = last_report(page).get_attribute("data-import")

    last_report(page).locator("button.see").click()

    expect(tiles(page)).to_have_count(1)
    expect(page.locator("#chips .chip")).to_contain_text(IMPORT[language])
    expect(page).to_have_url(re.compile(rf"\?import={number}$"))
    page.reload()
    expect(tiles(page)).to_have_count(1)
    page.locator("#chips button").click()
    expect(page.locator("#chips .chip")).to_have_count(0)
    expect(page.locator("#heading")).not_to_contain_text(re.compile(r"\b1 photo|사진 1장"))


@pytest.mark.parametrize("language", LOCALES)
def test_page_speaks_its_own_words(album: ServedAlbum, open_page: OpenPage, language: str) -> None:
    """The drop areas, the button for a picture, and arrows of closed and open sections."""
    page = open_page(album, LOCALES[language])
    button = page.get_by_role("button", name=PICTURE[language], exact=True)
    expect(button).to_be_visible()
    icon = button.evaluate("it => getComputedStyle(it, '::before').maskImage")
    assert icon.startswith("url(")
    section = page.locator("#filters > button")
    assert section.evaluate(DIRECTION) == -90  # to the right
    arrow = section.locator(".icon").bounding_box()
    title = section.locator("span").first.bounding_box()
    assert arrow
    assert title
    assert arrow["x"] < title["x"]
    section.click()
    page.wait_for_function(f"({DIRECTION})(document.querySelector('#filters > button')) === 0")

    go_to(page, TABS[language][1])
    words = re.compile(r"\s+".join(DROP[language].split(" ")))
    expect(page.locator("#files button").first).to_have_text(words, use_inner_text=True)
    for tab, area in zip(TABS[language][1:], ("#files", "#classify-files"), strict=True):
        go_to(page, tab)
        if area == "#classify-files":
            page.locator("#photo-step > button").click()
        expect(page.locator(area).get_by_role("button", name=DROP[language])).to_be_visible()


UPLOAD = re.compile(r"/upload(\?|$)")


def next_request(page: Page, held: list[Route]) -> Route:
    """The request that is held back, once the page has sent it."""
    while not held:
        page.wait_for_timeout(50)
    return held.pop()


@pytest.mark.parametrize("language", LOCALES)
def test_folder_upload_answers_at_once(
    album: ServedAlbum, open_page: OpenPage, tmp_path: Path, language: str
) -> None:
    """The page says that it receives before the first byte has arrived."""
    folder = tmp_path / f"Holiday {language}"
    for n in range(FILES):
        make_photo(folder / f"{n}.jpg", (90 * n, 40 if language == "en" else 80, 9))
    page = open_page(album, LOCALES[language])
    go_to(page, TABS[language][1])
    held: list[Route] = []
    page.route(UPLOAD, lambda route: held.append(route))
    with page.expect_file_chooser() as chooser:
        page.locator("#folder").click()
    chooser.value.set_files(folder)

    line = page.locator("#receiving p")
    expect(line).to_have_text(
        {"en": f"Receiving {FILES} files…", "ko": f"파일 {FILES}개를 받는 중입니다…"}[language]
    )
    expect(line).to_have_attribute("role", "status")
    next_request(page, held).continue_()
    expect(last_report(page)).to_contain_text(re.compile(rf"{FILES} added|{FILES}장 넣음"))
    expect(line).to_be_hidden()


def test_thousands_of_files_tell_how_many_came(
    album: ServedAlbum, open_page: OpenPage, tmp_path: Path
) -> None:
    """They are sent in requests of a thousand, and each answer moves the line."""
    folder = tmp_path / "Archive"
    make_photo(folder / "one.jpg", (7, 77, 177))
    for n in range(1_200):
        (folder / f"{n}.txt").write_text(str(n))
    page = open_page(album)
    go_to(page, "Upload")
    held: list[Route] = []
    page.route(UPLOAD, lambda route: held.append(route))
    with page.expect_file_chooser() as chooser:
        page.locator("#folder").click()
    chooser.value.set_files(folder)
    line = page.locator("#receiving p")
    expect(line).to_have_text("Receiving 1,201 files…")

    next_request(page, held).continue_()
    expect(line).to_have_text(re.compile(r"Receiving files: [1-9][\d,]+ of 1,201…"))
    next_request(page, held).continue_()

    expect(last_report(page)).to_contain_text("1 added")
    expect(last_report(page)).to_contain_text("1,200 documents")
    expect(line).to_be_hidden()
