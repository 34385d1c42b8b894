"""Nothing of the server in the page: no path in texts, addresses, or answers of any tab."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.walking import go_to, last_report, send, tiles
from tests.support.served_album import ROOT, SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

MINE = "여행 2019"  # a folder of the person's own, whose path may be shown to its owner
TABS = {"en-US": ("Upload", "Classify", "Captions"), "ko-KR": ("올리기", "분류", "설명")}


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("앨범")
    (folder / MINE).mkdir()
    for name in ("lion.jpg", "tower.jpg", "bus.png", "cheetah1.jpg"):
        shutil.copy(SAMPLES / name, folder / MINE)
    with served_album(folder, ALBUM_FOLDERS=str(folder / MINE)) as served:
        yield served


def paths_in(text: str, album: ServedAlbum) -> list[str]:
    """What the text says of the folders of the library, the program and its packages."""
    text = unquote(re.sub(r"\\+u([0-9a-f]{4})", lambda it: chr(int(it[1], 16)), text))
    folders = (album.data_dir, ROOT, SAMPLES.parents[2], Path.home())
    words = "|".join(re.escape(str(folder)) for folder in folders)
    return re.findall(f".{{0,80}}(?:{words}).{{0,80}}", text)


HEAR = """
  window.heard = [];
  const fetched = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await fetched(...asked);
    window.heard.push(answer.url);
    const reader = answer.clone().body?.getReader();
    const decoder = new TextDecoder();
    const read = () => reader?.read().then(({ done, value }) => {
      if (done) return;
      window.heard.push(decoder.decode(value, { stream: true }));
      read();
    }).catch(() => {});
    read();
    return answer;
  };
"""
"""Keep all that scripts of the page are answered, events included."""


@pytest.mark.parametrize(("locale", "width"), [("en-US", 1280), ("ko-KR", 390)])
def test_no_tab_shows_where_the_library_is(
    album: ServedAlbum, open_page: OpenPage, tmp_path: Path, locale: str, width: int
) -> None:
    upload, classify, captions = TABS[locale]
    page = open_page(album, locale, width=width)
    expect(tiles(page).first).to_be_visible()
    page.add_init_script(HEAR)
    page.reload()
    expect(tiles(page).first).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.locator("#picture").click()
    chooser.value.set_files(SAMPLES / "lion.jpg")
    expect(page.locator("#chips img")).to_be_visible()

    go_to(page, upload)
    note = tmp_path / f"not a photo {locale}.jpg"
    note.write_text("no photo")
    send(page, SAMPLES / "tower.jpg", note)
    expect(last_report(page).locator("li")).to_contain_text(note.name)
    go_to(page, classify)
    page.locator("#photo-step > button").click()
    page.locator("#classify-files input[type=file]").set_input_files(SAMPLES / "bus.png")
    expect(page.locator("#classify-files")).to_contain_text("bus")
    go_to(page, captions)
    expect(page.locator("#captions-estimate p").first).to_be_visible()
    page.locator("#take-out > button").click()
    expect(page.locator("#export-plan p").first).to_be_visible()
    page.locator("#export-with-photos input").check()
    page.locator("#export-make-zip").click()
    with page.expect_download() as download:
        page.locator("#export-download").click()
    assert download.value.path().stat().st_size > 1000
    page.locator("#about > button").click()
    expect(page.locator("#about-model")).not_to_be_empty()
    config = page.request.get(f"{album.url}/config").text()
    asked = page.evaluate("performance.getEntriesByType('resource').map(it => it.name).join('\\n')")
    heard = page.evaluate("window.heard.join('')")

    assert "temp-" in heard  # uploads and the download were heard of
    everything = "\n".join((page.content(), config, asked, heard, download.value.url))
    assert paths_in(everything, album) == []
