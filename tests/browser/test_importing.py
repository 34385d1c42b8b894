"""Imports as people see them: how far they are, paused, gone on with, tried again, kept up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.walking import go_to, last_report, send
from tests.support.images.make import make_empty, make_photo, make_text
from tests.support.served_album import served_album

pytestmark = pytest.mark.browser

PHOTOS = 240
ENGLISH, KOREAN = "Upload", "올리기"
BOTH_FOR_A_WHILE = """async () => {
  const seen = [];
  for (let n = 0; n < 20; n++) {
    const [status, card] = ['#status .prose', '#import-progress .words > span:first-child']
      .map((it) => document.querySelector(it)?.textContent ?? '');
    if (/\\d of/.test(status) && /\\d of/.test(card)) seen.push([status, card]);
    await new Promise((pass) => setTimeout(pass, 50));
  }
  return seen;
}"""


def photos(folder: Path, count: int) -> list[Path]:
    """Photos that are quick to send and slow enough to take in that one can press a button."""
    size = (800, 800)
    return [make_photo(folder / f"{n:03}.png", (n, 9, 9), size) for n in range(count)]


def how_far(page: Page) -> tuple[int, int]:
    """(done, total) as the card of the import says it."""
    words = page.locator("#import-progress .words").inner_text()
    done, total = re.search(r"(\d+) of (\d+)", words).groups()
    return int(done), int(total)


def test_paused_import_survives_reload_and_restart(tmp_path: Path, open_page: OpenPage) -> None:
    files = photos(tmp_path / "in", PHOTOS)
    card = "#import-progress .words"
    with served_album(tmp_path) as album:
        page = open_page(album)
        expect(page.locator("#status")).to_contain_text("No photos yet")
        go_to(page, ENGLISH)
        expect(page.locator("#watched")).to_contain_text("ALBUM_FOLDERS")
        send(page, *files)
        expect(page.locator("#received")).to_have_text(f"{PHOTOS} files received.")
        # At any one moment the status line and the card tell the same.
        expect(page.locator("#status")).to_contain_text("Looking at")
        for status, told in page.evaluate(BOTH_FOR_A_WHILE):
            assert re.findall(r"\d+", status) == re.findall(r"\d+", told)
        page.locator("#pause-import").click()
        expect(page.locator(card)).to_contain_text("paused")
        expect(page.locator("#pause-import")).to_be_hidden()
        done, total = how_far(page)
        assert done < total == PHOTOS
        bar = page.locator("#import-progress [role=progressbar]")
        assert int(bar.get_attribute("aria-valuenow")) == round(100 * done / total)

        page.reload()
        go_to(page, ENGLISH)
        expect(page.locator(card)).to_contain_text("paused")
        assert how_far(page) == (done, total)
        expect(page.locator("#status")).to_contain_text(f"paused at {done} of {PHOTOS}")

    with served_album(tmp_path) as album:
        page, neighbour = open_page(album), open_page(album)
        for it in (page, neighbour):
            go_to(it, ENGLISH)
            expect(it.locator(card)).to_contain_text("paused")
            assert how_far(it) == (done, total)

        page.locator("#resume-import").click()

        for it in (page, neighbour):
            expect(last_report(it)).to_contain_text(f"{PHOTOS} added")
            expect(it.locator("#import")).to_be_hidden()
        assert album.client().predict(api_name="/album_status")["photos"] == PHOTOS


def test_failed_file_shows_reason_and_can_be_retried(tmp_path: Path, open_page: OpenPage) -> None:
    with served_album(tmp_path) as album:
        page = open_page(album, "ko-KR")
        go_to(page, KOREAN)
        send(page, make_photo(tmp_path / "좋은.jpg"), make_text(tmp_path / "일기.jpg"),
             make_empty(tmp_path / "빈.jpg"))  # fmt: skip

        report = last_report(page)
        expect(report).to_contain_text("1장 넣음 · 2장 실패")
        expect(report.locator("li", has_text="일기.jpg")).to_contain_text("그림이 아닙니다")
        expect(report.locator("li", has_text="빈.jpg")).to_contain_text("빈 파일입니다")

        report.get_by_role("button", name="다시 해 보기").click()

        reports = page.locator("#import-report .report")
        expect(reports).to_have_count(2)
        expect(last_report(page)).to_contain_text("0장 넣음 · 2장 실패")
        # They were taken away from the first report: only the second can be tried again.
        expect(reports.get_by_role("button", name="다시 해 보기")).to_have_count(1)


def test_watched_folder_shows_its_count_and_rescans(tmp_path: Path, open_page: OpenPage) -> None:
    folder, gone = tmp_path / "Family", tmp_path / "Old disk"
    folder.mkdir()
    with served_album(tmp_path, ALBUM_FOLDERS=f"{folder}:{gone}") as album:
        page = open_page(album)
        expect(page.locator("#status")).to_contain_text("No photos yet")
        go_to(page, ENGLISH)
        rows = page.locator("#watched li")
        expect(rows.nth(0)).to_contain_text("Family")
        expect(rows.nth(0)).to_contain_text("0 photos")
        expect(rows.nth(1)).to_contain_text("Old disk")
        expect(rows.nth(1)).to_contain_text("not there now: plug its disk in")
        expect(rows.nth(1).get_by_role("button")).to_be_disabled()

        for n in range(3):
            make_photo(folder / f"{n}.jpg", (n, 200, 9))
        for name in ("a.mp4", "b.MOV", "letter.pdf"):
            (folder / name).write_bytes(b"no photo")
        rows.nth(0).get_by_role("button").click()
        expect(rows.nth(0)).to_contain_text("3 photos")
        expect(last_report(page)).to_contain_text("3 added")
        expect(last_report(page)).to_contain_text("Left out: 2 videos, 1 document.")

        # A look that nobody asked for tells of nothing new; one that somebody did answers.
        rows.nth(0).get_by_role("button").press("Enter")
        expect(last_report(page)).to_contain_text("0 added · 3 already here")

        make_photo(folder / "new.jpg", "navy")
        (folder / "0.jpg").unlink()
        rows.nth(0).get_by_role("button").click()
        expect(rows.nth(0)).to_contain_text("4 photos · 1 not there any more")
