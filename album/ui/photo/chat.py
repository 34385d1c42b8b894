"""Questions about the open photo: a short conversation that is kept nowhere.

It lives in the session of one browser until another photo is opened; an answer becomes the caption
where somebody says so.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from album.captioning.captions import MAX_QUESTION_LENGTH
from album.service import Album
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.photo.caption_suggestions import AS_WRITTEN
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.updates import Updates
from models.interfaces import Turn

# The last turn is brought into sight; an answer's button tells which it is of.
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
    """What was said about one photo in one browser; lives in its session, on the server."""

    photo_id: int
    turns: tuple[Turn, ...] = ()


class PhotoChat:
    """An accordion of the photo panel; it is not there where the captioner cannot converse."""

    def __init__(self, album: Album) -> None:
        self._album = album
        self._said = gr.State(None)
        """The conversation that the browser shows."""
        self._answered = gr.State(None)
        """The conversation with the answer that came last, whatever is shown by then."""
        converses = album.captions.writer.converses
        with gr.Accordion(
            i18n("questions"), open=False, visible=converses, elem_id="questions"
        ) as self._accordion:
            gr.Markdown(i18n("question_note"), elem_classes="note")
            self._log = gr.HTML(elem_id="conversation", js_on_load=ON_LOAD)
            with gr.Row(elem_id="question-row"):
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
        shown_id: gr.Number,
        caption_outputs: list[Any],
        keep: Callable[[int, str, str], Updates],
    ) -> None:
        """Wire it to the panel that it is part of.

        Args:
            shown_id: the photo that the browser shows.
            caption_outputs: what `keep` returns updates for.
            keep: makes words the caption of a photo, and tells of it in a language.
        """

        @alerts_on_failure
        def keep_answer(
            said: Conversation | None, event: gr.SelectData, request: gr.Request
        ) -> Updates:
            place = event.index if isinstance(event.index, int) else -1
            if said is None or not 0 <= place < len(said.turns):
                return {self._said: gr.skip()}
            return keep(said.photo_id, said.turns[place].text, language_of(request))

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        asked = gr.on(
            [self._ask.click, self._box.submit],
            self.ask, [shown_id, self._said, self._box], [self._answered, self._log, self._box],
            concurrency_limit=8, **private,
        )  # fmt: skip
        asked.success(self.show, [self._answered, shown_id], [self._said, self._log], **private)
        asked.failure(
            self.give_back, [self._answered, self._said, shown_id, self._box],
            [self._log, self._box], **private,
        )  # fmt: skip
        self._log.select(
            keep_answer, self._said, [self._said, *caption_outputs], **AS_WRITTEN, **private
        )

    @property
    def outputs(self) -> list[Any]:
        """What `cleared` returns updates for."""
        return [self._said, self._log, self._box]

    def cleared(self) -> Updates:
        """Nothing said, as for a photo that was just opened."""
        return {self._said: None, self._log: "", self._box: ""}

    @alerts_on_failure
    def ask(
        self, photo_id: int, said: Conversation | None, text: str, request: gr.Request
    ) -> Iterator[Updates]:
        """Put a question, and wait for the answer; the question stands there meanwhile."""
        language = language_of(request)
        turns = said.turns if said is not None and said.photo_id == photo_id else ()
        asked = Conversation(photo_id, (*turns, Turn("person", (text or "").strip())))
        if asked.turns[-1].text:
            yield {
                self._answered: asked,
                self._log: _drawn(asked, language, waiting=True),
                self._box: "",
            }
        answer = self._album.captions.answer(photo_id, asked.turns, language)
        yield {
            self._answered: Conversation(photo_id, (*asked.turns, Turn("model", answer))),
            self._log: gr.skip(),
            self._box: gr.skip(),
        }

    def show(
        self, answered: Conversation | None, open_now: int | None, request: gr.Request
    ) -> Updates:
        """The answer, unless another photo has been opened in the meantime."""
        if answered is None or answered.photo_id != open_now:
            return {self._said: gr.skip()}
        return {self._said: answered, self._log: _drawn(answered, language_of(request))}

    def give_back(
        self,
        asked: Conversation | None,
        said: Conversation | None,
        open_now: int | None,
        typed: str,
        request: gr.Request,
    ) -> Updates:
        """The words of a question that got no answer back in their box, before what somebody has
        written there since."""
        if asked is None or asked.photo_id != open_now or not asked.turns:
            return {self._log: gr.skip()}
        shown = said if said is not None and said.photo_id == open_now else Conversation(open_now)
        log = _drawn(shown, language_of(request)) if shown.turns else ""
        last = asked.turns[-1]
        if last.by != "person" or last.text in typed:
            return {self._log: log}
        return {self._log: log, self._box: f"{last.text} {typed}".strip()}


def _drawn(said: Conversation, language: str, *, waiting: bool = False) -> str:
    """The turns as escaped HTML, each answer with its button."""
    rows = []
    for place, turn in enumerate(said.turns):
        words = f"<span>{html.escape(turn.text)}</span>"
        if turn.by == "model":
            words += (
                f'<button type="button" data-place="{place}">{say(language, "keep_answer")}'
                "</button>"
            )
        else:
            words = f'<span class="sr-only">{say(language, "question_you")}</span>{words}'
        rows.append(f'<li class="{turn.by}">{words}</li>')
    if waiting:
        rows.append(f'<li class="model waiting">{say(language, "question_thinking")}</li>')
    return f'<ol aria-live="polite">{"".join(rows)}</ol>'
