"""The caption of the open photo: written by hand or by a captioner, who wrote it, what was before.

Part of the photo panel. What somebody types is kept when they leave the box; nothing that was kept
is lost, since what is replaced becomes history.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import gradio as gr

from album.domain.photo import Caption
from album.service import Album
from album.ui.i18n.error_messages import in_language
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.photo import caption_html
from album.ui.photo.caption_suggestions import AS_WRITTEN, CaptionSuggestions
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.updates import Updates

# A button of the history tells its row; the server looks up which caption that is.
ON_LOAD = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-number]');
  if (!button) return;
  // The button goes with the list that it is in: who uses the keyboard is not to lose their place.
  if (!event.detail) document.getElementById('save-caption').focus();
  trigger('select', {index: Number(button.dataset.number), value: 'again'});
});
document.getElementById('caption-note').setAttribute('aria-live', 'polite');
"""


class CaptionEditor:
    """Components and their listeners; `listen` is called once the panel is there."""

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
        # A component, not a state: what stood in the box of this browser when somebody entered it.
        self._entered = gr.Textbox(visible="hidden", elem_classes="plumbing")
        self._note = gr.HTML(elem_id="caption-note")
        with gr.Row(elem_id="caption-buttons"):
            self._save = gr.Button(i18n("save"), elem_id="save-caption", size="sm")
            self._ask = gr.Button(
                i18n("ask_gemini" if self._sends else "ask_here"), elem_id="ask-gemini", size="sm"
            )
        gr.Markdown(i18n("ask_sends" if self._sends else "ask_stays"), elem_id="ask-sends")
        self._more = gr.HTML(elem_id="caption-more", js_on_load=ON_LOAD)
        self._fitting = CaptionSuggestions(album)
        self._asked = gr.State(None)

    def listen(self, shown_id: gr.Number, leave: Any) -> None:
        """Wire it to the panel that it is part of.

        Args:
            shown_id: the photo that the browser shows.
            leave: the event of closing the panel.
        """
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        words = [shown_id, self._caption]
        told = [self._note, self._more]
        self._caption.focus(
            None, self._caption, self._entered, js="(words) => words", api_visibility="private"
        )
        written = [*words, self._entered]
        self._save.click(self.save, written, told, **AS_WRITTEN, **private)
        # Leaving the box must not lose what is in it. No output: by then it may be another photo's.
        self._caption.blur(self.keep, written, None, **AS_WRITTEN, **private)
        # Many at a time: whoever asks for a photo and goes on to the next may ask there, too.
        self._ask.click(
            self.ask,
            words,
            [self._asked, self._note],
            concurrency_limit=8,
            trigger_mode="multiple",
            **private,
        ).then(self.show_answer, [self._asked, *words], [self._caption, *told], **private)
        self._more.select(self.use_again, words, [self._caption, *told], **AS_WRITTEN, **private)
        taken = self._fitting.listen(shown_id, self._caption, self._note, leave)
        taken.success(self.tell_more, shown_id, self._more, **private)

    @property
    def told(self) -> list[Any]:
        """What `keep_text` returns updates for."""
        return [self._caption, self._note, self._more]

    @property
    def outputs(self) -> list[Any]:
        """What `show` returns updates for."""
        return [
            *self.told, self._entered, *self._fitting.outputs,
        ]  # fmt: skip

    def show(self, photo_id: int, language: str) -> Updates:
        """The captions of a photo that was just opened."""
        caption = self._album.captions.get(photo_id, language)
        words = caption.text if caption else ""
        return {
            self._caption: words,
            self._entered: words,
            **self._told(photo_id, caption, language),
            **self._fitting.cleared(),
        }

    @alerts_on_failure
    def save(self, photo_id: int, text: str, entered: str, request: gr.Request) -> Updates:
        """Keep a caption as the person's own; blank text removes it."""
        language = language_of(request)
        self._keep(photo_id, text, entered, language)
        caption = self._album.captions.get(photo_id, language)
        said = say(language, "saved")
        return {**self._told(photo_id, caption, language), self._note: said}

    @alerts_on_failure
    def keep(self, photo_id: int | None, text: str, entered: str, request: gr.Request) -> None:
        """The same, without a word, when the box is left."""
        if photo_id is not None:
            self._keep(photo_id, text, entered, language_of(request))

    @alerts_on_failure
    def ask(
        self, photo_id: int, text: str, request: gr.Request
    ) -> Iterator[tuple[tuple[int, str], str]]:
        """Ask for a caption in the language of the page and wait for it."""
        language = language_of(request)
        self._album.captions.check()
        yield (photo_id, text), say(language, "asking" if self._sends else "asking_here")
        self._album.captions.ask_now(photo_id, language)

    @alerts_on_failure
    def show_answer(
        self, asked: tuple[int, str] | None, open_now: int | None, text: str, request: gr.Request
    ) -> Updates:
        """What came of asking; words that somebody is writing by now stay in the box.

        Where another photo has been opened in the meantime, the note is about that one again.
        """
        if asked is None or open_now is None:
            return {self._note: gr.skip()}
        photo_id, before = asked
        language = language_of(request)
        caption = self._album.captions.get(open_now, language)
        stays = photo_id != open_now or text.strip() not in ("", before.strip())
        words = gr.skip() if caption is None or stays else caption.text
        return {self._caption: words, **self._told(open_now, caption, language)}

    @alerts_on_failure
    def use_again(
        self, photo_id: int, typed: str, event: gr.SelectData, request: gr.Request
    ) -> Updates:
        """Make an earlier caption the photo's own; what stands in the box is not lost by it."""
        past = {it.history_id: it.caption for it in self._album.captions.history(photo_id)}
        chosen = past.get(event.index) if isinstance(event.index, int) else None
        if chosen is None:
            return {self._note: gr.skip()}
        language = language_of(request)
        if typed.strip():
            self._album.captions.write(photo_id, typed, language)
        return self.keep_text(photo_id, chosen.text, language)

    def tell_more(self, photo_id: int, request: gr.Request) -> Any:
        """What is known in words of the photo beside its caption, after that has changed."""
        language = language_of(request)
        caption = self._album.captions.get(photo_id, language)
        return self._told(photo_id, caption, language)[self._more]

    def keep_text(self, photo_id: int, text: str, language: str) -> Updates:
        """Make words the photo's own caption, and tell what they stand in place of.

        Raises:
            AlbumError: the photo is gone, or the words are too long.
        """
        before = self._album.captions.get(photo_id, language)
        self._album.captions.write(photo_id, text, language)
        caption = self._album.captions.get(photo_id, language)
        said = say(language, "saved")
        if before is not None and before.text != text:
            said = html.escape(say(language, "saved_instead", old=before.text))
        return {
            self._caption: text,
            **self._told(photo_id, caption, language),
            self._note: said,
        }

    def _keep(self, photo_id: int, text: str, entered: str, language: str) -> None:
        """Write what somebody changed; the box may be older than what a job, or another browser,
        has written since."""
        if text.strip() != entered.strip():
            self._album.captions.write(photo_id, text, language)

    def _told(self, photo_id: int, caption: Caption | None, language: str) -> Updates:
        """Who wrote the caption, and what else is known in words of the photo."""
        captions, store = self._album.captions, self._album.caption_store
        more = caption_html.others(captions.captions_by_language(photo_id), caption, language)
        more += caption_html.seen(store.read_text(photo_id), store.keywords_of(photo_id), language)
        more += caption_html.history(captions.history(photo_id), language)
        if caption is not None:
            note = caption_html.who_wrote(caption, language)
        else:
            problem = captions.problem(photo_id)
            note = html.escape(in_language(language, problem)) if problem else ""
        return {self._note: note, self._more: more}
