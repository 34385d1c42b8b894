"""The words of the open photo, without a browser: its caption, what was before, questions."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from album.captioning.captions import MOST_TURNS
from album.domain.captions import CaptionSelection
from album.service import Album
from album.storage.captions import CaptionStore
from album.ui.photo.caption_editor import CaptionEditor
from album.ui.photo.chat import Conversation, PhotoChat
from models.errors import CaptionerUnavailableError, setting_needed
from models.interfaces import CaptionResult, Turn
from tests.support.fakes import FakeCaptioner
from tests.support.images.make import make_photo

ENGLISH: Any = SimpleNamespace(headers={"accept-language": "en"}, query_params={})
KOREAN: Any = SimpleNamespace(headers={"accept-language": "ko"}, query_params={})
HARM = "<img src=x onerror=hacked>"


@pytest.fixture
def photo_id(album: Album, tmp_path: Path) -> int:
    import_id = album.imports.start([make_photo(tmp_path / "in" / "red.png", "red")])
    album.imports.wait(import_id)
    return album.import_store.added_by(import_id)[0]


@pytest.fixture
def box(album: Album, photo_id: int) -> CaptionEditor:
    with gr.Blocks():
        return CaptionEditor(album)


@pytest.fixture
def questions(album: Album, photo_id: int) -> PhotoChat:
    with gr.Blocks():
        return PhotoChat(album)


def shown(updates: dict[Any, Any]) -> dict[str, str]:
    """What stands on the page by id, without marks."""
    return {
        it.elem_id: re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", str(value))).strip()
        for it, value in updates.items()
        if getattr(it, "elem_id", None) and isinstance(value, str)
    }


def pressed(history_id: object) -> Any:
    return SimpleNamespace(index=history_id, value="again")


def test_caption_note_names_author_time_language_and_prompt(
    album: Album, box: CaptionEditor, captioner: FakeCaptioner, photo_id: int
) -> None:
    captioner.keywords, captioner.text_in_photo = ("cat", "고양이"), "CAFE\n영업 중"
    album.captions.request([photo_id], ["ko", "en"])
    album.captions.drain()

    page = shown(box.show(photo_id, "en"))

    assert page["caption"] == captioner.says
    told = r"by fake-captioner, \d{4}-\d\d-\d\d \d\d:\d\d · English · instructions fake-prompt"
    assert re.fullmatch(told, page["caption-note"])
    assert re.search(r"A photo\. by fake-captioner, .* · Korean ·", page["caption-more"])
    assert "To be read in it CAFE 영업 중" in page["caption-more"]
    assert "Keywords cat, 고양이" in page["caption-more"]


def test_hand_written_caption_is_protected_and_keeps_history(
    album: Album, box: CaptionEditor, photo_id: int
) -> None:
    album.captions.ask_now(photo_id, "en")

    page = shown(box.save(photo_id, "our garden", "A photo.", ENGLISH))

    assert page["caption-note"] == "Saved."
    assert "Earlier captions (1) A photo." in page["caption-more"]
    page = shown(box.show(photo_id, "ko"))
    assert page["caption"] == "our garden"
    assert page["caption-note"] == "직접 쓴 설명이라 아무도 덮어쓰지 않습니다."


def test_unchanged_box_overwrites_no_newer_caption(
    album: Album, box: CaptionEditor, photo_id: int
) -> None:
    album.captions.ask_now(photo_id, "en")  # while the panel is open, with an empty box
    box.save_quietly(photo_id, "", "", ENGLISH)
    assert album.captions.get(photo_id).text == "A photo."  # type: ignore[union-attr]

    album.captions.write(photo_id, "ours, in another browser")
    box.save_quietly(photo_id, "A photo.", "A photo.", ENGLISH)
    page = shown(box.save(photo_id, "A photo.", "A photo.", ENGLISH))

    assert album.captions.get(photo_id).text == "ours, in another browser"  # type: ignore[union-attr]
    assert "A photo." in page["caption-more"]
    box.save_quietly(photo_id, " mine ", "A photo.", ENGLISH)
    assert album.captions.get(photo_id).text == "mine"  # type: ignore[union-attr]


def test_answer_keeps_text_being_typed(album: Album, box: CaptionEditor, photo_id: int) -> None:
    (asked, _), *_ = box.request_caption(photo_id, "", ENGLISH)

    page = box.show_answer(asked, photo_id, "our cat on", ENGLISH)
    assert "caption" not in shown(page)
    assert shown(page)["caption-note"].startswith("by fake-captioner")
    assert shown(box.show_answer(asked, photo_id, "", ENGLISH))["caption"] == "A photo."
    box.save_quietly(photo_id, "our cat on the roof", "", ENGLISH)
    assert album.captions.get(photo_id).by_hand  # type: ignore[union-attr]


def test_late_caption_is_not_shown_on_another_photo(
    album: Album, box: CaptionEditor, photo_id: int, tmp_path: Path
) -> None:
    import_id = album.imports.start([make_photo(tmp_path / "in" / "blue.png", "blue")])
    album.imports.wait(import_id)
    (other,) = album.import_store.added_by(import_id)
    (asked, _), *_ = box.request_caption(photo_id, "", ENGLISH)

    page = shown(box.show_answer(asked, other, "", ENGLISH))

    assert "caption" not in page
    assert page["caption-note"] == ""  # and not for ever that it is being looked at
    assert album.captions.get(other) is None


def test_caption_in_another_language_can_be_edited(
    album: Album, box: CaptionEditor, captioner: FakeCaptioner, photo_id: int
) -> None:
    said = CaptionResult({"ko": "바위 위의 고양이", "en": "A cat on a rock"})
    captioner.describe = lambda jpeg, languages: said  # type: ignore[method-assign]
    album.captions.request([photo_id], ["ko", "en"])
    album.captions.drain()

    page = shown(box.save(photo_id, "A cat on a rock", "바위 위의 고양이", KOREAN))

    assert "바위 위의 고양이" in page["caption-more"]  # among the earlier ones
    for language in ("ko", "en"):
        caption = album.captions.get(photo_id, language)
        assert caption is not None
        assert (caption.text, caption.by_hand) == ("A cat on a rock", True)


def test_restored_caption_moves_current_one_to_history(
    album: Album, box: CaptionEditor, photo_id: int
) -> None:
    for text in ("first", "second", "third"):
        album.captions.write(photo_id, text)

    first = album.captions.history(photo_id)[1].history_id
    page = shown(box.restore(photo_id, "third", pressed(first), ENGLISH))

    assert page["caption"] == "first"
    assert "Saved instead of “third”." in page["caption-note"]
    assert [it.caption.text for it in album.captions.history(photo_id)][:2] == ["third", "second"]
    for place in (-1, 10**30, "1", None):
        box.restore(photo_id, "", pressed(place), ENGLISH)
    assert album.captions.get(photo_id).text == "first"  # type: ignore[union-attr]


def test_restoring_caption_saves_unsaved_box_to_history(
    album: Album, box: CaptionEditor, photo_id: int
) -> None:
    album.captions.write(photo_id, "first")
    album.captions.write(photo_id, "second")

    (first,) = album.captions.history(photo_id)
    box.restore(photo_id, "typed and not saved", pressed(first.history_id), ENGLISH)

    assert album.captions.get(photo_id).text == "first"  # type: ignore[union-attr]
    kept = [it.caption.text for it in album.captions.history(photo_id)]
    assert "typed and not saved" in kept


def test_caption_note_shows_failure_when_none(
    album: Album, box: CaptionEditor, captioner: FakeCaptioner, photo_id: int
) -> None:
    captioner.error = CaptionerUnavailableError(
        "Gemini cannot be reached: check the network and try again."
    )
    album.captions.request([photo_id], ["en"])
    album.captions.drain()

    assert "Gemini에 연결할 수 없습니다" in shown(box.show(photo_id, "ko"))["caption-note"]


def test_what_models_say_is_text_and_never_markup(
    album: Album, box: CaptionEditor, captioner: FakeCaptioner, photo_id: int
) -> None:
    captioner.says = captioner.text_in_photo = HARM
    captioner.keywords, captioner.model_id = (HARM,), HARM
    album.captions.request([photo_id], ["ko", "en"])
    album.captions.drain()
    updates = box.show(photo_id, "en")
    album.captions.write(photo_id, "mine")
    again = box.show(photo_id, "en")

    drawn = "".join(
        str(value) for it, value in (*updates.items(), *again.items()) if isinstance(it, gr.HTML)
    )
    assert "onerror" in drawn
    assert "<img" not in drawn


def ask(questions: PhotoChat, photo_id: int, said: Conversation | None, text: str) -> Any:
    """The steps of a question: what each shows."""
    return list(questions.ask(photo_id, said, text, ENGLISH))


def test_a_conversation_goes_on_and_is_stored_nowhere(
    album: Album, questions: PhotoChat, captioner: FakeCaptioner, photo_id: int
) -> None:
    captioner.says = "A red square."
    waiting, answered = ask(questions, photo_id, None, " What is it? ")
    assert "What is it? Gemini is thinking…" in shown(waiting)["conversation"]
    said = answered[questions._latest]
    assert said.turns == (Turn("person", "What is it?"), Turn("model", "A red square."))

    updates = questions.show(said, photo_id, ENGLISH)
    assert "A red square. Keep as the caption" in shown(updates)["conversation"]
    ask(questions, photo_id, updates[questions._conversation], "Which red?")

    assert [len(turns) for _, turns, _ in captioner.asked] == [1, 3]
    assert album.captions.captions_by_language(photo_id) == {}
    assert album.captions.history(photo_id) == []
    assert album.caption_store.read_text(photo_id) == ""


def test_chat_answer_is_not_shown_on_another_photo(questions: PhotoChat, photo_id: int) -> None:
    _, answered = ask(questions, photo_id, None, "What is it?")

    updates = questions.show(answered[questions._latest], photo_id + 1, ENGLISH)

    assert shown(updates) == {}
    assert updates[questions._conversation] == gr.skip()


def test_chat_starts_anew_for_another_photo(
    questions: PhotoChat, captioner: FakeCaptioner, photo_id: int
) -> None:
    old = Conversation(photo_id + 1, (Turn("person", "old"), Turn("model", "old")))

    ask(questions, photo_id, old, "new")

    ((_, turns, _),) = captioner.asked
    assert turns == (Turn("person", "new"),)


def test_unanswered_question_returns_to_box(
    questions: PhotoChat, captioner: FakeCaptioner, photo_id: int
) -> None:
    captioner.error = CaptionerUnavailableError(
        "Gemini cannot be reached: check the network and try again."
    )
    steps = questions.ask(photo_id, None, "What is it?", ENGLISH)
    asked = next(steps)
    failed = next(steps)[questions._latest]
    with pytest.raises(gr.Error) as alert:
        next(steps)
    assert not alert.value.visible

    why = "Gemini cannot be reached: check the network and try again."
    updates = questions.restore_question(failed, None, photo_id, "", ENGLISH)
    assert shown(updates) == {"conversation": why, "question": "What is it?"}
    asked = asked[questions._latest]
    updates = questions.restore_question(
        asked, None, photo_id, "And who", ENGLISH
    )  # written meanwhile
    assert shown(updates)["question"] == "What is it? And who"
    updates = questions.restore_question(asked, None, photo_id, "What is it? And who", ENGLISH)
    assert "question" not in shown(updates)


def test_empty_question_and_endless_chat_are_refused(
    questions: PhotoChat, captioner: FakeCaptioner, photo_id: int
) -> None:
    turns = [Turn("person", "and?"), Turn("model", "yes")] * MOST_TURNS
    endless = Conversation(photo_id, tuple(turns))
    for said, text, why in (
        (None, "  ", "Write a question about this photo first."),
        (endless, "and?", "This conversation has become too long: begin a new one."),
    ):
        steps = questions.ask(photo_id, said, text, ENGLISH)
        failed = [next(steps) for _ in range(2 if text.strip() else 1)][-1]
        with pytest.raises(gr.Error):
            next(steps)
        latest = failed[questions._latest]
        updates = questions.restore_question(latest, None, photo_id, "", ENGLISH)
        assert shown(updates)["conversation"] == why
    assert captioner.asked == []


@pytest.mark.parametrize("request_", [ENGLISH, KOREAN])
def test_failed_caption_says_so_in_its_note(
    album: Album, box: CaptionEditor, captioner: FakeCaptioner, photo_id: int, request_: Any
) -> None:
    captioner.missing = CaptionerUnavailableError(f"No luck. {HARM}")

    *_, (pending, _) = box.request_caption(photo_id, "", request_)

    updates = box.show_answer(pending, photo_id, "", request_)
    assert str(updates[box._note]).count("onerror") == 1
    assert HARM not in str(updates[box._note])
    other = shown(box.show_answer(pending, photo_id + 1, "", request_))
    assert other["caption-note"] == ""  # of another photo that was opened meanwhile


def test_cancelled_caption_says_so_in_its_note(
    album: Album, box: CaptionEditor, captioner: FakeCaptioner, photo_id: int
) -> None:
    def cancel() -> None:
        job_id = album.captions.start_job(CaptionSelection((photo_id,)), ["en"])
        album.captions.cancel(job_id)
        raise CaptionerUnavailableError("The answer comes too late.")

    captioner.meanwhile = cancel
    *_, (pending, _) = box.request_caption(photo_id, "", KOREAN)

    note = shown(box.show_answer(pending, photo_id, "", KOREAN))["caption-note"]
    assert note == "설명 쓰기가 취소되었습니다."


def test_controls_are_off_and_explained_without_key(
    album: Album, captioner: FakeCaptioner, photo_id: int
) -> None:
    captioner.missing = setting_needed("Captions by Gemini need a key.")
    with gr.Blocks() as blocks:
        editor, chat = CaptionEditor(album), PhotoChat(album)

    assert editor._ask.interactive is False
    assert chat._row.visible is False
    lines = [it for it in blocks.blocks.values() if "needs-key" in (it.elem_classes or [])]
    assert len(lines) == 2


def test_chat_is_hidden_when_captioner_cannot_converse(
    album: Album, captioner: FakeCaptioner
) -> None:
    captioner.converses = False
    with gr.Blocks():
        assert PhotoChat(album)._accordion.visible is False


def test_caption_of_deleted_photo_is_refused(
    album: Album, box: CaptionEditor, photo_id: int
) -> None:
    with pytest.raises(gr.Error, match="not in the album"):
        box.save(photo_id + 1, "words", "", ENGLISH)
    assert CaptionStore(album.database).counts()[0] == 0
