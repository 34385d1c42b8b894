"""Tabs in the address, and addresses with parameters that are not the album's."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.walking import go_to, search, tiles
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

TABS = {
    "ko-KR": {"search": "찾기", "upload": "올리기", "classify": "분류", "captions": "설명"},
    "en-US": {"search": "Search", "upload": "Upload", "classify": "Classify",
              "captions": "Captions"},
}  # fmt: skip
LANDMARKS = {
    "search": "#query",
    "upload": "#files",
    "classify": "#classify-now",
    "captions": "#captions-which",
}


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("ways")
    (folder / "photos").mkdir()
    for name in ("lion.jpg", "tower.jpg", "bus.png", "cheetah1.jpg"):
        shutil.copy(SAMPLES / name, folder / "photos")
    with served_album(folder, ALBUM_FOLDERS=str(folder / "photos")) as served:
        yield served


def named(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def shows(page: Page, tab: str) -> None:
    """This tab, selected, with its content, and in the address unless it is the first."""
    expect(page.locator(f"[role=tab][data-tab-id={tab}]")).to_have_attribute(
        "aria-selected", "true"
    )
    expect(page.locator(LANDMARKS[tab])).to_be_visible()
    in_address = "location => new URLSearchParams(location.search).get('tab')"
    page.wait_for_function(
        f"tab => ({in_address})(location) === tab", arg=None if tab == "search" else tab
    )


@pytest.mark.parametrize(("locale", "width"), [("en-US", 1280), ("ko-KR", 390)])
def test_back_and_forward_walk_through_tabs(
    album: ServedAlbum, open_page: OpenPage, locale: str, width: int
) -> None:
    names = TABS[locale]
    page = open_page(album, locale, width=width)
    expect(tiles(page)).to_have_count(4)
    search(page, "lion.jpg")
    entries = page.evaluate("history.length")

    for tab in ("upload", "classify", "captions"):
        go_to(page, names[tab])
        shows(page, tab)
        assert named(page)["q"] == ["lion.jpg"]
    assert page.evaluate("history.length") == entries + 3
    go_to(page, names["captions"])  # the same once more is no step
    assert page.evaluate("history.length") == entries + 3

    for tab in ("classify", "upload", "search"):
        page.go_back()
        shows(page, tab)
    expect(page.locator("#query input, #query textarea")).to_have_value("lion.jpg")
    page.go_back()
    expect(page.locator("#query input, #query textarea")).to_have_value("")
    page.go_forward()
    page.go_forward()
    shows(page, "upload")
    expect(page.locator("#query input, #query textarea")).to_have_value("lion.jpg")


@pytest.mark.parametrize(("locale", "width"), [("en-US", 390), ("ko-KR", 1280)])
def test_reload_stays_on_its_tab(
    album: ServedAlbum, open_page: OpenPage, locale: str, width: int
) -> None:
    page = open_page(album, locale, width=width)
    for tab in ("captions", "upload", "classify"):
        go_to(page, TABS[locale][tab])
        shows(page, tab)
        page.reload()
        shows(page, tab)
    # What a tab asks the server for when it is entered is there as well.
    page.goto(f"{album.url}/?q=lion.jpg&tab=captions")
    expect(page.locator("#captions-estimate p").first).to_be_visible()
    shows(page, "captions")
    go_to(page, TABS[locale]["search"])
    shows(page, "search")
    expect(page.locator("#query input, #query textarea")).to_have_value("lion.jpg")
    expect(page.locator("#heading")).not_to_contain_text(re.compile("newest first|최신순"))
    expect(page.locator("#heading")).not_to_be_empty()
    page.go_back()
    shows(page, "captions")


def test_a_button_to_another_tab_is_one_step(album: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(album)
    expect(tiles(page)).to_have_count(4)
    entries = page.evaluate("history.length")

    page.locator("#caption-these").click()

    shows(page, "captions")
    expect(page.locator("#captions-which input[value=found]")).to_be_checked()
    assert page.evaluate("history.length") == entries + 1
    page.go_back()
    shows(page, "search")
    expect(tiles(page)).to_have_count(4)


@pytest.mark.parametrize(
    "address",
    ["?tab=x", "?tab=", "?tab=%3Cscript%3E", "?tab=search", "?tab='%5D,a", "?tab=upload&tab=x"],
)
def test_unknown_tab_of_an_address_is_harmless(
    album: ServedAlbum, open_page: OpenPage, address: str
) -> None:
    page = open_page(album)
    page.goto(f"{album.url}/{address}")

    expected = "upload" if "upload" in address else "search"
    expect(page.locator(f"[role=tab][data-tab-id={expected}]")).to_have_attribute(
        "aria-selected", "true"
    )
    expect(page.locator(LANDMARKS[expected])).to_be_visible()
    go_to(page, "Classify")
    shows(page, "classify")


GRADIO_PARAMETERS = (
    "page=2", "page=", "p%61ge=x", "deep_link=x", "deep_link=" + "a" * 64, "view=api",
    "view=settings", "view=api-recorder", "__theme=dark", "__theme=nothing", "__sign=x",
    "ui=canvas", "write_token=x", "session_hash=x&fn_index=1", "all_endpoints=1",
    "__lang=ko", "logs=container",
)  # fmt: skip


@pytest.mark.parametrize("query", GRADIO_PARAMETERS)
def test_parameters_of_gradio_fail_nowhere(album: ServedAlbum, query: str) -> None:
    for path in ("/", "/config"):
        with urlopen(f"{album.url}{path}?{query}&q=lion.jpg", timeout=60) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_pages_of_gradio_never_cover_the_album(
    album: ServedAlbum, open_page: OpenPage, locale: str
) -> None:
    page = open_page(album, locale)
    for query in ("view=settings", "view=api", "page=2&deep_link=x", "view=api-recorder"):
        page.goto(f"{album.url}/?{query}&q=lion.jpg")
        expect(page.locator("#query input, #query textarea")).to_have_value("lion.jpg")
        expect(page.locator("#heading")).not_to_be_empty()
        expect(page.locator(".api-docs, .toast-body")).to_have_count(0)
        assert "view" not in named(page)
    assert page.evaluate("document.documentElement.lang") == locale[:2]


@pytest.mark.parametrize(("locale", "width"), [("en-US", 390), ("ko-KR", 1280)])
def test_export_has_its_own_place_below_tabs(
    album: ServedAlbum, open_page: OpenPage, locale: str, width: int
) -> None:
    page = open_page(album, locale, width=width)
    name = "Take your words with you" if locale == "en-US" else "설명과 이름표 내보내기"
    for tab in TABS[locale].values():
        go_to(page, tab)
        expect(page.locator("#take-out > button")).to_be_visible()
    expect(page.locator("#export-plan")).to_be_hidden()
    page.get_by_role("button", name=name).click()

    expect(page.locator("#export-plan p").first).to_contain_text(re.compile(r"\b4\b|4장"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
