"""Editor of the open photo's caption, with its author and its history.

Text is saved when the box loses focus. A caption that is replaced stays in the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from markupsafe import escape

from album.domain.photo import Caption
from album.errors import AlbumError
from album.service import Album
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.photo import caption_html
from album.ui.photo.caption_suggestions import CaptionSuggestions
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.key_help import build_key_help, needs_key
from album.ui.shared.queue_lanes import CAPTIONS
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates
from models.errors import ModelError

# A button of the history sends its id, and the server looks up the caption.
ON_LOAD = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-number]');
  if (!button) return;
  // The button disappears with its list, so keyboard focus moves to one that stays.
  if (!event.detail) document.getElementById('save-caption').focus();
  trigger('select', {index: Number(button.dataset.number), value: 'again'});
});
document.getElementById('caption-note').setAttribute('aria-live', 'polite');
"""


@dataclass(frozen=True, slots=True)
class PendingCaption:
    """A caption that one browser has requested."""

    photo_id: int
    text: str
    """What stood in the box then."""
    problem: str = ""
    """Why there is none, in the reader's language."""


class CaptionEditor:
    """Caption box and its buttons.

    `listen` is called once the panel is built.
    """

    def __init__(self, album: Album) -> None:
        self._album = album
        self._sends = album.captions.writer.sends
        self._caption = gr.Textbox(
            label=i18n("caption"),
            placeholder=i18n("caption_hint"),
            lines=2,
            max_lines=6,
            elem_id="caption",
        )
        # A component, not a state: the text of this browser's box when it got focus.
        self._initial = gr.Textbox(visible="hidden", elem_classes="plumbing")
        self._note = gr.HTML(elem_id="caption-note")
        with gr.Row(elem_id="caption-buttons"):
            self._save = gr.Button(i18n("save"), elem_id="save-caption", size="sm")
            self._ask = gr.Button(
                i18n("ask_gemini" if self._sends else "ask_here"),
                interactive=not needs_key(album),
                elem_id="ask-gemini",
                size="sm",
            )
        if needs_key(album):
            build_key_help()
        else:
            gr.Markdown(i18n("ask_sends" if self._sends else "ask_stays"), elem_id="ask-sends")
        self._more = gr.HTML(elem_id="caption-more", js_on_load=ON_LOAD)
        self._suggestions = CaptionSuggestions(album)
        self._pending = gr.State(None)

    def listen(self, photo_id: gr.Number, leave: Any) -> None:
        """Connect the listeners.

        Args:
            photo_id: id of the photo that the browser shows.
            leave: the event of closing the panel.
        """
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        text = [photo_id, self._caption]
        notes = [self._note, self._more]
        self._caption.focus(
            None, self._caption, self._initial, js="(text) => text", api_visibility="private"
        )
        change = [*text, self._initial]
        self._save.click(self.save, change, notes, **CAPTIONS, **private)
        # No output: by the time it is saved, the box may show another photo.
        self._caption.blur(self.save_quietly, change, None, **CAPTIONS, **private)
        # Several at a time: one may be requested for the next photo before this one has come.
        self._ask.click(
            self.request_caption,
            text,
            [self._pending, self._note],
            concurrency_limit=8,
            trigger_mode="multiple",
            **private,
        ).then(self.show_answer, [self._pending, *text], [self._caption, *notes], **private)
        self._more.select(self.restore, text, [self._caption, *notes], **CAPTIONS, **private)
        use = self._suggestions.listen(photo_id, self._caption, self._note, leave)
        use.success(self.refresh_details, photo_id, self._more, **private)

    @property
    def caption_outputs(self) -> list[Any]:
        """Return the components that `write` updates."""
        return [self._caption, self._note, self._more]

    @property
    def outputs(self) -> list[Any]:
        """Return the components that `show` updates."""
        return [*self.caption_outputs, self._initial, *self._suggestions.outputs]

    def show(self, photo_id: int, language: str) -> Updates:
        """Show the captions of a photo that was just opened."""
        caption = self._album.captions.get(photo_id, language)
        text = caption.text if caption else ""
        return {
            self._caption: text,
            self._initial: text,
            **self._notes(photo_id, caption, language),
            **self._suggestions.clear(),
        }

    @alerts_on_failure
    def save(self, photo_id: int, text: str, initial: str, request: gr.Request) -> Updates:
        """Save a caption as written by hand. Blank text removes it."""
        language = language_of(request)
        self._write_change(photo_id, text, initial, language)
        caption = self._album.captions.get(photo_id, language)
        return {**self._notes(photo_id, caption, language), self._note: say(language, "saved")}

    @alerts_on_failure
    def save_quietly(
        self, photo_id: int | None, text: str, initial: str, request: gr.Request
    ) -> None:
        """Save a caption without a message when the box loses focus."""
        if photo_id is not None:
            self._write_change(photo_id, text, initial, language_of(request))

    @alerts_on_failure
    def request_caption(
        self, photo_id: int, text: str, request: gr.Request
    ) -> Iterator[tuple[PendingCaption, Any]]:
        """Request a caption in the page's language and await it."""
        language = language_of(request)
        pending = PendingCaption(photo_id, text)
        yield pending, say(language, "asking" if self._sends else "asking_here")
        try:
            self._album.captions.ask_now(photo_id, language)
        except (AlbumError, ModelError) as error:
            yield replace(pending, problem=translate_failure(language, error)), gr.skip()

    @alerts_on_failure
    def show_answer(
        self, pending: PendingCaption | None, photo_id: int | None, text: str, request: gr.Request
    ) -> Updates:
        """Show the requested caption, unless the box holds newer text.

        Without one, the note says why.

        If another photo has been opened meanwhile, the note describes that one.

        Args:
            pending: the request.
            photo_id: the photo that is open now.
            text: the text in the box now.
            request: of the browser.
        """
        if pending is None or photo_id is None:
            return {self._note: gr.skip()}
        language = language_of(request)
        if pending.problem and pending.photo_id == photo_id:
            return {self._note: _problem(pending.problem, language)}
        caption = self._album.captions.get(photo_id, language)
        is_newer = text.strip() not in ("", pending.text.strip())
        keep_box = pending.photo_id != photo_id or is_newer
        box = gr.skip() if caption is None or keep_box else caption.text
        return {self._caption: box, **self._notes(photo_id, caption, language)}

    @alerts_on_failure
    def restore(
        self, photo_id: int, text: str, event: gr.SelectData, request: gr.Request
    ) -> Updates:
        """Use an earlier caption again, and save the box to the history."""
        history = {past.history_id: past.caption for past in self._album.captions.history(photo_id)}
        caption = history.get(event.index) if isinstance(event.index, int) else None
        if caption is None:
            return {self._note: gr.skip()}
        language = language_of(request)
        if text.strip():
            self._album.captions.write(photo_id, text, language)
        return self.write(photo_id, caption.text, language)

    def refresh_details(self, photo_id: int, request: gr.Request) -> Any:
        """Render the other captions and keywords after a caption has changed."""
        language = language_of(request)
        caption = self._album.captions.get(photo_id, language)
        return self._notes(photo_id, caption, language)[self._more]

    def write(self, photo_id: int, text: str, language: str) -> Updates:
        """Write a caption by hand, and name the caption that it replaces.

        Raises:
            AlbumError: the photo is gone, or the text is too long.
        """
        before = self._album.captions.get(photo_id, language)
        self._album.captions.write(photo_id, text, language)
        caption = self._album.captions.get(photo_id, language)
        note = say(language, "saved")
        if before is not None and before.text != text:
            note = say(language, "saved_instead", old=before.text)
        return {
            self._caption: text,
            **self._notes(photo_id, caption, language),
            self._note: escape(note),
        }

    def _write_change(self, photo_id: int, text: str, initial: str, language: str) -> None:
        # Unchanged text may be older than what a job or another browser has written since.
        if text.strip() != initial.strip():
            self._album.captions.write(photo_id, text, language)

    def _notes(self, photo_id: int, caption: Caption | None, language: str) -> Updates:
        """Describe the caption's author, and render the other captions and keywords."""
        captions, store = self._album.captions, self._album.caption_store
        if caption is not None:
            note = caption_html.author_note(caption, language)
        else:
            problem = captions.problem(photo_id)
            note = translate_failure(language, problem) if problem else ""
        return {
            self._note: escape(note),
            self._more: caption_html.render_details(
                captions.captions_by_language(photo_id),
                caption,
                store.read_text(photo_id),
                store.keywords_of(photo_id),
                captions.history(photo_id),
                language,
            ),
        }


def _problem(message: str, language: str) -> str:
    return render("captions/message.html", language, kind="problem", message=message)
