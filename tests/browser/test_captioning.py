"""Captions by a captioner, as a person has them written: told first, then watched, then read."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.walking import go_to, open_questions, open_tile, search, tiles
from tests.support.gemini_server import (
    Answer,
    GeminiServer,
    Request,
    blocks,
    describes,
    let_go,
    most_within,
    says,
    slowly,
)
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

PHOTOS = ("cheetah1.jpg", "lion.jpg", "bus.png", "tower.jpg")
SAID = {
    "caption_ko": "바위 위에서 쉬는 큰 고양이.",
    "caption_en": "A big cat rests on a rock.",
    "keywords": ["휴식", "rest"],
    "text_in_photo": "해운대 분식\nOPEN",
}
WORDS = {
    "en-US": {
        "tab": "Captions", "search": "Search", "count": "4 photos get a caption.",
        "sent": "4 JPEGs of at most 1,024 px, without EXIF", "start": "Write 4 captions",
        "done": "3 captions written · 1 failed", "refused": "Gemini declined this photo (SAFETY).",
        "pause": "Pause", "paused": "paused", "go_on": "Resume", "retry": "Try these again",
        "all": "4 captions written", "one": "Write 1 caption",
        "caption": SAID["caption_en"], "other": SAID["caption_ko"],
    },
    "ko-KR": {
        "tab": "설명", "search": "찾기", "count": "사진 4장에 설명을 씁니다.",
        "sent": "1,024px 이하의 JPEG 4장", "start": "설명 4개 쓰기",
        "done": "설명 3개 씀 · 1장 실패",
        "refused": "Gemini가 이 사진의 설명을 사양했습니다(SAFETY).",
        "pause": "잠시 멈춤", "paused": "잠시 멈춤", "go_on": "이어서 하기",
        "retry": "다시 해 보기",
        "all": "설명 4개 씀", "one": "설명 1개 쓰기",
        "caption": SAID["caption_ko"], "other": SAID["caption_en"],
    },
}  # fmt: skip
KEY = "AIzaNoKeyOfAnybody-0123456789-wxyz"


@pytest.fixture
def gemini() -> Iterator[GeminiServer]:
    """Refuses the first photo that comes, once; takes a moment for each."""
    with GeminiServer() as server:

        def respond(request: Request, earlier: int) -> Answer:
            if request.schema is None:
                return says("It looks at the camera." if len(request.turns) == 1 else "A cheetah.")
            if len(server.sent) == 1 and not earlier:
                return blocks("SAFETY")
            fields = request.schema["properties"]
            return slowly(describes(**{it: SAID[it] for it in fields}), 0.3)

        server.respond = respond
        yield server


@pytest.fixture
def album(tmp_path: Path, gemini: GeminiServer) -> Iterator[ServedAlbum]:
    (tmp_path / "photos").mkdir()
    for name in PHOTOS:
        shutil.copy(SAMPLES / name, tmp_path / "photos")
    with served_album(
        tmp_path,
        ALBUM_FOLDERS=str(tmp_path / "photos"),
        GEMINI_API_KEY=KEY,
        ALBUM_GEMINI_ENDPOINT=gemini.url,
        ALBUM_CAPTIONS_PER_MINUTE="60",
    ) as served:
        yield served


def full(page: Page) -> Page:
    expect(tiles(page)).to_have_count(len(PHOTOS))
    return page


def enter(page: Page, tab: str) -> None:
    go_to(page, tab)
    expect(page.locator("#captions-estimate p").first).to_be_visible()


@pytest.mark.parametrize("locale", WORDS)
def test_captions_are_announced_written_found_and_retried(
    album: ServedAlbum, gemini: GeminiServer, open_page: OpenPage, locale: str
) -> None:
    words = WORDS[locale]
    page = full(open_page(album, locale))

    enter(page, words["tab"])
    expect(page.locator("#captions-estimate")).to_contain_text(words["count"])
    expect(page.locator("#captions-estimate")).to_contain_text(words["sent"])
    expect(page.locator("#caption-jobs")).to_be_hidden()
    assert gemini.requests == []
    page.locator("#captions-language input").last.click()  # both
    page.get_by_role("button", name=words["start"]).click()

    job = page.locator("#caption-list article").first
    expect(job).to_contain_text(words["done"])
    expect(page.locator("#captions-start")).to_have_text(words["one"])  # that which failed
    expect(page.locator("#captions-tab #export-plan")).to_have_count(0)  # it has its own place
    assert len(gemini.requests) == len(PHOTOS)
    assert all(max(it.size) <= 1024 and not it.metadata for it in gemini.requests)
    job.locator("summary").click()
    expect(job.locator("li")).to_contain_text(words["refused"])
    refused = (job.locator("li").inner_text()).split(" — ")[0]
    job.locator("button.open").click()  # the photo itself, to write a caption by hand
    expect(page.locator("#photo-facts dd.quiet")).to_contain_text(refused)
    expect(page.locator("#caption-note")).to_have_text(words["refused"])
    page.locator("#photo-close").click()

    enter(page, words["tab"])
    page.get_by_role("button", name=words["retry"]).click()
    expect(page.locator("#caption-list article").first).to_contain_text(words["all"])

    go_to(page, words["search"])
    search(page, '"해운대 분식"')  # what is to be read in the photos
    expect(tiles(page)).to_have_count(len(PHOTOS))
    open_tile(page, 0)
    expect(page.locator("#caption textarea")).to_have_value(words["caption"])
    expect(page.locator("#caption-more .other")).to_contain_text(words["other"])
    expect(page.locator("#caption-more .read q")).to_have_text("해운대 분식\nOPEN")


def test_paused_job_survives_the_browser_and_resumes(
    album: ServedAlbum, gemini: GeminiServer, open_page: OpenPage
) -> None:
    words = WORDS["en-US"]
    answer, permits = gemini.respond, threading.Semaphore(0)
    gemini.respond = lambda request, earlier: let_go(answer(request, earlier), permits)
    page = full(open_page(album))
    enter(page, words["tab"])
    page.get_by_role("button", name=words["start"]).click()
    page.get_by_role("button", name=words["pause"]).click()
    expect(page.locator("#caption-list .progress.still")).to_be_visible()
    page.close()
    permits.release(2 * len(PHOTOS))

    other = full(open_page(album))
    enter(other, words["tab"])
    expect(other.locator("#caption-list")).to_contain_text(words["paused"])
    other.wait_for_timeout(3000)
    sent = len(gemini.requests)
    assert sent < len(PHOTOS)
    other.wait_for_timeout(1500)
    assert len(gemini.requests) == sent
    other.get_by_role("button", name=words["go_on"]).click()

    expect(other.locator("#caption-list article").first).to_contain_text(words["done"])
    assert most_within([it.arrived for it in gemini.requests], 60) <= 60
    assert not gemini.after_success.total()


def test_search_results_can_be_captioned_by_button(
    album: ServedAlbum, gemini: GeminiServer, open_page: OpenPage
) -> None:
    page = full(open_page(album))
    search(page, '"lion.jpg"')
    expect(tiles(page)).to_have_count(1)

    page.locator("#caption-these").click()

    expect(page.locator("#captions-start")).to_have_text("Write 1 caption")
    expect(page.locator("#captions-which input[value=found]")).to_be_checked()
    page.locator("#captions-which input[value=lacking]").click()
    expect(page.locator("#captions-start")).to_have_text("Write 4 captions")
    assert gemini.requests == []


def test_chat_is_not_persisted_until_saved_as_caption(
    album: ServedAlbum, gemini: GeminiServer, open_page: OpenPage
) -> None:
    page = full(open_page(album))
    open_tile(page, 0)
    open_questions(page)
    box, log = page.locator("#question textarea"), page.locator("#conversation")
    box.fill("Where does it look?")
    box.press("Enter")
    expect(log).to_contain_text("It looks at the camera.")
    expect(box).to_have_value("")
    box.fill("What is it?")
    page.locator("#ask-question").click()
    expect(log.locator("li")).to_have_count(4)

    first, second = gemini.requests
    assert [role for role, _ in second.turns] == ["user", "model", "user"]
    assert second.turns[0][1] == ["photo", "Where does it look?"]
    assert second.turns[2][1] == ["What is it?"]
    assert first.jpeg == second.jpeg
    assert not first.metadata

    facts = page.locator("#photo-facts dd.quiet")
    name = facts.inner_text()
    page.locator("#photo-next").click()
    expect(facts).not_to_have_text(name)
    expect(log).to_be_hidden()
    page.locator("#photo-previous").click()
    expect(facts).to_have_text(name)
    expect(log).to_be_hidden()  # gone, not hidden: nothing of it was kept
    expect(page.locator("#caption textarea")).to_have_value("")
    box.fill("Again?")
    box.press("Enter")
    log.locator("button").click()
    expect(page.locator("#caption textarea")).to_have_value("It looks at the camera.")
    page.reload()
    expect(page.locator("#caption textarea")).to_have_value("It looks at the camera.")
    expect(page.locator("#caption-note")).to_have_text("Written by you; nothing writes over it.")


def test_unanswered_question_returns_to_its_box(
    album: ServedAlbum, gemini: GeminiServer, open_page: OpenPage
) -> None:
    gemini.respond = lambda request, earlier: blocks("SAFETY")
    page = full(open_page(album, "ko-KR"))
    open_tile(page, 0)
    open_questions(page)
    page.locator("#question textarea").fill("이게 뭐예요?")
    page.locator("#ask-question").click()

    expect(page.locator("#conversation li")).to_have_count(1)
    expect(page.locator("#conversation li.problem")).to_contain_text(
        "이 질문에 답하기를 사양했습니다(SAFETY)"
    )
    expect(page.locator("#question textarea")).to_have_value("이게 뭐예요?")
    expect(page.locator(".toast-body")).to_have_count(0)


def test_an_earlier_caption_comes_back_by_its_button(
    album: ServedAlbum, open_page: OpenPage
) -> None:
    page = full(open_page(album))
    open_tile(page, 0)
    for text in ("our first", "our second"):
        page.locator("#caption textarea").fill(text)
        page.locator("#save-caption").click()
        expect(page.locator("#caption-note")).to_have_text("Saved.")
    page.locator("#caption-more summary").click()
    page.get_by_role("button", name="Use this again").press("Enter")

    expect(page.locator("#caption textarea")).to_have_value("our first")
    note = page.locator("#caption-note")
    expect(note).to_have_text("Saved instead of “our second”.")
    expect(note).to_have_attribute("aria-live", "polite")  # heard as well as seen
    expect(page.locator("#save-caption")).to_be_focused()


def test_words_of_a_person_stay_whatever_arrives_meanwhile(
    album: ServedAlbum, gemini: GeminiServer, open_page: OpenPage
) -> None:
    permits = threading.Semaphore(0)
    gemini.respond = lambda request, earlier: let_go(describes(**SAID), permits)
    page = full(open_page(album))
    box, note = page.locator("#caption textarea"), page.locator("#caption-note")
    open_tile(page, 0)
    page.locator("#ask-gemini").click()
    box.press_sequentially("our cat")
    permits.release()
    expect(note).to_contain_text("by gemini")
    expect(box).to_have_value("our cat")
    page.locator("#photo-next").click()
    expect(box).to_have_value("")

    # Each photo can be asked about while others are being looked at.
    page.locator("#ask-gemini").click()
    expect(note).to_have_text("Gemini is looking at it…")
    page.locator("#photo-next").click()
    expect(note).to_have_text("")
    page.locator("#ask-gemini").click()
    expect(note).to_have_text("Gemini is looking at it…")
    permits.release(2)
    expect(box).to_have_value(SAID["caption_en"])
    assert len(gemini.requests) == 3

    # A box that is passed with the keyboard takes nothing away that a job writes.
    page.locator("#photo-next").click()
    expect(box).to_have_value("")
    other = full(open_page(album))
    enter(other, "Captions")
    permits.release()
    other.get_by_role("button", name="Write 1 caption").click()
    expect(other.locator("#caption-list")).to_contain_text("1 caption written")
    box.focus()
    page.keyboard.press("Tab")
    page.locator("#photo-previous").click()
    expect(box).to_have_value(SAID["caption_en"])
    page.locator("#photo-next").click()
    expect(box).to_have_value(SAID["caption_en"])
    page.reload()
    full(page)
    for _ in range(len(PHOTOS) - 1):  # its address opened the last one
        page.locator("#photo-previous").click()
    expect(box).to_have_value("our cat")
    expect(note).to_contain_text("Written by you")


def test_page_names_captioner_and_masks_the_key(album: ServedAlbum, open_page: OpenPage) -> None:
    page = full(open_page(album))
    page.locator("#about > button").click()

    expect(page.locator("#about-model")).to_contain_text(
        "gemini-3.5-flash-lite, with the key …wxyz"
    )
    expect(page.locator("#about")).to_contain_text("by Gemini, a service of Google")
    config = page.request.get(f"{album.url}/config").text()
    everything = page.content() + config + album.said()
    assert KEY[-5:] not in everything
    assert re.search(KEY[:12], everything) is None
