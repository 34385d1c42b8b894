"""The panel of one photo: look at it, caption it, label it, go on from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from album.domain.labels import FAVOURITE
from album.domain.photo import SearchHit
from album.service import Album
from album.ui.i18n.messages import LANGUAGES, i18n, say
from album.ui.photo.caption_editor import CaptionEditor
from album.ui.photo.chat import PhotoChat
from album.ui.photo.label_editor import LabelEditor
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.downloads import PRESS, address_of
from album.ui.shared.match_reasons import why
from album.ui.shared.photo_html import facts, img
from album.ui.shared.updates import Updates


class PhotoPanel:
    """Components of the panel and what its own buttons do; neighbours are the search tab's."""

    def __init__(self, album: Album) -> None:
        self._album = album
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
            self._captions = CaptionEditor(album)
            self.label_box = LabelEditor(album)
            self._questions = PhotoChat(album)
            self.shown_id = gr.Number(visible="hidden", elem_classes="plumbing")
            """The photo that the browser shows the words of; the session may be further."""
            with gr.Row(elem_id="photo-actions"):
                self.more_like_this = gr.Button(
                    i18n("more_like_this"), elem_id="more-like-this", size="sm"
                )
                self.classify = gr.Button(i18n("classify_this"), elem_id="classify-this", size="sm")
                download = gr.Button(i18n("download"), elem_id="download", size="sm")
            self._original = gr.Textbox(visible="hidden", elem_classes="plumbing")
            """Its address, when somebody asked for it."""

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        self._captions.listen(self.shown_id, self.close.click)
        self._questions.listen(self.shown_id, self._captions.told, self._captions.keep_text)
        download.click(self.fetch_original, self.photo_id, self._original, **private).success(
            None, self._original, js=PRESS, api_visibility="private"
        )

    @property
    def outputs(self) -> list[Any]:
        """What `show` and `hidden` return updates for."""
        return [
            self.column, self.photo_id, self._image, self._facts, self._why, self.burst,
            self.favourite, *self.label_box.outputs, self.shown_id, *self._captions.outputs,
            *self._questions.outputs,
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
        caption = self._album.captions.get(photo_id, language)
        given = self._album.labels.get(photo_id)
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
            **self.label_box.fill(photo_id, given, language),
            self.shown_id: photo_id,
            **self._captions.show(photo_id, language),
            **self._questions.cleared(),
        }

    def hidden(self) -> Updates:
        """Close the panel."""
        return {self.column: gr.update(visible=False), self.photo_id: None}

    def labels_again(self, photo_id: int | None, language: str) -> Updates:
        """The labels of the open photo as they are after others have been written."""
        if photo_id is None:
            return {self.label_box.labels: gr.skip()}
        return self.label_box.fill(photo_id, self._album.labels.get(photo_id), language)

    def save_labels(
        self, photo_id: int, labels: list[str] | None, filled: str, saved: str, language: str
    ) -> tuple[bool, Updates]:
        """Write what somebody changed in the box of labels; whether there was anything."""
        change, updates = self.label_box.save(photo_id, labels, filled, saved)
        if FAVOURITE in (*change.gives, *change.takes):  # typed: the heart is this label
            updates[self.favourite] = self._heart(change.gives, language)
        return bool(change.gives or change.takes), updates

    def toggle_favourite(self, photo_id: int, shown: str, language: str) -> Updates:
        """Make the photo a favourite, or none any more, whichever the button did not show."""
        has_heart = shown in {say(it, "favourite_yes") for it in LANGUAGES}
        gives, takes = ([], [FAVOURITE]) if has_heart else ([FAVOURITE], [])
        self._album.change_labels(photo_id, gives=gives, takes=takes)
        return {self.favourite: self._heart(gives, language)}

    @staticmethod
    def _heart(labels: Sequence[str], language: str) -> str:
        return say(language, "favourite_yes" if FAVOURITE in labels else "favourite_no")

    @alerts_on_failure
    def fetch_original(self, photo_id: int, request: gr.Request) -> str:
        """The address of the original, if that is there."""
        photo = self._album.photo(photo_id)
        self._album.originals.find(photo)
        return address_of(photo)
