"""How the page looks and reads: languages, narrow screens, dark mode, and texts that mean harm."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import ExifTags
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.walking import (
    choose,
    go_to,
    last_report,
    open_filters,
    open_tile,
    search,
    send,
    tiles,
)
from tests.support.gemini_server import GeminiServer
from tests.support.images.make import make_exif, make_photo
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

TABS = {
    "ko-KR": ("찾기", "올리기", "분류", "설명"),
    "en-US": ("Search", "Upload", "Classify", "Captions"),
}
RUN = "window.hacked=1"
HARM = f"<img src=x onerror={RUN}><script>{RUN}</script>{{{{{RUN}}}}}${{{RUN}}}"
HARMFUL_NAME = f"<img src=x onerror={RUN}>${{{RUN}}} '\"&.jpg"
NAMES = re.compile(
    r"JPEG( XL| 2000)?|PNG|WebP|GIF|BMP|TIFF|HEIC|AVIF|RAW|zip|EXIF|CLIP"
    r"|ISO|mm|px|English|Esc|openstreetmap.org|XMP|ZIP|Lightroom|digiKam|darktable|README|ALBUM_FOLDERS|Gemini|Google|Enter|kB|MB"
    r"|python app\.py|Windows|set GEMINI_API_KEY|Hugging Face Space|secret"
    r"|GEMINI_API_KEY|ALBUM_GEMINI_KEY_FILE|AI Studio|aistudio\.google\.com/apikey"
    r"|pocket(@\w+)?|gemini-[\w.-]+|[\w-]+\.(jpe?g|png|gif)|cat|kitten|dog|food|landscape|https://\S+"
)
"""What is called the same in both languages, and the examples of synonyms."""
WATCHED = "2019"  # a folder's name is nobody's language
VISIBLE_TEXTS = """() => {
  const texts = [];
  for (const it of document.querySelectorAll('body *')) {
    if (!it.checkVisibility({visibilityProperty: true})) continue;
    if (it.closest('#choose-language')) continue; // it speaks to readers of either language
    for (const node of it.childNodes)
      if (node.nodeType === Node.TEXT_NODE) texts.push(node.textContent.trim());
    for (const name of ['placeholder', 'title', 'alt']) texts.push(it.getAttribute(name) ?? '');
  }
  return texts.filter(Boolean);
}"""


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("samples")
    (folder / WATCHED).mkdir()
    for name in ("lion.jpg", "tower.jpg", "bus.png", "cheetah1.jpg"):
        shutil.copy(SAMPLES / name, folder / WATCHED)
    with served_album(folder, ALBUM_FOLDERS=str(folder / WATCHED)) as album:
        yield album


def unfold_key_help(page: Page, place: str) -> None:
    """How to get a key, where something needs one."""
    page.locator(f"{place} .needs-key > button").first.click()
    expect(page.locator(f"{place} .needs-key ol").first).to_be_visible()


def every_corner(page: Page, tabs: Sequence[str]) -> list[str]:
    """All texts that can be seen on a walk through the whole page."""
    texts: list[str] = []

    def look() -> None:
        texts.extend(page.evaluate(VISIBLE_TEXTS))

    expect(tiles(page)).to_have_count(4)
    look()
    open_filters(page)
    for box in ("place", "orientation", "camera"):
        page.locator(f"#{box} input").click()
        expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
        look()
        page.keyboard.press("Escape")
    page.locator("#query input").fill("x")
    page.keyboard.press("Enter")
    expect(page.locator("#heading")).not_to_contain_text(re.compile("newest first|최신순"))
    open_tile(page, 0)
    expect(page.locator("#why li")).to_have_count(1)
    look()
    page.locator("#save-caption").click()
    expect(page.locator("#caption-note")).not_to_be_empty()
    expect(page.locator("#ask-gemini")).to_be_disabled()
    unfold_key_help(page, "#photo-panel")
    look()
    page.locator("#more-like-this").click()
    expect(page.locator("#chips .chip")).to_be_visible()
    look()
    page.locator("#after input").fill("x")
    page.keyboard.press("Enter")
    expect(page.locator(".toast-body")).to_be_visible()
    look()
    page.locator(".toast-close").first.click()
    go_to(page, tabs[1])
    send(page, SAMPLES / "lion.jpg", Path(__file__))
    expect(last_report(page).locator("li")).to_have_count(1)
    look()
    expect(page.locator("#write-captions input")).to_be_disabled()
    unfold_key_help(page, "#upload-tab")
    look()
    go_to(page, tabs[2])
    page.locator("#photo-step > button").click()
    page.locator("#take-hits").click()
    expect(page.locator("#chosen img").first).to_be_visible()
    go_to(page, tabs[3])
    for choice in ("found", "label", "by_model", "lacking"):
        page.locator(f"#captions-which input[value={choice}]").click()
        expect(page.locator("#captions-estimate p").first).to_be_visible()
        look()
    unfold_key_help(page, "#captions-tab")
    look()
    page.locator("#about button").first.click()
    expect(page.locator("#about-model")).to_be_visible()
    expect(page.locator("#about-model")).not_to_be_empty()
    look()
    texts = [text for text in texts if not text.endswith(f"/{WATCHED}")]  # the folder's path
    return [text.replace(Path(__file__).name, "") for text in texts]


def test_a_korean_page_is_korean_throughout(samples: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(samples, "ko-KR")

    texts = every_corner(page, TABS["ko-KR"])

    left = {text for text in texts if re.search(r"[A-Za-z]{2,}", NAMES.sub("", text))}
    assert left == set()


def test_an_english_page_is_english_throughout(samples: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(samples, "en-US")

    texts = every_corner(page, TABS["en-US"])

    left = {
        text
        for text in texts
        if re.search(r"[가-힣]", text.replace("고양이 |", "").replace("한국어", ""))
    }
    assert left == set()


@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_a_phone_shows_everything_without_scrolling_sideways(
    samples: ServedAlbum, open_page: OpenPage, locale: str
) -> None:
    tabs = TABS[locale]
    page = open_page(samples, locale, width=390)

    def fits() -> bool:
        return page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    expect(tiles(page)).to_have_count(4)
    tops = tiles(page).evaluate_all("all => all.map(it => it.getBoundingClientRect().top)")
    assert tops[0] == tops[1]  # as many across as their shapes let
    open_filters(page)
    expect(page.locator("#camera")).to_be_visible()
    assert fits()

    # The photo covers the page, and closing it leads back to the same place.
    page.evaluate("scrollTo(0, 120)")
    open_tile(page, 1)
    place = page.evaluate("scrollY")  # as far as the tile was away
    lightbox = page.locator("#lightbox").bounding_box()
    assert (lightbox["x"], lightbox["y"]) == (0, 0)
    assert (lightbox["width"], lightbox["height"]) == (390, 860)
    assert fits()
    page.keyboard.press("i")
    expect(page.locator("#photo-panel")).to_be_visible()
    assert fits()
    page.locator("#photo-close").click()
    expect(page.locator("#lightbox")).to_be_hidden()
    assert page.evaluate("scrollY") == place

    for tab, landmark in zip(tabs[1:], ("#files", "#classes", "#captions-which"), strict=True):
        go_to(page, tab)
        expect(page.locator(landmark)).to_be_visible()
        assert fits()


@pytest.mark.parametrize(("width", "across"), [(1280, 6), (390, 3)])
def test_results_have_columns_by_width(
    samples: ServedAlbum, open_page: OpenPage, width: int, across: int
) -> None:
    page = open_page(samples, width=width)
    expect(tiles(page)).to_have_count(4)
    page.goto(f"{samples.url}?q=a+lion&rest=1")
    grid = page.locator("#results .grid-container").first
    expect(grid).to_be_visible()

    columns = grid.evaluate("it => getComputedStyle(it).gridTemplateColumns.split(' ').length")

    assert columns == across


CONTRASTS = """() => {
  const light = (rgb) => rgb.slice(0, 3).map((it) => it / 255)
    .map((it) => it <= .03928 ? it / 12.92 : ((it + .055) / 1.055) ** 2.4)
    .reduce((sum, it, n) => sum + it * [.2126, .7152, .0722][n], 0);
  const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const low = [];
  for (const it of document.querySelectorAll('body *')) {
    const text = [...it.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
      .map((node) => node.textContent.trim()).join(' ').trim();
    if (!text || !it.checkVisibility({visibilityProperty: true})) continue;
    if (it.closest('[disabled]')) continue;
    let paper = it;
    while (rgb(getComputedStyle(paper).backgroundColor)[3] === 0) paper = paper.parentElement;
    const colours = [getComputedStyle(it).color, getComputedStyle(paper).backgroundColor];
    const [a, b] = colours.map((colour) => light(rgb(colour)) + .05);
    const contrast = Math.max(a, b) / Math.min(a, b);
    if (contrast < 4.5) low.push(`${text}: ${contrast.toFixed(2)} (${colours.join(' on ')})`);
  }
  return low;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_enough_contrast(
    samples: ServedAlbum, open_page: OpenPage, theme: str
) -> None:
    page = open_page(samples, color_scheme=theme)
    expect(tiles(page)).to_have_count(4)
    paper = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert (max(paper[:3]) < 60) if theme == "dark" else (min(paper[:3]) > 230)
    open_tile(page, 0)

    assert page.evaluate(CONTRASTS) == []
    page.locator("#photo-close").click()
    for tab in ("Upload", "Classify"):
        go_to(page, tab)
        assert page.evaluate(CONTRASTS) == []


@pytest.fixture(scope="module")
def harmful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    """An album whose file names, camera and captions would all like to be a program."""
    folder = tmp_path_factory.mktemp("harmful")
    exif = make_exif(
        main={ExifTags.Base.Model: HARM[:60]}, shot={ExifTags.Base.LensModel: HARM[:60]}
    )
    make_photo(folder / "photos" / HARMFUL_NAME, "teal", exif=exif)
    make_photo(folder / "photos" / "plain.jpg", "olive")
    with GeminiServer() as gemini:
        gemini.text = HARM
        with served_album(
            folder, ALBUM_FOLDERS=str(folder / "photos"), GEMINI_API_KEY="a-key",
            ALBUM_GEMINI_ENDPOINT=gemini.url,
        ) as album:  # fmt: skip
            yield album


def test_photo_texts_never_become_scripts(
    harmful: ServedAlbum, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(harmful)
    page.on("dialog", lambda dialog: dialog.dismiss())
    expect(tiles(page)).to_have_count(2)
    hits = harmful.client().predict(api_name="/search_photos")["hits"]
    place = next(n for n, hit in enumerate(hits) if hit["file_name"] == HARMFUL_NAME)

    # In the panel: name, camera, lens, caption by Gemini, label.
    open_tile(page, place)
    expect(page.locator("#photo-facts")).to_contain_text(HARMFUL_NAME)
    expect(page.locator("#photo-facts")).to_contain_text("<img src=x onerror")
    page.locator("#ask-gemini").click()
    expect(page.locator("#caption textarea")).to_have_value(HARM)
    page.locator("#labels input").fill(HARM[:99])
    page.keyboard.press("Enter")
    expect(page.locator("#labels")).to_contain_text(HARM[:99])
    page.locator("#photo-close").click()
    open_tile(page, place)  # its alternative text is the caption now
    expect(page.locator("#photo-image img")).to_have_attribute("alt", HARM)

    # In the chips, the choices of the filters, a toast.
    page.locator("#more-like-this").click()
    expect(page.locator("#chips img")).to_have_attribute("alt", HARMFUL_NAME)
    page.locator("#chips button").click()
    search(page, f'"{HARM}"')
    expect(page.locator("#chips .chip")).to_contain_text("<img src=x onerror")
    page.locator("#chips button").click()
    expect(tiles(page)).to_have_count(2)
    open_filters(page)
    choose(page, "label", HARM[:99])
    expect(page.locator("#heading")).to_have_text("1 photo, newest first")
    page.locator("#camera input").click()
    expect(page.get_by_role("listbox").get_by_role("option").nth(1)).to_contain_text("<img src=x")
    page.keyboard.press("Escape")
    page.locator("#after input").fill(HARM)
    page.keyboard.press("Enter")
    expect(page.locator(".toast-body")).to_contain_text("is no date")
    expect(page.locator(".toast-body")).to_contain_text("<script>")

    # In the report of an upload, in Classify.
    go_to(page, "Upload")
    bad = tmp_path / HARMFUL_NAME
    bad.write_text("no photo")
    send(page, bad)
    expect(last_report(page).locator("li")).to_contain_text("onerror")
    go_to(page, "Classify")
    page.locator("#photo-step > button").click()
    page.locator("#take-hits").click()
    expect(page.locator("#chosen img")).to_have_count(1)
    page.locator("#classes textarea").fill(f"{HARM[:99]}\nplain")
    page.locator("#classify-now").click()
    expect(page.locator(".verdict")).to_contain_text("onerror")
    page.locator("#drop-chosen").click()
    page.locator("#classify-now").click()
    expect(page.locator(".per-class h3").first).to_contain_text("<script>")

    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x], script:text('hacked')").count() == 0
