"""The address of the page, the browser's Back, and the searches that it remembers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.walking import FRAMES_PASS, open_filters, open_tile, shown_sha256, tiles
from tests.support.images.make import make_photo
from tests.support.served_album import ServedAlbum, served_album

pytestmark = pytest.mark.browser

PHOTOS = 130  # three pages
PAGE = 60
ALL = f"{PHOTOS:,}"
LOOKS = "?q=a+wall&rest=1"
"""A search by looks: its results have pages, and all photos are among them."""


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("address")
    for n in range(PHOTOS):
        colour = (n * 37 % 256, n * 91 % 256, n * 53 % 256)
        make_photo(folder / "photos" / f"{n:03}.jpg", colour)
    with served_album(folder, ALBUM_FOLDERS=str(folder / "photos")) as served:
        yield served


def opened(open_page: OpenPage, album: ServedAlbum, address: str = "", **context: object) -> Page:
    """The page at an address of the album, with all photos taken in and the answer there."""
    page = open_page(album, **context)
    expect(page.locator("#heading")).to_contain_text(ALL)
    expect(tiles(page).first).to_be_visible()
    if address:
        page.goto(album.url + "/" + address)
        expect(page.locator("#status")).to_contain_text(ALL)
        expect(page.locator("#heading")).not_to_be_empty()
    return page


def box(page: Page) -> object:
    return page.locator("#query textarea, #query input")


def ask(page: Page, words: str) -> None:
    box(page).fill(words)
    box(page).press("Enter")
    expect(page).to_have_url(re.compile(r"[?&]q="))
    page.wait_for_function(
        "words => new URLSearchParams(location.search).get('q') === words", arg=words
    )


def turn(page: Page, button: str, number: int) -> None:
    page.locator(button).click()
    expect(page.locator("#page-number")).to_contain_text(f"{number} ")
    expect(page).to_have_url(re.compile(f"[?&]p={number}"))


def shows(page: Page, photos: list[str]) -> None:
    """These photos, in this order, as soon as they are drawn."""
    page.wait_for_function(
        """first => document.querySelector('#results .thumbnail-item img')?.src.includes(first)""",
        arg=photos[0],
    )
    assert shown_sha256(page) == photos


def named(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def remembered(page: Page) -> list[str]:
    return [it.split("\n")[0] for it in page.locator("#recent .ask").all_text_contents()]


def test_shared_address_shows_equal_page_and_photo(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album, LOOKS)
    turn(page, "#next-page", 2)
    open_tile(page, 7)
    expect(page).to_have_url(re.compile(r"[?&]photo="))
    seen, picture = shown_sha256(page), page.locator("#photo-image img").get_attribute("src")

    other = opened(open_page, album, locale="ko-KR")
    other.goto(page.url)

    expect(other.locator("#photo-image img")).to_have_attribute("src", str(picture))
    shows(other, seen)
    assert other.url == page.url


def test_address_fills_filters_and_keeps_foreign_parameters(
    album: ServedAlbum, open_page: OpenPage
) -> None:
    page = opened(open_page, album, "?__theme=dark&x=1&q=%EB%B9%A8%EA%B0%84+red&after=2001-02-03")

    expect(box(page)).to_have_value("빨간 red")
    open_filters(page)
    expect(page.locator("#after input, #after textarea")).to_have_value("2001-02-03")
    ask(page, "blue sky")
    expect(box(page)).to_have_value("blue sky")
    assert named(page) == {
        "q": ["blue sky"], "after": ["2001-02-03"], "__theme": ["dark"], "x": ["1"],
    }  # fmt: skip


def test_back_closes_photo_and_returns_to_place(album: ServedAlbum, open_page: OpenPage) -> None:
    for width in (1280, 390):
        page = opened(open_page, album, LOOKS, width=width)
        tile = tiles(page).nth(50)
        tile.scroll_into_view_if_needed()
        page.wait_for_timeout(400)  # the place is kept when the page rests
        place, before = page.evaluate("scrollY"), page.url
        open_tile(page, 50)
        expect(page).to_have_url(re.compile("photo="))

        page.go_back()

        expect(page.locator("#lightbox")).to_be_hidden()
        page.wait_for_function("y => Math.abs(scrollY - y) < 3", arg=place)
        assert page.url == before
        page.go_forward()
        expect(page.locator("#lightbox")).to_be_visible()


def test_closing_photo_leaves_no_history_entry(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album, LOOKS)
    turn(page, "#next-page", 2)
    open_tile(page, 3)
    expect(page).to_have_url(re.compile("photo="))
    first, entries = page.url, page.evaluate("history.length")
    page.keyboard.press("ArrowRight")
    expect(page).not_to_have_url(first)
    assert page.evaluate("history.length") == entries

    page.keyboard.press("Escape")
    expect(page.locator("#lightbox")).to_be_hidden()
    expect(page).to_have_url(re.compile("&p=2$"))
    page.go_back()

    expect(page.locator("#page-number")).to_contain_text("1 ")
    expect(page.locator("#lightbox")).to_be_hidden()


def test_back_steps_through_pages_and_queries(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album, LOOKS)
    expect(tiles(page)).to_have_count(PAGE)
    first = shown_sha256(page)
    turn(page, "#next-page", 2)
    second = shown_sha256(page)
    turn(page, "#next-page", 3)
    ask(page, "red flower")

    page.go_back()
    expect(page.locator("#page-number")).to_contain_text("3 ")
    expect(box(page)).to_have_value("a wall")
    expect(tiles(page)).to_have_count(PHOTOS - 2 * PAGE)
    page.go_back()
    expect(page.locator("#page-number")).to_contain_text("2 ")
    shows(page, second)
    page.go_back()
    expect(page.locator("#page-number")).to_contain_text("1 ")
    shows(page, first)
    for _ in range(3):
        page.go_forward()
    expect(box(page)).to_have_value("red flower")
    expect(page).to_have_url(re.compile(r"\?q=red\+flower$"))


def test_text_typed_before_first_answer_stays(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album)
    answers: list[Route] = []
    page.route("**/queue/data*", lambda route: answers.append(route))
    with page.expect_request("**/queue/data*"):
        page.reload()
    box(page).fill("blue sky")
    page.evaluate(FRAMES_PASS)
    expect(box(page)).to_have_value("blue sky")

    for it in answers:
        it.continue_()
    page.unroute("**/queue/data*")

    expect(page.locator("#heading")).to_contain_text(ALL)
    page.evaluate(FRAMES_PASS)
    expect(box(page)).to_have_value("blue sky")
    box(page).press("Enter")
    expect(page).to_have_url(re.compile(r"[?&]q=blue"))


def test_reload_restores_page_and_scroll_position(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album, LOOKS)
    turn(page, "#next-page", 2)
    tiles(page).nth(55).scroll_into_view_if_needed()
    page.wait_for_timeout(400)
    seen, place = shown_sha256(page), page.evaluate("scrollY")
    assert place > 0

    page.reload()

    expect(page.locator("#page-number")).to_contain_text("2 ")
    shows(page, seen)
    page.wait_for_function("y => Math.abs(scrollY - y) < 3", arg=place)


@pytest.mark.parametrize("language", ["en-US", "ko-KR"])
def test_deleted_photo_is_reported_above_results(
    language: str, album: ServedAlbum, open_page: OpenPage
) -> None:
    page = opened(open_page, album, f"{LOOKS}&p=2&photo=999999", locale=language)

    sentence = (
        "사진첩에 없는 사진입니다." if language == "ko-KR" else "This photo is not in the album."
    )
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.locator("#page-number")).to_contain_text("2 ")
    expect(tiles(page)).to_have_count(PAGE)
    expect(page).to_have_url(re.compile(r"&p=2$"))


@pytest.mark.parametrize(
    "address",
    [
        "?photo=999999999&p=-1&like=x,0&burst=1e9&sort=size&rest=maybe",
        "?after=9999-99-99&before=%00&place=%3Cimg%20src=x%20onerror=alert(1)%3E&shape=round",
        "?" + "&".join(f"a{n}=1" for n in range(200)),
    ],
)
def test_meaningless_address_shows_whole_album(
    address: str, album: ServedAlbum, open_page: OpenPage
) -> None:
    page = opened(open_page, album, address)

    expect(page.locator("#heading")).to_contain_text(ALL)
    expect(tiles(page).first).to_be_visible()
    expect(page.locator("#pager")).to_be_hidden()
    expect(page.locator("#lightbox")).to_be_hidden()


def test_hostile_words_of_an_address_are_only_words(
    album: ServedAlbum, open_page: OpenPage
) -> None:
    hostile = "%3Cimg%20src%3Dx%20onerror%3D%22window.hit%3D1%22%3E%27%3B--"
    page = opened(open_page, album, f"?q={hostile}&camera={hostile}&label={hostile}&type={hostile}")

    expect(box(page)).to_have_value('<img src=x onerror="window.hit=1">\';--')
    assert page.evaluate("window.hit") is None
    assert page.locator("img[src='x']").count() == 0


def test_a_page_beyond_the_last_shows_the_last(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album, f"{LOOKS}&p=4000000")

    expect(page.locator("#page-number")).to_contain_text("3 ")
    expect(tiles(page)).to_have_count(PHOTOS - 2 * PAGE)
    expect(page).to_have_url(re.compile("&p=3$"))


def test_timeline_has_no_pages(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album, "?p=2")

    expect(tiles(page).first).to_be_visible()
    expect(page.locator("#pager")).to_be_hidden()
    page.wait_for_function("location.search === ''")


@pytest.mark.parametrize("language", ["en-US", "ko-KR"])
def test_searches_are_remembered_asked_again_and_forgotten(
    language: str, album: ServedAlbum, open_page: OpenPage
) -> None:
    korean = language == "ko-KR"
    page = opened(open_page, album, locale=language)
    expect(page.locator("#recent .opener")).to_be_hidden()
    for words in ("빨간 꽃", "blue <b>sky</b>", "a green wall"):
        ask(page, words)
    opener = page.locator("#recent .opener")
    expect(opener).to_have_text("최근에 찾은 것" if korean else "Recent searches")

    # By keys alone: from the box into the list, to the oldest, and ask for it.
    box(page).focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#recent .ask").first).to_be_focused()
    assert remembered(page) == ["a green wall", "blue <b>sky</b>", "빨간 꽃"]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("빨간 꽃")
    expect(page.locator("#recent-list")).to_be_hidden()
    opener.click()
    expect(page.locator("#recent .ask").first).to_have_text("빨간 꽃")

    # A pin stands first and survives a reload; what is taken out is gone.
    label = "“blue <b>sky</b>” 고정하기" if korean else "Pin “blue <b>sky</b>”"
    page.get_by_role("button", name=label, exact=True).click()
    assert remembered(page) == ["blue <b>sky</b>", "빨간 꽃", "a green wall"]
    page.reload()
    expect(page.locator("#status")).to_contain_text(ALL)
    opener.click()
    expect(page.get_by_role("button", name=label, exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    label = "“빨간 꽃” 기록에서 빼기" if korean else "Forget “빨간 꽃”"
    page.get_by_role("button", name=label, exact=True).click()
    assert remembered(page) == ["blue <b>sky</b>", "a green wall"]
    page.keyboard.press("Escape")
    expect(page.locator("#recent-list")).to_be_hidden()

    opener.click()
    page.get_by_role("button", name="모두 지우기" if korean else "Clear all", exact=True).click()
    expect(opener).to_be_hidden()
    assert (
        page.evaluate("Object.keys(localStorage).filter(it => it.startsWith('album-searches'))")
        == []
    )


def test_fifty_searches_are_kept_and_pinned_ones_besides(
    album: ServedAlbum, open_page: OpenPage
) -> None:
    page = opened(open_page, album)
    ask(page, "the oldest")
    page.locator("#recent .opener").click()
    page.locator("#recent .pin").click()
    page.keyboard.press("Escape")
    page.evaluate(
        """() => { for (let n = 0; n < 60; n++) window.dispatchEvent(
            new CustomEvent('album-asked', { detail: 'q=words+' + n + '&p=2&photo=3' })); }"""
    )

    kept = remembered(page)
    assert len(kept) == 51
    assert kept[:2] == ["the oldest", "words 59"]
    assert kept[-1] == "words 10"
    # Which page or photo was looked at is nobody's question.
    newest = page.locator("#recent li").nth(1)
    expect(newest).to_have_attribute("data-query", "q=words+59")


def test_what_is_remembered_is_told_to_nobody(album: ServedAlbum, open_page: OpenPage) -> None:
    page = opened(open_page, album)
    ask(page, "something private")
    ask(page, "something else")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url + (request.post_data or "")))

    page.locator("#recent .opener").click()
    page.locator("#recent .pin").last.click()
    page.keyboard.press("Escape")
    open_tile(page, 0)
    page.wait_for_timeout(3500)  # the page asks for its status now and then

    assert not [it for it in sent if "something+private" in it or "something private" in it]
    other = open_page(album)
    expect(other.locator("#recent .opener")).to_be_hidden()
