"""What the page is told of imports: read from the rows, sent once, the same for every browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from album.errors import AlbumError
from album.service import Album
from album.ui.imports.status_view import ImportsView
from album.ui.shared.status_line import AT_WORK_S, IDLE_S, StatusLine
from models.classifiers.factory import DefaultClassifiers
from models.errors import CaptionRefusedError
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder, FakeModelState
from tests.support.images.make import make_photo, make_text


class Browser:
    """One browser: it shows what it was sent, and says so when it asks again."""

    def __init__(self, view: ImportsView) -> None:
        self.view = view
        self.sees: dict[str, Any] = {}
        self.state: str | None = None
        self.seconds: float | None = None

    def look(self) -> set[str]:
        """Ask once; the ids of what came."""
        updates = self.view.changes(self.state, "en")
        came = set()
        for component, value in updates.items():
            if component is self.view.shown:
                self.state = self.state if isinstance(value, dict) else value
            elif isinstance(component, gr.Timer):
                self.seconds = value["value"]
            elif component.elem_id:
                self.sees[component.elem_id] = value
                came.add(component.elem_id)
            elif isinstance(component, gr.HTML):
                self.sees.setdefault("reports", {})[component._id] = value
                came.add("reports")
        return came

    def visible(self) -> set[str]:
        """The buttons and the card, as far as they are to be seen."""
        return {
            name
            for name, value in self.sees.items()
            if isinstance(value, dict) and value.get("visible") is True
        }

    def words(self) -> str:
        """All that is told of imports that are over."""
        return "".join(self.sees["reports"].values())


@pytest.fixture
def view(album: Album) -> Iterator[ImportsView]:
    with gr.Blocks():
        yield ImportsView(album, StatusLine(album, FakeModelState()))


@pytest.fixture
def browser(view: ImportsView) -> Browser:
    return Browser(view)


def at_work(album: Album, import_id: int) -> None:
    """Let an import look as if this process worked on it."""
    album.imports._locks.claimed_ids.add(import_id)
    album.import_store.set_state(import_id, "running")


def running(album: Album, done: int, total: int) -> int:
    """The row of an import at work in another process."""
    import_id = album.import_store.begin("in place", [Path("/photos")])
    at_work(album, import_id)
    album.import_store.set_total(import_id, total, {})
    album.import_store.advance(import_id, {"done": done, "added": done}, "last.jpg", 2.0)
    return import_id


def taken_in(album: Album, *files: Path, folder: bool = False) -> int:
    """An upload of these files that has come to its end."""
    copies = [shutil.copy(file, file.with_name(f"sent-{file.name}")) for file in files]
    import_id = album.upload(
        [(Path(copy), file.name) for copy, file in zip(copies, files, strict=True)],
        whole_folder=folder,
    )
    assert album.imports.wait(import_id, 60)
    return import_id


def test_empty_album_shows_no_import_and_folder_hint(browser: Browser) -> None:
    browser.look()

    assert browser.visible() == set()
    assert browser.words() == ""
    assert "ALBUM_FOLDERS" in browser.sees["watched"]
    assert browser.seconds == IDLE_S


def test_search_is_told_of_the_first_import(
    album: Album, view: ImportsView, tmp_path: Path
) -> None:
    first_import = view._status.first_import
    import_id = running(album, 0, 5)
    assert view.changes(None, "en")[first_import] is True

    album.import_store.set_state(import_id, "paused")
    assert view.changes(None, "en")[first_import] is False

    taken_in(album, make_photo(tmp_path / "a.jpg"))
    running(album, 0, 5)
    assert view.changes(None, "en")[first_import] is False  # the album has photos now


def test_card_follows_imports_of_any_process(album: Album, browser: Browser) -> None:
    import_id = running(album, 812, 5000)

    browser.look()

    assert "812 of 5,000" in browser.sees["import-progress"]
    assert "last.jpg" in browser.sees["import-progress"]
    assert browser.visible() == {"import", "pause-import", "cancel-import"}
    assert browser.seconds == AT_WORK_S

    album.import_store.advance(import_id, {"done": 88}, "next.jpg", 0.2)
    assert "import-progress" in browser.look()
    assert "900 of 5,000" in browser.sees["import-progress"]


def test_status_line_and_card_tell_equal_numbers(album: Album, browser: Browser) -> None:
    """Both come from one reading of the row, in one answer."""
    import_id = running(album, 812, 5000)
    browser.look()
    assert "Looking at 812 of 5,000 photos" in browser.sees["status"]

    album.import_store.advance(import_id, {"done": 88}, "next.jpg", 0.2)
    assert {"status", "import-progress"} <= browser.look()
    assert "Looking at 900 of 5,000 photos" in browser.sees["status"]
    assert "900 of 5,000" in browser.sees["import-progress"]

    album.import_store.set_state(import_id, "paused")
    browser.look()
    assert "paused at 900 of 5,000" in browser.sees["status"]


def test_report_and_status_line_end_together(
    album: Album, browser: Browser, tmp_path: Path
) -> None:
    taken_in(album, *(make_photo(tmp_path / f"{n}.jpg", (40 * n, 9, 9)) for n in range(3)))

    browser.look()

    assert "3 added" in browser.words()
    assert "All 3 photos searchable" in browser.sees["status"]


def test_unchanged_status_is_not_sent_again(album: Album, view: Any) -> None:
    running(album, 1, 10)
    one, two = Browser(view), Browser(view)
    assert one.look() == two.look() != set()

    assert one.look() == set()
    assert Browser(view).look() == set(two.sees)  # a reload begins anew

    one.state = "whatever <script> a crafted request says"
    assert one.look() == set(two.sees)


def test_a_paused_import_offers_to_go_on(album: Album, browser: Browser) -> None:
    import_id = running(album, 3, 10)
    album.import_store.request_state(import_id, "pause")
    browser.look()
    assert browser.visible() == {"import", "cancel-import"}
    assert "pausing" in browser.sees["import-progress"]

    album.import_store.set_state(import_id, "paused")
    browser.look()

    assert browser.visible() == {"import", "resume-import", "cancel-import"}
    assert "paused" in browser.sees["import-progress"]


def test_an_interrupted_import_offers_to_go_on(album: Album, browser: Browser) -> None:
    import_id = running(album, 3, 10)
    album.imports._locks.claimed_ids.discard(import_id)  # as if its process had been killed

    browser.look()

    assert browser.visible() == {"import", "resume-import", "cancel-import"}
    assert "interrupted" in browser.sees["import-progress"]


def test_strip_shows_latest_photos_first(album: Album, browser: Browser, tmp_path: Path) -> None:
    files = [make_photo(tmp_path / f"{n:02}.jpg", (20 * n, 9, 9)) for n in range(11)]
    import_id = taken_in(album, *files)
    at_work(album, import_id)  # as if there were more

    browser.look()

    shown = re.findall(r"photos/(\d+)/thumbnail", browser.sees["import-strip"])
    newest = album.import_store.added_by(import_id)[:8]
    assert shown == list(map(str, newest))
    assert len(newest) == 8
    assert newest == sorted(newest, reverse=True)


def test_ended_import_shows_failures_and_retries_once(
    album: Album, browser: Browser, tmp_path: Path
) -> None:
    first = taken_in(album, make_photo(tmp_path / "good.jpg"), make_text(tmp_path / "bad.jpg"))
    browser.look()
    again = f'data-number="{first}" data-what="retry"'
    assert "1 added</strong> · 1 failed" in browser.words()
    assert "bad.jpg" in browser.words()
    assert again in browser.words()
    assert "import" not in browser.visible()

    second = album.imports.retry(first)
    assert album.imports.wait(second, 60)
    browser.look()

    assert again not in browser.words()
    assert f'data-number="{second}" data-what="retry"' in browser.words()


def test_three_reports_are_open_and_twenty_folded(album: Album, browser: Browser) -> None:
    for _ in range(30):
        album.import_store.set_state(album.import_store.begin("in place", []), "done")

    browser.look()

    opened, _, behind = browser.words().partition("<details>")
    assert re.findall(r'data-import="(\d+)"', opened) == ["30", "29", "28"]
    assert len(re.findall("data-import", behind)) == 20
    assert "Earlier imports (20)" in behind


def test_failed_import_shows_reason_and_resume_button(album: Album, browser: Browser) -> None:
    import_id = running(album, 3, 10)
    album.import_store.set_state(import_id, "failed", problem="The disk is gone.")

    browser.look()

    assert "The disk is gone." in browser.words()
    assert f'data-number="{import_id}" data-what="resume"' in browser.words()


def test_rescan_without_news_is_not_shown(album: Album, browser: Browser) -> None:
    paused = running(album, 3, 10)
    album.import_store.set_state(paused, "paused")
    rescan = album.import_store.begin("rescan", [Path("/photos")])
    at_work(album, rescan)
    album.import_store.set_total(rescan, 5000, {})

    browser.look()
    assert "3 of 10" in browser.sees["import-progress"]
    assert "more to add" not in browser.sees["import-progress"]

    album.import_store.advance(rescan, {"done": 2, "added": 1}, "new.jpg", 0.5)
    browser.look()
    assert "2 of 5,000" in browser.sees["import-progress"]
    assert f'data-import="{paused}"' in browser.words()  # it waits below


def test_those_that_wait_for_their_turn_are_counted(album: Album, browser: Browser) -> None:
    running(album, 3, 10)
    for _ in range(2):
        album.import_store.begin("in place", [Path("/more")])

    browser.look()

    assert "then 2 more to add" in browser.sees["import-progress"]


def test_a_watched_folder_is_told_by_its_name(tmp_path: Path) -> None:
    folder, gone = tmp_path / "Family", tmp_path / "Old disk"
    make_photo(folder / "a.jpg")
    album = Album(
        tmp_path / "data",
        DefaultClassifiers(),
        FakeCaptioner(),
        folders=[folder, gone],
        decoder=DecodeHere(),
    )
    album.active.set_encoder(FakeEncoder(), fill=False)
    with gr.Blocks():
        browser = Browser(ImportsView(album, StatusLine(album, FakeModelState())))
    browser.look()
    assert re.search("Family</strong><small>0 photos", browser.sees["watched"])
    assert re.search("Old disk</strong><small>0 photos<br>.*not there now", browser.sees["watched"])

    assert album.imports.wait(album.rescan(0), 60)
    browser.look()

    assert re.search("Family</strong><small>1 photo<", browser.sees["watched"])
    with pytest.raises(AlbumError, match="not one that the album watches"):
        album.rescan(2)
    album.close()


def test_report_tells_what_became_of_its_captions(
    album: Album, browser: Browser, captioner: FakeCaptioner, tmp_path: Path
) -> None:
    files = [
        (make_photo(tmp_path / "sent" / f"{n}.png", (n * 40, 9, 9)), f"{n}.png") for n in range(3)
    ]
    import_id = album.upload(files, "en")
    album.imports.wait(import_id)
    browser.look()
    assert "Captions appear with the photos" in browser.words()

    captioner.error = CaptionRefusedError("It declined <this> photo.")
    album.captions.drain()
    browser.look()
    assert "3 captions could not be written: It declined &lt;this&gt; photo." in browser.words()
    assert "Captions appear" not in browser.words()

    job = album.captions.progress(1).jobs[0]
    album.captions.retry(job.job_id)
    album.captions.cancel(job.job_id)
    browser.look()
    assert "3 photos stay without a caption." in browser.words()
    captioner.error = None
    album.captions.request(album.import_store.added_by(import_id), ["en"])
    album.captions.drain()
    browser.look()
    assert "caption" not in browser.words()
    assert browser.look() == set()
