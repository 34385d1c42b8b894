"""The Captions tab without a browser: what its listeners answer, on a real library."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from album.domain.captions import CaptionSelection
from album.errors import AlbumError
from album.search.request import SearchRequest
from album.service import Album
from album.ui.captions.job_list import AT_WORK_S, IDLE_S
from album.ui.captions.tab import CaptionsTab
from album.ui.shared.session_state import SearchState
from models.errors import CaptionerUnavailableError, CaptionRefusedError
from tests.support.fakes import FakeCaptioner
from tests.support.images.make import make_photo

ENGLISH: Any = SimpleNamespace(headers={"accept-language": "en"}, query_params={})
KOREAN: Any = SimpleNamespace(headers={"accept-language": "ko"}, query_params={})
COLOURS = ("red", "blue", "green", "yellow")


class Browser:
    """One browser: what stands in the boxes, and what it was shown."""

    def __init__(self, album: Album, request: Any = ENGLISH) -> None:
        self.album = album
        self.request = request
        with gr.Blocks():
            self.found = gr.State(SearchState())
            self.tab = CaptionsTab(album, self.found)
        self.values: dict[Any, Any] = {it: it.value for it in self.tab.choice.inputs}
        self.values[self.found] = SearchState()
        self.properties: dict[str, dict[str, Any]] = {}

    def takes(self, updates: dict[Any, Any]) -> None:
        for component, value in updates.items():
            if isinstance(value, dict) and value.get("__type__") == "update":
                self.properties.setdefault(component.elem_id or "", {}).update(value)
                if "value" in value:
                    self.values[component] = value["value"]
            else:
                self.values[component] = value

    def enters(self) -> None:
        self.takes(self.tab.choice.enter(self.values, self.request))

    def chooses(self, **boxes: Any) -> None:
        """Set boxes by the end of their ids, and let the page answer."""
        for component in self.tab.choice.inputs:
            name = (getattr(component, "elem_id", None) or "").removeprefix("captions-")
            if name in boxes:
                self.values[component] = boxes[name]
        self.takes(self.tab.choice.estimate(self.values, self.request))

    def starts(self) -> None:
        self.takes(self.tab.choice.start(self.values, self.request))

    def says(self, elem_id: str) -> str:
        """What a component shows, without its marks."""
        found = next(it for it in self.values if getattr(it, "elem_id", "") == elem_id)
        return re.sub(r"<[^>]+>", " ", str(self.values[found]))

    @property
    def estimate(self) -> str:
        return self.says("captions-estimate")

    @property
    def may_start(self) -> bool:
        return bool(self.properties["captions-start"]["interactive"])

    def looks(self, shown: str | None = None) -> dict[Any, Any]:
        updates = self.tab.jobs.look(shown, self.request)
        self.takes(updates)
        return updates

    def presses(self, what: Any, number: Any) -> None:
        event: Any = SimpleNamespace(index=number, value=what)
        self.takes(self.tab.jobs.on_button(None, event, self.request))

    @property
    def jobs(self) -> str:
        return self.says("caption-list")


@pytest.fixture
def photo_ids(album: Album, tmp_path: Path) -> list[int]:
    photos = [make_photo(tmp_path / "in" / f"{it}.png", it) for it in COLOURS]
    import_id = album.imports.start(photos)
    album.imports.wait(import_id)
    return album.import_store.added_by(import_id)


@pytest.fixture
def browser(album: Album, photo_ids: list[int]) -> Browser:
    it = Browser(album)
    it.enters()
    return it


def test_estimate_precedes_sending(browser: Browser, captioner: FakeCaptioner) -> None:
    assert "4 photos get a caption." in browser.estimate
    assert "at 10 a minute at the most" in browser.estimate
    assert re.search(r"About \d+,000 tokens", browser.estimate)
    assert "4 JPEGs of at most 1,024 px, without EXIF, place or name. Nothing else" in (
        browser.estimate
    )
    assert browser.properties["captions-start"]["value"] == "Write 4 captions"
    assert captioner.calls == []


def test_local_captioner_estimate_says_nothing_is_sent(
    album: Album, photo_ids: list[int], captioner: FakeCaptioner
) -> None:
    captioner.sends = False
    browser = Browser(album)
    browser.enters()

    assert "on this machine writes them. Nothing is sent anywhere." in browser.estimate
    assert "token" not in browser.estimate
    assert "Google" not in browser.estimate


def test_missing_key_blocks_start_and_is_explained(
    album: Album, photo_ids: list[int], captioner: FakeCaptioner
) -> None:
    captioner.missing = CaptionerUnavailableError(
        "Captions by Gemini need a key: get one at https://aistudio.google.com/apikey, set "
        "GEMINI_API_KEY to it and start the album again."
    )
    browser = Browser(album, KOREAN)
    browser.enters()

    assert "Gemini 설명에는 키가 필요합니다" in browser.estimate
    assert not browser.may_start
    browser.starts()
    assert "Gemini 설명에는 키가 필요합니다" in browser.estimate
    assert album.captions.progress().jobs == ()


def test_job_covers_exactly_the_announced_photos(
    browser: Browser, album: Album, captioner: FakeCaptioner, photo_ids: list[int]
) -> None:
    browser.chooses(language="ko,en")
    browser.starts()

    (job,) = album.captions.progress().jobs
    assert (job.total, job.languages) == (4, ("ko", "en"))
    assert "has a caption, or waits for one" in browser.estimate
    assert not browser.may_start
    album.captions.drain()
    assert len(captioner.calls) == 8  # two languages each, in one request
    assert all(len(album.captions.captions_by_language(it)) == 2 for it in photo_ids)


def test_changed_choice_is_announced_again_before_start(
    browser: Browser, album: Album, photo_ids: list[int]
) -> None:
    album.labels.set_by_person(photo_ids[0], ["family"])
    which = browser.tab.choice.which
    browser.values[which] = "found"  # its answer has not come yet

    browser.starts()

    assert album.captions.progress().jobs == ()
    browser.starts()
    assert len(album.captions.progress().jobs) == 1


def test_photos_imported_after_announcement_are_not_sent(
    browser: Browser, album: Album, photo_ids: list[int], tmp_path: Path
) -> None:
    album.imports.wait(album.imports.start([make_photo(tmp_path / "new.png", "black")]))

    browser.starts()

    (job,) = album.captions.progress().jobs
    assert job.total == 4
    assert "1 photo gets a caption." in browser.estimate


def test_a_double_click_begins_one_job(
    browser: Browser, album: Album, photo_ids: list[int]
) -> None:
    album.captions.start_job(CaptionSelection(lacking=True), ["en"])
    album.captions.drain()
    browser.chooses(which="by_model", model="fake-captioner")

    browser.starts()
    album.captions.drain()  # the first answers come soon
    browser.starts()

    assert len(album.captions.progress().jobs) == 2
    assert browser.may_start  # as it is told now


def test_search_selection_covers_all_pages(
    browser: Browser, album: Album, photo_ids: list[int]
) -> None:
    browser.values[browser.found] = SearchState(SearchRequest("red.png"))
    browser.chooses(which="found")
    assert "1 photo gets a caption." in browser.estimate

    browser.values[browser.found] = SearchState(replace(SearchRequest(), rest=True), page=3)
    browser.chooses(which="found")
    assert "4 photos get a caption." in browser.estimate


def test_captioned_photos_repeat_only_on_request(
    browser: Browser, album: Album, photo_ids: list[int]
) -> None:
    album.captions.ask_now(photo_ids[0], "en")
    album.captions.write(photo_ids[1], "ours")

    browser.chooses(which="found")
    assert "2 photos get a caption." in browser.estimate
    browser.chooses(again=True)
    assert "3 photos get a caption." in browser.estimate
    assert "1 is left alone: you wrote its caption." in browser.estimate


def test_selection_by_label_and_by_model(
    browser: Browser, album: Album, photo_ids: list[int]
) -> None:
    album.labels.set_by_person(photo_ids[2], ["가족"])
    album.captions.ask_now(photo_ids[0], "en")

    browser.chooses(which="label")
    assert "Choose a label first." in browser.estimate
    assert not browser.may_start
    browser.enters()
    assert ("가족", "가족") in browser.properties["captions-label"]["choices"]
    browser.chooses(label="가족")
    assert "1 photo gets a caption." in browser.estimate

    browser.chooses(which="by_model", model=None)
    assert "Choose a model first." in browser.estimate
    browser.chooses(model="fake-captioner")
    assert "1 photo gets a caption." in browser.estimate
    assert browser.may_start


def test_job_list_shows_progress_and_failure_reasons(
    browser: Browser, album: Album, captioner: FakeCaptioner, photo_ids: list[int]
) -> None:
    browser.looks()
    assert browser.properties["caption-jobs"]["visible"] is False
    captioner.error = CaptionRefusedError("Gemini declined this photo (SAFETY).")
    browser.starts()

    browser.looks()
    assert "0 of 4" in browser.jobs
    assert browser.tab.jobs._timer in browser.values
    assert browser.values[browser.tab.jobs._timer] == AT_WORK_S
    album.captions.drain()
    browser.looks()

    assert "4 of 4" in browser.jobs
    assert "4 failed" in browser.jobs
    assert "red.png — Gemini declined this photo (SAFETY)." in browser.jobs
    assert browser.values[browser.tab.jobs._timer] == IDLE_S
    korean = Browser(album, KOREAN)
    korean.looks()
    assert "red.png — Gemini가 이 사진의 설명을 사양했습니다(SAFETY)." in korean.jobs


def test_job_buttons_pause_resume_retry_and_cancel(
    browser: Browser, album: Album, captioner: FakeCaptioner
) -> None:
    browser.starts()
    job_id = album.captions.progress().jobs[0].job_id

    browser.presses("pause", job_id)
    assert "paused" in browser.jobs
    assert album.captions.drain() == 0
    browser.presses("go_on", job_id)
    captioner.error = CaptionRefusedError("Gemini declined this photo (SAFETY).")
    album.captions.drain()
    captioner.error = None
    browser.presses("try_again", job_id)
    assert album.captions.drain() == 4
    browser.looks()
    assert "4 captions written" in browser.jobs
    assert "done" in browser.jobs

    for what, number in (("pause", -1), ("cancel", 10**12), ("go_on", "1"), ("rm", job_id)):
        browser.presses(what, number)
    browser.presses("cancel", 99)
    assert album.captions.job(job_id).state == "done"


def test_cancelled_job_does_not_look_complete(
    browser: Browser, album: Album, photo_ids: list[int]
) -> None:
    job_id = album.captions.start_job(CaptionSelection(lacking=True), ["en"])
    album.captions.drain(lambda photo_id: album.captions.cancel(job_id))

    browser.looks()

    assert re.search(r"1 of 4\s+cancelled", browser.jobs)


def test_unchanged_job_list_is_not_sent_again(browser: Browser, album: Album) -> None:
    browser.starts()
    browser.looks()
    shown = browser.values[browser.tab.jobs.shown]

    assert list(browser.tab.jobs.look(shown, ENGLISH)) == [browser.tab.jobs.shown]
    album.captions.drain()
    assert len(browser.tab.jobs.look(shown, ENGLISH)) > 1


def test_exhausted_quota_is_shown_with_resume_time(
    browser: Browser, album: Album, captioner: FakeCaptioner
) -> None:
    error = CaptionerUnavailableError(
        "Gemini's quota for this key is used up: try again in 7200 seconds."
    )
    error.retry_after_s, error.is_quota = 7200, True
    captioner.error = error
    browser.starts()
    album.captions.drain()

    browser.looks()

    assert re.search(r"goes on (on \d{4}-\d\d-\d\d )?at \d\d:\d\d", browser.jobs)
    assert "quota for this key is used up" in browser.jobs
    assert "0 of 4" in browser.jobs


def test_names_and_reasons_are_text_and_never_markup(
    album: Album, tmp_path: Path, captioner: FakeCaptioner
) -> None:
    harm = "<img src=x onerror=hacked>.png"
    album.imports.wait(album.imports.start([make_photo(tmp_path / "in" / harm, "red")]))
    captioner.error = CaptionRefusedError("no <b>such</b> photo")
    captioner.model_id = "<i>model</i>"
    browser = Browser(album)
    browser.enters()
    drawn = str(browser.values[browser.tab.choice._estimate])
    browser.starts()
    album.captions.drain()
    browser.looks()
    drawn += str(browser.values[browser.tab.jobs.list])

    assert "<i>" not in drawn
    assert "<b>" not in drawn
    assert "<img src=x" not in drawn
    assert "&lt;img src=x onerror=hacked&gt;.png" in drawn


def test_a_search_that_finds_nothing_offers_no_job(browser: Browser, album: Album) -> None:
    browser.values[browser.found] = SearchState(SearchRequest("2001"))

    browser.chooses(which="found")

    assert "Search found no photo that matches." in browser.estimate
    assert not browser.may_start
    with pytest.raises(AlbumError):
        album.captions.start_job(CaptionSelection(()), ["en"])
