"""The panel of one photo: look at it, caption it, label it, go on from it."""

from __future__ import annotations

import html
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from album.label import GivenLabel
from album.photo import SearchHit
from album.service import Album
from album.ui.alerts import alerts_on_failure
from album.ui.fitting_captions import AS_WRITTEN, FittingCaptions
from album.ui.gallery import facts, img
from album.ui.reasons import why
from album.ui.sentences import in_language
from album.ui.texts import i18n, language_of, say

Updates = dict[Any, Any]

FAVOURITE = "favourite"
"""The label of photos with a heart, in every language; the page calls it by its own words."""

PRESS_DOWNLOAD = "() => { document.querySelector('#download-file')?.click(); }"


class PhotoPanel:
    """Components of the panel and what its own buttons do; neighbours are the search tab's."""

    def __init__(self, album: Album, temp_dir: Path) -> None:
        self._album = album
        self._temp_dir = temp_dir
        self.photo_id = gr.State(None)
        with gr.Column(elem_id="photo-panel", visible=False) as self.column:
            with gr.Row(elem_id="photo-bar"):
                self.previous = gr.Button(i18n("previous"), elem_id="photo-previous", size="sm")
                self.next = gr.Button(i18n("next"), elem_id="photo-next", size="sm")
                self.favourite = gr.Button(i18n("favourite_no"), elem_id="favourite", size="sm")
                self.close = gr.Button(i18n("close"), elem_id="photo-close", size="sm")
            self._image = gr.HTML(elem_id="photo-image")
            self._facts = gr.HTML(elem_id="photo-facts")
            self._why = gr.HTML(elem_id="why")
            self.burst = gr.Button(elem_id="burst", size="sm", visible=False)
            self._caption = gr.Textbox(
                label=i18n("caption"),
                placeholder=i18n("caption_hint"),
                lines=2,
                max_lines=6,
                elem_id="caption",
            )
            self._note = gr.HTML(elem_id="caption-note")
            with gr.Row(elem_id="caption-buttons"):
                save = gr.Button(i18n("save"), elem_id="save-caption", size="sm")
                ask = gr.Button(i18n("ask_gemini"), elem_id="ask-gemini", size="sm")
            self._fitting = FittingCaptions(album)
            self.labels = gr.Dropdown(
                label=i18n("labels"),
                info=i18n("labels_hint"),
                choices=[],
                multiselect=True,
                allow_custom_value=True,
                elem_id="labels",
            )
            self.shown_id = gr.Number(visible="hidden", elem_classes="plumbing")
            """The photo that the browser shows the words of; the session may be further."""
            with gr.Row(elem_id="photo-actions"):
                self.more_like_this = gr.Button(
                    i18n("more_like_this"), elem_id="more-like-this", size="sm"
                )
                self.classify = gr.Button(i18n("classify_this"), elem_id="classify-this", size="sm")
                download = gr.Button(i18n("download"), elem_id="download", size="sm")
            self._file = gr.DownloadButton(elem_id="download-file", visible="hidden")

        self._asked = gr.State(None)
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        words = [self.shown_id, self._caption]
        save.click(self.save_caption, words, self._note, **private)
        # Leaving the box must not lose what is in it. No output: by then it may be another photo's.
        self._caption.blur(self.keep_caption, words, None, **AS_WRITTEN, **private)
        ask.click(
            self.ask_gemini, self.photo_id, [self._asked, self._note],
            concurrency_limit=8, **private,
        ).then(
            self.show_answer, [self._asked, self.photo_id], [self._caption, self._note], **private
        )  # fmt: skip
        self._fitting.listen(self.shown_id, self._caption, self._note, self.close.click)
        download.click(self.fetch_original, self.photo_id, self._file, **private).then(
            None, js=PRESS_DOWNLOAD, api_visibility="private"
        )

    @property
    def outputs(self) -> list[Any]:
        """What `show` and `hidden` return updates for."""
        return [
            self.column, self.photo_id, self._image, self._facts, self._why, self.burst,
            self.favourite, self._caption, self._note, self.labels, self.shown_id,
            *self._fitting.outputs,
        ]  # fmt: skip

    def show(self, photo_id: int, hit: SearchHit | None, language: str) -> Updates:
        """Open the panel on a photo.

        Args:
            photo_id: the photo.
            hit: what made it a hit, where it is one.
            language: of the reader.

        Raises:
            PhotoNotFoundError: the photo, or every picture of it, is gone.
        """
        photo = self._album.photo(photo_id)
        caption = self._album.captions.of(photo_id, language)
        given = self._album.labels.given(photo_id)
        alt = caption.text if caption else photo.filename
        return {
            self.column: gr.update(visible=True),
            self.photo_id: photo_id,
            self._image: img(self._album.large_view(photo_id), alt),
            self._facts: facts(
                photo,
                language,
                place=self._album.store.place_of(photo_id),
                keywords=self._album.store.keywords_of(photo_id),
            ),
            self._why: "" if hit is None else why(hit.reasons, language),
            self.burst: gr.update(
                visible=hit is not None and hit.burst > 1,
                value="" if hit is None else say(language, "burst_open_count", n=hit.burst),
            ),
            self.favourite: self._heart([it.label for it in given], language),
            self._caption: caption.text if caption else "",
            self._note: self._who_wrote(photo_id, language),
            **self._labelled(given, language),
            self.shown_id: photo_id,
            **self._fitting.cleared(),
        }

    def hidden(self) -> Updates:
        """Close the panel."""
        return {self.column: gr.update(visible=False), self.photo_id: None}

    def labels_again(self, photo_id: int | None, language: str) -> Updates:
        """The labels of the open photo as they are after others have been written.

        Else the box would still hold the old ones, and what is saved next would undo the new.
        """
        if photo_id is None:
            return {self.labels: gr.skip()}
        return self._labelled(self._album.labels.given(photo_id), language)

    @alerts_on_failure
    def save_caption(self, photo_id: int, text: str, request: gr.Request) -> str:
        """Keep a caption as the person's own; blank text removes it."""
        self._album.captions.write(photo_id, text)
        return say(language_of(request), "saved")

    @alerts_on_failure
    def keep_caption(self, photo_id: int | None, text: str, request: gr.Request) -> None:
        """The same, without a word, when the box is left."""
        if photo_id is not None:
            self._album.captions.write(photo_id, text)

    @alerts_on_failure
    def ask_gemini(self, photo_id: int, request: gr.Request) -> Iterator[tuple[int, str]]:
        """Ask for a caption in the language of the page and wait for it."""
        language = language_of(request)
        self._album.captions.check()
        yield photo_id, say(language, "asking")
        self._album.captions.ask_now(photo_id, language)

    def show_answer(self, asked: int | None, open_now: int | None, request: gr.Request) -> Any:
        """What came of asking, unless another photo has been opened in the meantime."""
        if asked is None or asked != open_now:
            return gr.skip(), gr.skip()
        language = language_of(request)
        caption = self._album.captions.of(asked, language)
        words = gr.skip() if caption is None else caption.text
        return words, self._who_wrote(asked, language)

    def save_labels(self, photo_id: int, labels: list[str]) -> bool:
        """Replace the labels of a photo; whether somebody had changed them."""
        now = self._album.labels_of(photo_id)
        heart = [FAVOURITE] if FAVOURITE in now else []  # it has a button of its own
        changed = sorted(_without_heart(labels)) != sorted(_without_heart(now))
        if changed:
            self._album.set_labels(photo_id, [*_without_heart(labels), *heart])
        return changed

    def turn_heart(self, photo_id: int, language: str) -> Updates:
        """Make the photo a favourite, or none any more."""
        now = self._album.labels_of(photo_id)
        labels = _without_heart(now)
        if FAVOURITE not in now:
            labels.append(FAVOURITE)
        self._album.set_labels(photo_id, labels)
        return {self.favourite: self._heart(labels, language)}

    def _labelled(self, given: Sequence[GivenLabel], language: str) -> Updates:
        """The box with the labels of a photo; those of rules say so."""
        names = dict.fromkeys(_without_heart(self._album.label_names()))
        told = {it.label: _told(it, language) for it in given}
        return {
            self.labels: gr.update(
                choices=[(told.get(name, name), name) for name in names],
                value=_without_heart([it.label for it in given]),
            )
        }

    @staticmethod
    def _heart(labels: Sequence[str], language: str) -> str:
        return say(language, "favourite_yes" if FAVOURITE in labels else "favourite_no")

    @alerts_on_failure
    def fetch_original(self, photo_id: int, request: gr.Request) -> str:
        """A copy of the original under its own name, where the browser may fetch it."""
        photo = self._album.photo(photo_id)
        folder = self._temp_dir / "originals" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        copy = folder / photo.filename
        shutil.copyfile(self._album.originals.find(photo), copy)
        return str(copy)

    def _who_wrote(self, photo_id: int, language: str) -> str:
        caption = self._album.captions.of(photo_id, language)
        if caption is None:
            problem = self._album.captions.problem(photo_id)
            return html.escape(in_language(language, problem)) if problem else ""
        if caption.by_hand:
            return say(language, "by_hand")
        day = f"{caption.written_at:%Y-%m-%d}"
        return html.escape(say(language, "by_model", model=caption.model_id, day=day))


def _told(given: GivenLabel, language: str) -> str:
    """A label, and who gave it where that was no person."""
    if given.given_by == "person":
        return given.label
    share = given.probability or 0.0
    return say(language, f"given_{given.given_by}", label=given.label, share=share)


def _without_heart(labels: Sequence[str]) -> list[str]:
    return [label for label in labels if label != FAVOURITE]
