"""Whole walks through the page in a real browser, in Korean and in English."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from PIL import ExifTags
from playwright.sync_api import Page, expect

from album.importing.sample_photos import sample_photos
from tests.browser.conftest import OpenPage
from tests.browser.walking import (
    choose,
    go_to,
    last_report,
    open_filters,
    open_tile,
    search,
    send,
    show_the_rest,
    shown_sha256,
    tiles,
)
from tests.support.gemini_server import GeminiServer, blocks, describes
from tests.support.images.make import (
    gps_tags,
    make_empty,
    make_exif,
    make_photo,
    make_text,
    make_truncated,
)
from tests.support.served_album import ServedAlbum, served_album

pytestmark = pytest.mark.browser

OUTSIDE_LOG = Path(__file__).with_name("outside_log")
LANGUAGES = {"ko": "ko-KR", "en": "en-US"}
PHOTOS = 66  # more than a page
TALL = 5  # of them
BIG_CAT = "cheetah2.jpg"
NOTES_PROGRESS = """() => new MutationObserver(() => {
  if (document.querySelector('#samples-progress [role=progressbar]')) album.hasShownProgress = true;
}).observe(document.body, {childList: true, subtree: true})"""


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


SAMPLE_NAMES = {sha256_of(path)[:16]: path.name for path in sample_photos()}


def outside_env(folder: Path) -> dict[str, str]:
    """Variables that make a server log to `folder` what it asks for beyond this machine."""
    return {"PYTHONPATH": str(OUTSIDE_LOG), "OUTSIDE_LOG": str(folder / "outside.log")}


@pytest.fixture(scope="module")
def gemini() -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        yield server


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, gemini: GeminiServer) -> Iterator[ServedAlbum]:
    """An album of `PHOTOS` tiny photos, taken on days of 2019, with a Gemini on this machine.

    The first `TALL` are tall, of one camera and have a place.
    """
    folder = tmp_path_factory.mktemp("full")
    for n in range(PHOTOS):
        tall = n < TALL
        day = datetime(2019, 1 + n % 12, 1 + n % 28, 12, n % 60)
        exif = make_exif(
            main={ExifTags.Base.Model: "Box Camera No. 2"} if tall else {},
            shot={ExifTags.Base.DateTimeOriginal: f"{day:%Y:%m:%d %H:%M:%S}"},
            gps=gps_tags((35, 10, 44.4), "N", (129, 4, 30.0), "E") if tall else None,
        )
        colour = (n * 37 % 256, n * 91 % 256, n * 53 % 256)
        size = (48, 64) if tall else (64, 48)
        make_photo(folder / "photos" / f"사진 {n:02}.jpg", colour, size, exif)
    with served_album(
        folder,
        ALBUM_FOLDERS=str(folder / "photos"),
        GEMINI_API_KEY="a-key",
        ALBUM_GEMINI_ENDPOINT=gemini.url,
        **outside_env(folder),
    ) as album:
        yield album
    assert not (folder / "outside.log").exists(), (folder / "outside.log").read_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_new_person_finds_and_sorts_big_cats(
    language: str, tmp_path: Path, open_page: OpenPage
) -> None:
    korean = language == "ko"
    with served_album(tmp_path, **outside_env(tmp_path)) as album:
        page = open_page(album, LANGUAGES[language])
        # The empty album explains itself.
        empty = "아직 사진이 없습니다." if korean else "This album is empty."
        expect(page.locator("#welcome-title")).to_have_text(empty)
        expect(page.locator("#add-photos")).to_be_visible()
        expect(page.locator("#examples button")).to_have_count(5)
        expect(page.locator("#query input")).to_be_focused()
        page.locator("#add-photos").click()
        expect(page.locator("#files")).to_be_visible()
        go_to(page, "찾기" if korean else "Search")

        page.evaluate(NOTES_PROGRESS)
        page.locator("#samples").click()
        expect(tiles(page)).to_have_count(len(SAMPLE_NAMES))
        expect(page.locator("#welcome")).to_be_hidden()
        assert page.evaluate("album.hasShownProgress")
        count = f"사진 {len(SAMPLE_NAMES)}장" if korean else f"{len(SAMPLE_NAMES)} photos"
        searchable = "모두 찾을 수 있습니다" if korean else "searchable"
        expect(page.locator("#status")).to_contain_text(searchable)
        expect(page.locator("#status")).to_contain_text(str(len(SAMPLE_NAMES)))

        newest_first = "최신순" if korean else "newest first"
        expect(page.locator("#heading")).to_have_text(f"{count}, {newest_first}")
        for words in ("고양이과 동물", "a big cat"):
            page.locator("#query input").fill(words)
            page.keyboard.press("Enter")
            expect(page.locator("#heading")).not_to_contain_text(newest_first)
            assert SAMPLE_NAMES[shown_sha256(page)[0]] == BIG_CAT
            search(page, "")
            expect(page.locator("#heading")).to_have_text(f"{count}, {newest_first}")
        page.locator("#examples button").first.click()
        example = "고양이과 동물" if korean else "a big cat"
        expect(page.locator("#query input")).to_have_value(example)
        expect(page.locator("#heading")).not_to_contain_text(newest_first)
        best = SAMPLE_NAMES[shown_sha256(page)[0]]

        open_tile(page, 0)
        facts = page.locator("#photo-facts")
        expect(facts).to_contain_text(best)
        expect(facts).to_contain_text("JPEG")
        expect(page.locator("#why")).to_contain_text("모습이 비슷함" if korean else "Looks like it")
        # Without a key all but captions works, and a line says how to get them.
        expect(page.locator("#ask-gemini")).to_be_disabled()
        page.locator("#photo-panel .needs-key button").first.click()
        expect(page.locator("#photo-panel .needs-key").first).to_contain_text("GEMINI_API_KEY")

        page.locator("#classify-this").click()
        expect(page.locator("#chosen img")).to_have_count(1)
        page.locator("#classes textarea").fill("버스 | bus\ntower\nbig cat")
        page.locator("#classify-now").click()
        first = page.locator(".verdict .bar").first
        expect(first).to_contain_text("big cat")
        expect(page.locator(".verdict .bar")).to_have_count(4)  # the last is none of them
        page.locator("#drop-chosen").click()
        page.locator("#classify-now").click()
        expect(page.locator(".per-class h3")).to_have_text(["버스", "tower", "big cat"])
        page.locator(".per-class button").first.click()
        expect(page.locator("#lightbox")).to_be_visible()
    assert not (tmp_path / "outside.log").exists(), (tmp_path / "outside.log").read_text()


def test_outside_log_notices_requests(tmp_path: Path) -> None:
    ask = "import socket; socket.socket(type=socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"

    subprocess.run([sys.executable, "-c", ask], env={**os.environ, **outside_env(tmp_path)})

    assert (tmp_path / "outside.log").read_text() == "socket.connect 192.0.2.1\n"


def test_upload_reports_outcome_of_every_file(
    tmp_path: Path, full: ServedAlbum, open_page: OpenPage
) -> None:
    page = open_page(full)
    expect(page.locator("#status")).to_contain_text("searchable")
    before = full.client().predict(api_name="/album_status")["photos"]
    known = next((full.data_dir.parent / "photos").iterdir())
    go_to(page, "Upload")

    send(
        page,
        make_photo(tmp_path / "새 사진.png", "hotpink"),
        make_text(tmp_path / "words.jpg"),
        make_empty(tmp_path / "empty.jpg"),
        make_truncated(tmp_path / "cut.jpg"),
        known,
    )

    report = last_report(page)
    expect(report).to_contain_text("1 added · 1 already here · 3 failed")
    expect(report.locator("li")).to_have_count(3)
    for name in ("words.jpg", "empty.jpg", "cut.jpg"):
        line = report.locator("li", has_text=name)
        expect(line.locator("span")).to_have_text(re.compile(r".{20,}\.$"))
    last_report(page).locator("button.see").click()
    expect(page.locator("#status")).to_contain_text(f"All {before + 1} photos searchable")
    expect(page.locator("#chips .chip")).to_contain_text("import of")
    expect(page.locator("#heading")).to_have_text("1 photo, newest first")
    page.locator("#chips button").click()
    expect(page.locator("#heading")).to_have_text(f"{before + 1} photos, newest first")


def test_cancelled_import_keeps_photos_added_so_far(tmp_path: Path, open_page: OpenPage) -> None:
    with served_album(tmp_path, warm=False) as album:  # it waits for its model at first
        page = open_page(album)
        go_to(page, "Upload")
        size = (800, 800)  # quick to send, slow enough to take in
        files = [make_photo(tmp_path / "in" / f"{n}.png", (n, 9, 9), size) for n in range(120)]

        send(page, *files)
        page.locator("#cancel-import").click()

        report = last_report(page)
        expect(report).to_contain_text("Cancelled; what was added stays.")
        added = int(re.search(r"(\d+) added", report.inner_text())[1])
        assert added < len(files)
        assert album.client().predict(api_name="/album_status")["photos"] == added
        assert [it for it in (album.data_dir / "incoming").rglob("*") if it.is_file()] == []


def test_pages_hold_sixty_photos_with_exact_count(full: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(full)
    choose_year(page)
    search(page, "a red wall")
    show_the_rest(page)

    expect(tiles(page)).to_have_count(60)
    first = shown_sha256(page)
    expect(page.locator("#previous-page")).to_be_disabled()
    page.locator("#next-page").click()
    expect(tiles(page)).to_have_count(PHOTOS - 60)
    expect(page.locator("#page-number")).to_have_text("2 of 2")
    expect(page.locator("#next-page")).to_be_disabled()
    second = shown_sha256(page)
    assert len({*first, *second}) == PHOTOS

    page.locator("#previous-page").click()
    expect(tiles(page)).to_have_count(60)
    assert shown_sha256(page) == first


def test_filters_combine_with_each_other_and_with_words(
    full: ServedAlbum, open_page: OpenPage
) -> None:
    page = open_page(full)
    choose_year(page)
    heading = page.locator("#heading")

    choose(page, "camera", "Box Camera No. 2")
    expect(heading).to_have_text(f"{TALL} photos, newest first")
    choose(page, "orientation", "tall")
    choose(page, "place", "with")
    expect(heading).to_have_text(f"{TALL} photos, newest first")
    page.locator("#after input, #after textarea").fill("2019-03")
    page.keyboard.press("Enter")
    expect(heading).to_have_text(f"{TALL - 2} photos, newest first")
    search(page, "a red wall")
    expect(heading).not_to_contain_text("newest first")
    show_the_rest(page)
    expect(tiles(page)).to_have_count(TALL - 2)
    choose(page, "orientation", "wide")
    expect(heading).to_have_text("No photo fits.")
    expect(page.locator("#ways-out button", has_text="“wide”")).to_contain_text(
        f"{TALL - 2} photos"
    )
    page.locator("#clear-filters").click()
    expect(tiles(page).first).to_be_visible()
    show_the_rest(page)
    expect(page.locator("#page-number")).to_contain_text("of 2")

    page.locator("#after input, #after textarea").fill("someday")
    page.keyboard.press("Enter")
    expect(page.locator(".toast-body")).to_contain_text("“someday” is no date")


def choose_year(page: Page) -> None:
    """Only the photos that the fixture made."""
    expect(tiles(page).first).to_be_visible()
    open_filters(page)
    page.locator("#before input, #before textarea").fill("2019")
    page.keyboard.press("Enter")
    expect(page.locator("#heading")).to_have_text(f"{PHOTOS} photos, newest first")


def test_keys_walk_through_the_photos_and_close_them(
    full: ServedAlbum, open_page: OpenPage
) -> None:
    page = open_page(full)
    expect(tiles(page).first).to_be_visible()
    names = []
    open_tile(page, 0)
    facts = page.locator("#photo-facts dd.quiet")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        names.append(facts.inner_text())
        page.keyboard.press(key)
        expect(facts).not_to_have_text(names[-1])
    assert facts.inner_text() == names[1]
    assert len(set(names)) == 3

    page.locator("#caption textarea").focus()
    page.keyboard.press("ArrowRight")  # in a text box the keys are the text's
    page.keyboard.press("Escape")
    expect(page.locator("#lightbox")).to_be_hidden()


def test_hand_written_caption_is_never_overwritten(
    full: ServedAlbum, open_page: OpenPage, gemini: GeminiServer
) -> None:
    page = open_page(full)
    open_tile(page, 3)
    name = page.locator("#photo-facts dd.quiet").inner_text().split(" · ")[0]
    page.locator("#caption textarea").fill("우리 강아지, first snow")
    page.locator("#save-caption").click()
    expect(page.locator("#caption-note")).to_have_text("Saved.")

    page.reload()
    expect(page.locator("#lightbox")).to_be_visible()  # its address names the photo
    expect(page.locator("#photo-facts dd.quiet")).to_contain_text(name)
    expect(page.locator("#caption textarea")).to_have_value("우리 강아지, first snow")
    expect(page.locator("#caption-note")).to_have_text("Written by you; nothing writes over it.")

    asked = len(gemini.requests)
    page.locator("#ask-gemini").click()
    expect(page.locator("#caption-note")).to_contain_text("You wrote this caption yourself")
    expect(page.locator("#caption textarea")).to_have_value("우리 강아지, first snow")
    assert len(gemini.requests) == asked

    page.locator("#photo-close").click()
    open_filters(page)
    choose(page, "has-caption", "with")
    expect(page.locator("#heading")).to_have_text("1 photo, newest first")
    expect(tiles(page)).to_have_count(1)
    assert len(shown_sha256(page)) == 1


def test_gemini_caption_names_model_and_day(
    full: ServedAlbum, open_page: OpenPage, gemini: GeminiServer
) -> None:
    page = open_page(full, "ko-KR")
    open_tile(page, 7)
    said = {"caption_ko": "눈밭에 선 강아지.", "keywords": [], "text_in_photo": ""}
    gemini.answers.append(describes(**said))
    asked = len(gemini.requests)

    page.locator("#ask-gemini").click()

    expect(page.locator("#caption textarea")).to_have_value("눈밭에 선 강아지.")
    expect(page.locator("#caption-note")).to_contain_text("gemini-")
    expect(page.locator("#caption-note")).to_contain_text(f"{datetime.now():%Y-}")
    (request,) = gemini.requests[asked:]
    assert request.jpeg.startswith(b"\xff\xd8")
    assert b"Exif" not in request.jpeg

    page.locator("#photo-next").click()
    expect(page.locator("#caption textarea")).to_have_value("")
    gemini.answers.append(blocks("SAFETY"))
    page.locator("#ask-gemini").click()
    expect(page.locator("#caption-note .problem")).to_contain_text("(SAFETY)")
    expect(page.locator("#caption textarea")).to_have_value("")
    expect(page.locator(".toast-body")).to_have_count(0)


def test_label_stays_with_photo_and_becomes_filter(full: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(full)
    open_tile(page, 9)
    labelled = shown_sha256(page)[9]
    page.locator("#labels input").fill("휴가 2019")
    page.keyboard.press("Enter")
    page.locator("#photo-facts").click()
    for _ in range(12):  # faster than the answers come: no other photo may catch the label
        page.locator("#photo-next").click()
    page.locator("#photo-close").click()
    expect(page.locator("#lightbox")).to_be_hidden()

    open_filters(page)
    choose(page, "label", "휴가 2019")
    expect(page.locator("#heading")).to_have_text("1 photo, newest first")
    expect(tiles(page)).to_have_count(1)
    assert shown_sha256(page) == [labelled]
    open_tile(page, 0)
    expect(page.locator("#labels")).to_contain_text("휴가 2019")


def test_more_like_this_is_left_by_new_search(full: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(full)
    expect(tiles(page).nth(4)).to_be_visible()
    photos = full.client().predict(api_name="/album_status")["photos"]
    open_tile(page, 4)
    chosen = shown_sha256(page)[4]

    page.locator("#more-like-this").click()

    expect(page.locator("#chips")).to_contain_text("like this photo")
    show_the_rest(page)
    expect(page.locator("#page-number")).to_contain_text("of 2")
    assert chosen not in shown_sha256(page)
    page.locator("#chips button").click()
    expect(page.locator("#heading")).to_have_text(f"{photos} photos, newest first")


def test_a_picture_of_ones_own_finds_its_like(
    full: ServedAlbum, open_page: OpenPage, tmp_path: Path
) -> None:
    photo = sorted((full.data_dir.parent / "photos").iterdir())[17]
    page = open_page(full)

    with page.expect_file_chooser() as chooser:
        page.locator("#picture").click()
    chooser.value.set_files(photo)

    expect(page.locator("#chips")).to_contain_text("like your picture")
    assert shown_sha256(page)[0] == sha256_of(photo)[:16]

    with page.expect_file_chooser() as chooser:
        page.locator("#picture").click()
    chooser.value.set_files(make_text(tmp_path / "words.jpg"))
    expect(page.locator(".toast-body")).to_contain_text("This is not an image")


def test_query_image_stays_after_its_import(
    full: ServedAlbum, open_page: OpenPage, tmp_path: Path
) -> None:
    photo = make_photo(tmp_path / "both.jpg", "indigo", (50, 50))
    page = open_page(full)
    with page.expect_file_chooser() as chooser:
        page.locator("#picture").click()
    chooser.value.set_files(photo)
    expect(page.locator("#chips .chip")).to_be_visible()
    go_to(page, "Upload")
    before = page.locator("#import-report .report").count()
    send(page, photo)
    expect(page.locator("#import-report .report")).to_have_count(before + 1)
    expect(last_report(page)).to_contain_text("1 added")

    go_to(page, "Search")
    page.locator("#find").click()

    expect(tiles(page).locator(f"img[src*='{sha256_of(photo)[:16]}']")).to_be_visible()
    assert shown_sha256(page)[0] == sha256_of(photo)[:16]
    expect(page.locator(".toast-body")).to_have_count(0)


def test_download_is_original_with_its_name(
    full: ServedAlbum, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(full)
    expect(tiles(page).nth(1)).to_be_visible()
    for number in (0, 1):
        open_tile(page, number)
        expect(page.locator("#results button.thumbnail-item.selected >> nth=0")).to_be_visible()
        identity = shown_sha256(page)[number]
        with page.expect_download() as download:
            page.locator("#download").click()
        original = tmp_path / download.value.suggested_filename
        download.value.save_as(original)
        assert sha256_of(original)[:16] == identity
        expect(page.locator("#photo-facts dd.quiet")).to_contain_text(original.name)
        page.locator("#photo-close").click()
        expect(page.locator("#lightbox")).to_be_hidden()


def test_typed_caption_is_saved_when_photo_changes(full: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(full)
    open_tile(page, 20)
    caption = page.locator("#caption textarea")
    facts = page.locator("#photo-facts dd.quiet")
    first = facts.inner_text()

    caption.fill("typed and not saved")
    page.locator("#photo-next").click()
    expect(facts).not_to_have_text(first)
    expect(caption).to_have_value("")
    caption.fill("another, left by a key")
    page.keyboard.press("Escape")
    expect(page.locator("#lightbox")).to_be_hidden()

    page.reload()
    open_tile(page, 20)
    expect(caption).to_have_value("typed and not saved")
    page.locator("#photo-next").click()
    expect(caption).to_have_value("another, left by a key")


def test_gemini_caption_goes_to_its_photo(
    full: ServedAlbum, open_page: OpenPage, gemini: GeminiServer
) -> None:
    page = open_page(full)
    open_tile(page, 15)
    caption = page.locator("#caption textarea")
    facts = page.locator("#photo-facts dd.quiet")
    first = facts.inner_text()
    gemini.text = "A photo that was asked about"

    page.locator("#ask-gemini").click()
    page.locator("#photo-next").click()
    expect(facts).not_to_have_text(first)
    page.locator("#photo-previous").click()
    expect(facts).to_have_text(first)
    page.locator("#photo-close").click()
    open_tile(page, 16)
    expect(caption).to_have_value("")
    page.locator("#photo-previous").click()
    expect(caption).to_have_value("A photo that was asked about")
