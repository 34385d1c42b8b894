"""Out of the album again in a browser: asked first, told at the end, stopped when one leaves."""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from album.metadata import xmp
from tests.browser.conftest import OpenPage
from tests.browser.test_look import CONTRASTS, HARM, NAMES, VISIBLE_TEXTS
from tests.browser.walking import search, tiles
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

PHOTOS = ("bus.png", "cheetah1.jpg", "lion.jpg", "tower.jpg")
SECTIONS = {"en-US": "Take your words with you", "ko-KR": "설명과 이름표 내보내기"}
MANY = 40_000
THEIRS = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:description><rdf:Alt><rdf:li xml:lang="ko">남의 설명</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>
"""


@pytest.fixture
def album(tmp_path: Path) -> Iterator[ServedAlbum]:
    """Four photos in a folder of the person's own."""
    (tmp_path / "mine").mkdir()
    for name in PHOTOS:
        shutil.copy(SAMPLES / name, tmp_path / "mine")
    with served_album(tmp_path, ALBUM_FOLDERS=str(tmp_path / "mine")) as served:
        yield served


def write(served: ServedAlbum, captions: dict[str, str], label: str = "") -> None:
    """Korean captions, and a label, by file name; as another process would."""
    with closing(sqlite3.connect(served.data_dir / "album.db")) as db, db:
        for name, text in captions.items():
            (photo_id,) = db.execute(
                "SELECT photo_id FROM photos WHERE filename = ?", (name,)
            ).fetchone()
            db.execute(
                "INSERT OR REPLACE INTO captions (photo_id, language, text, prompt_version,"
                " written_at) VALUES (?, 'ko', ?, '', '2026-01-01T00:00:00')",
                (photo_id, text),
            )
            if label:
                db.execute("INSERT INTO labels (photo_id, label) VALUES (?, ?)", (photo_id, label))


def open_export(open_page: OpenPage, served: ServedAlbum, locale: str, **how: object) -> Page:
    page = open_page(served, locale, **how)
    expect(tiles(page)).to_have_count(len(PHOTOS))
    unfold_export(page, locale)
    return page


def unfold_export(page: Page, locale: str = "en-US") -> None:
    """The section below the tabs, by its name in the language of the page."""
    page.get_by_role("button", name=SECTIONS[locale]).click()
    expect(page.locator("#export-plan p").first).to_be_visible()


def pick(page: Page, box: str, value: str) -> None:
    page.locator(f"#{box} input[value={value}]").click()


def test_sidecars_beside_photos_report_failures_with_reasons(
    album: ServedAlbum, open_page: OpenPage, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    page = open_export(open_page, album, "en-US")
    write(album, {name: f"사진 {name}" for name in PHOTOS[:3]}, "여행")
    (mine / "bus.png.xmp").write_text("<broken")
    (mine / "lion.jpg.xmp").write_text(THEIRS)
    (mine / "lion.jpg.xmp").chmod(0o444)
    before = {name: (mine / name).read_bytes() for name in PHOTOS}

    pick(page, "export-where", "beside")
    expect(page.locator("#export-plan")).to_contain_text(
        "Photos: 4. With a caption, a label or stars: 3."
    )
    page.locator("#export-write").click()
    expect(page.locator("#export-question")).to_contain_text("Really write 3 sidecars")
    page.locator("#export-no").click()
    expect(page.locator("#export-form")).to_be_visible()
    assert not (mine / "cheetah1.jpg.xmp").exists()
    page.locator("#export-write").click()
    page.locator("#export-yes").click()

    report = page.locator("#export-report .report")
    expect(report).to_contain_text(
        "New sidecars: 1 · photos with nothing to say: 1 · could not be written: 2"
    )
    rows = report.locator("li")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("bus.png.xmp — The sidecar is damaged")
    expect(rows.last).to_contain_text("lion.jpg.xmp — The sidecar is protected against writing")
    assert xmp.read((mine / "cheetah1.jpg.xmp").read_bytes()).labels == ("여행",)
    assert (mine / "lion.jpg.xmp").read_text() == THEIRS

    (mine / "bus.png.xmp").unlink()
    (mine / "lion.jpg.xmp").chmod(0o644)
    page.locator("#export-write").click()
    page.locator("#export-yes").click()
    expect(report).to_contain_text("New sidecars: 1 · extended: 1 · unchanged: 1")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("another description (ko), which stays")
    page.locator("#export-verify").click()
    read = page.locator("#export-verified .report")
    expect(read).to_contain_text("3 of 4 photos come back")
    expect(read).to_contain_text("“사진 lion.jpg” in the album, nothing read back")

    page.locator("#export-replace input").check()
    expect(page.locator("#export-plan")).to_contain_text("there are replaced")
    page.locator("#export-write").click()
    expect(page.locator("#export-question")).to_contain_text("there are replaced")
    page.locator("#export-yes").click()
    expect(report).to_contain_text("extended: 1 · unchanged: 2")
    expect(rows).to_have_count(0)
    expect(read).to_have_count(0)
    page.locator("#export-verify").click()
    expect(read).to_contain_text("All of it comes back as it is: 4 of 4 photos.")
    assert {name: (mine / name).read_bytes() for name in PHOTOS} == before
    assert not list(mine.glob(".*"))


def test_korean_reader_downloads_a_verifiable_zip(album: ServedAlbum, open_page: OpenPage) -> None:
    page = open_export(open_page, album, "ko-KR")
    write(album, {name: f"사진 {name}" for name in PHOTOS[:3]}, "여행")
    pick(page, "export-which", "label")
    expect(page.locator("#export-plan")).to_contain_text("사진 3장, 그중")
    page.locator("#export-with-photos input").check()
    expect(page.locator("#export-plan")).to_contain_text("사진과 사이드카를 ZIP 하나에")
    page.locator("#export-make-zip").click()

    expect(page.locator("#export-report")).to_contain_text("새 사이드카 3개 · 담은 사진 3장")
    button = page.locator("#export-download")
    expect(button).to_contain_text("ZIP 내려받기 (")
    with page.expect_download() as download:
        button.click()
    assert re.fullmatch(r"photo-album-\d{4}-\d\d-\d\d\.zip", download.value.suggested_filename)
    with zipfile.ZipFile(download.value.path()) as zipped:
        sidecars = {name: zipped.read(f"{name}.xmp") for name in PHOTOS[:3]}
        assert sorted(zipped.namelist()) == sorted([*sidecars, *(f"{it}.xmp" for it in sidecars)])
        for name, packet in sidecars.items():
            assert zipped.read(name) == (SAMPLES / name).read_bytes()
            facts = xmp.read(packet)
            assert (facts.captions, facts.labels) == ({"ko": f"사진 {name}"}, ("여행",))
    page.locator("#export-verify").click()
    expect(page.locator("#export-verified")).to_contain_text(
        "사진 3장 가운데 3장, 모두 그대로 돌아옵니다."
    )
    assert not list((album.data_dir.parent / "mine").glob("*.xmp"))


def test_what_search_found_is_what_is_written(album: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(album)
    expect(tiles(page)).to_have_count(len(PHOTOS))
    write(album, {"lion.jpg": "사자", "bus.png": "버스"}, "여행")
    search(page, "#여행")
    expect(tiles(page)).to_have_count(2)
    unfold_export(page)
    expect(page.locator("#export-plan")).to_contain_text("Photos: 4.")
    pick(page, "export-which", "found")
    expect(page.locator("#export-plan")).to_contain_text("Photos: 2.")
    page.locator("#export-make-zip").click()
    expect(page.locator("#export-report")).to_contain_text("New sidecars: 2")


def test_long_export_blocks_nobody_and_can_be_stopped(
    album: ServedAlbum, open_page: OpenPage
) -> None:
    page, other = open_export(open_page, album, "en-US"), open_page(album)
    expect(tiles(other)).to_have_count(len(PHOTOS))
    with closing(sqlite3.connect(album.data_dir / "album.db")) as db, db:
        # Rows of photos whose files are not there: what is said of them can be exported.
        columns = [row[1] for row in db.execute("PRAGMA table_info(photos)")][1:]
        copied = ", ".join("printf('%064d', n)" if it == "sha256" else it for it in columns)
        db.execute(
            "WITH RECURSIVE many(n) AS"
            f" (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {MANY})"
            f" INSERT INTO photos ({', '.join(columns)}) SELECT {copied} FROM many,"
            " (SELECT * FROM photos ORDER BY photo_id LIMIT 1)"
        )
        db.execute("INSERT INTO labels (photo_id, label) SELECT photo_id, 'many' FROM photos")
    exports = album.temp_dir / "exports"

    page.locator("#export-make-zip").click()
    expect(page.locator("#export-work")).to_contain_text(re.compile(r"\d of 40,\d\d\d"))
    expect(page.locator("#export-work")).to_contain_text("Keep this page open")
    search(other, "2024")  # nobody else has to wait
    expect(other.locator("#heading")).not_to_be_empty()
    expect(page.locator("#export-work")).to_be_visible()
    page.locator("#export-stop").click()
    expect(page.locator("#export-report")).to_contain_text("Photos left when it ended")
    expect(page.locator("#export-download")).to_be_visible()
    (left,) = exports.iterdir()
    assert [it.suffix for it in left.iterdir()] == [".zip"]

    page.locator("#export-make-zip").click()
    expect(page.locator("#export-work")).to_contain_text(re.compile(r"\d of 40,\d\d\d"))
    assert len(list(exports.iterdir())) == 2
    page.close()
    patience = time.monotonic() + 60
    while list(exports.iterdir()) != [left]:
        assert time.monotonic() < patience, list(exports.rglob("*"))
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("locale", "theme", "width", "foreign"),
    [
        ("ko-KR", "dark", 390, "[A-Za-z]{2,}"), ("en-US", "light", 390, "[가-힣]"),
        ("ko-KR", "light", 1280, "[A-Za-z]{2,}"), ("en-US", "dark", 1280, "[가-힣]"),
    ],
)  # fmt: skip
def test_section_fits_in_one_language_without_scripts(
    album: ServedAlbum, open_page: OpenPage, locale: str, theme: str, width: int, foreign: str
) -> None:
    mine = album.data_dir.parent / "mine"
    page = open_export(open_page, album, locale, width=width, color_scheme=theme)
    write(album, {"lion.jpg": HARM, "bus.png": "5"}, "7")
    (mine / "bus.png.xmp").write_text("<broken")
    pick(page, "export-which", "label")
    expect(page.locator("#export-label")).to_be_visible()
    texts: list[str] = []

    def look() -> None:
        assert page.evaluate(CONTRASTS) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        texts.extend(page.evaluate(VISIBLE_TEXTS))

    look()
    pick(page, "export-where", "beside")
    expect(page.locator("#export-write")).to_be_visible()
    look()
    page.locator("#export-write").click()
    expect(page.locator("#export-yes")).to_be_visible()
    look()
    page.locator("#export-yes").click()
    expect(page.locator("#export-report li")).to_have_count(1)
    (mine / "lion.jpg.xmp").unlink()
    page.locator("#export-verify").click()
    expect(page.locator("#export-verified li")).to_have_count(4)
    expect(page.locator("#export-verified")).to_contain_text("<img src=x onerror")
    look()
    pick(page, "export-where", "zip")
    page.locator("#export-make-zip").click()
    expect(page.locator("#export-download")).to_be_visible()
    look()

    assert page.evaluate("window.hacked") is None
    own = re.compile(rf"{NAMES.pattern}|XMP|ZIP|Lightroom|digiKam|darktable|xmp")
    said = [it.replace(HARM, "").replace("한국어", "") for it in texts]
    assert {it for it in said if re.search(foreign, own.sub("", it))} == set()
