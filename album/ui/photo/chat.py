"""Chat about the open photo.

The conversation lives in the session of one browser until another photo is opened, and is never
stored. A button makes an answer the caption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from markupsafe import Markup

from album.captioning.captions import MAX_QUESTION_LENGTH
from album.errors import AlbumError
from album.service import Album
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import i18n, language_of
from album.ui.shared.alerts import alerts_on_failure, failure_shown
from album.ui.shared.key_help import build_key_help, needs_key
from album.ui.shared.queue_lanes import CAPTIONS
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates
from models.errors import ModelError
from models.interfaces import Turn

# The last turn is scrolled into view. An answer's button sends the answer's index.
ON_LOAD = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-place]');
  if (button) trigger('select', {index: Number(button.dataset.place), value: 'keep'});
});
new MutationObserver(() => {
  element.querySelector('li:last-child')?.scrollIntoView({block: 'nearest'});
}).observe(element, {childList: true, subtree: true});
"""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns about one photo in one browser, kept on the server."""

    photo_id: int
    turns: tuple[Turn, ...] = ()
    problem: str = ""
    """Why the last question has no answer, in the reader's language."""


class PhotoChat:
    """An accordion of the photo panel, hidden if the captioner cannot chat."""

    def __init__(self, album: Album) -> None:
        self._album = album
        self._conversation = gr.State(None)
        """The conversation that the browser shows."""
        self._latest = gr.State(None)
        """The conversation with the latest answer, which may be of another photo."""
        converses = album.captions.writer.converses
        with gr.Accordion(
            i18n("questions"), open=False, visible=converses, elem_id="questions"
        ) as self._accordion:
            lacks_key = needs_key(album)
            if lacks_key:
                build_key_help()
            else:
                gr.Markdown(i18n("question_note"), elem_classes="note")
            self._log = gr.HTML(elem_id="conversation", js_on_load=ON_LOAD)
            with gr.Row(elem_id="question-row", visible=not lacks_key) as self._row:
                self._box = gr.Textbox(
                    label=i18n("question"),
                    placeholder=i18n("question_hint"),
                    max_lines=3,
                    max_length=MAX_QUESTION_LENGTH,
                    elem_id="question",
                    show_label=False,
                    scale=4,
                )
                self._ask = gr.Button(
                    i18n("question_ask"), elem_id="ask-question", size="sm", scale=0, min_width=72
                )

    def listen(
        self,
        photo_id: gr.Number,
        caption_outputs: list[Any],
        write_caption: Callable[[int, str, str], Updates],
    ) -> None:
        """Connect the listeners.

        Args:
            photo_id: id of the photo that the browser shows.
            caption_outputs: the components that `write_caption` updates.
            write_caption: writes a caption from a photo id, a text and a language.
        """

        @alerts_on_failure
        def use_answer(
            conversation: Conversation | None, event: gr.SelectData, request: gr.Request
        ) -> Updates:
            index = event.index if isinstance(event.index, int) else -1
            if conversation is None or not 0 <= index < len(conversation.turns):
                return {self._conversation: gr.skip()}
            text = conversation.turns[index].text
            return write_caption(conversation.photo_id, text, language_of(request))

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        answer = gr.on(
            [self._ask.click, self._box.submit],
            self.ask,
            [photo_id, self._conversation, self._box],
            [self._latest, self._log, self._box],
            concurrency_limit=8,
            **private,
        )
        answer.success(
            self.show, [self._latest, photo_id], [self._conversation, self._log], **private
        )
        answer.failure(
            self.restore_question,
            [self._latest, self._conversation, photo_id, self._box],
            [self._log, self._box],
            **private,
        )
        self._log.select(
            use_answer,
            self._conversation,
            [self._conversation, *caption_outputs],
            **CAPTIONS,
            **private,
        )

    @property
    def outputs(self) -> list[Any]:
        """Return the components that `clear` updates."""
        return [self._conversation, self._log, self._box]

    def clear(self) -> Updates:
        """Start a new conversation, as for a photo that was just opened."""
        return {self._conversation: None, self._log: "", self._box: ""}

    @alerts_on_failure
    def ask(
        self, photo_id: int, conversation: Conversation | None, text: str, request: gr.Request
    ) -> Iterator[Updates]:
        """Show a question, then wait for its answer."""
        language = language_of(request)
        turns: tuple[Turn, ...] = ()
        if conversation is not None and conversation.photo_id == photo_id:
            turns = conversation.turns
        latest = Conversation(photo_id, (*turns, Turn("person", (text or "").strip())))
        if latest.turns[-1].text:
            yield {
                self._latest: latest,
                self._log: _log_html(latest, language, waiting=True),
                self._box: "",
            }
        try:
            answer = self._album.captions.answer(photo_id, latest.turns, language)
        except (AlbumError, ModelError) as error:
            failed = replace(latest, problem=translate_failure(language, error))
            yield {self._latest: failed, self._log: gr.skip(), self._box: gr.skip()}
            raise failure_shown() from error
        yield {
            self._latest: Conversation(photo_id, (*latest.turns, Turn("model", answer))),
            self._log: gr.skip(),
            self._box: gr.skip(),
        }

    def show(
        self, latest: Conversation | None, photo_id: int | None, request: gr.Request
    ) -> Updates:
        """Show the answer, unless another photo has been opened meanwhile."""
        if latest is None or latest.photo_id != photo_id:
            return {self._conversation: gr.skip()}
        return {self._conversation: latest, self._log: _log_html(latest, language_of(request))}

    def restore_question(
        self,
        latest: Conversation | None,
        conversation: Conversation | None,
        photo_id: int | None,
        text: str,
        request: gr.Request,
    ) -> Updates:
        """Put an unanswered question back into the box, before any newer text.

        The conversation ends with the reason.
        """
        if latest is None or latest.photo_id != photo_id or not latest.turns:
            return {self._log: gr.skip()}
        if conversation is None or conversation.photo_id != photo_id:
            conversation = Conversation(photo_id)
        conversation = replace(conversation, problem=latest.problem)
        is_blank = not conversation.turns and not conversation.problem
        log = "" if is_blank else _log_html(conversation, language_of(request))
        last = latest.turns[-1]
        if last.by != "person" or last.text in text:
            return {self._log: log}
        return {self._log: log, self._box: f"{last.text} {text}".strip()}


def _log_html(conversation: Conversation, language: str, *, waiting: bool = False) -> Markup:
    turns, problem = conversation.turns, conversation.problem
    return render("photo/chat.html", language, turns=turns, waiting=waiting, problem=problem)
