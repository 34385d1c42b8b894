"""Drawer beside the open photo: facts, caption, labels, chat and download."""

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
from album.ui.shared.downloads import PRESS
from album.ui.shared.match_reasons import why
from album.ui.shared.photo_html import address, facts
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates


class PhotoPanel:
    """Components and listeners of the drawer, built inside the lightbox."""

    def __init__(self, album: Album) -> None:
        self._album = album
        self.photo_id = gr.State(None)
        with gr.Column(elem_id="photo-panel"):
            gr.HTML(elem_id="drawer-bar", html_template=render("photo/drawer_bar.html", "en"))
            self.favourite = gr.Button(i18n("favourite_no"), elem_id="favourite", size="sm")
            self._facts = gr.HTML(elem_id="photo-facts")
            self._why = gr.HTML(elem_id="why")
            self.burst = gr.Button(elem_id="burst", size="sm", visible=False)
            self._captions = CaptionEditor(album)
            self.label_editor = LabelEditor(album)
            self._chat = PhotoChat(album)
            self.browser_photo_id = gr.Number(visible="hidden", elem_classes="plumbing")
            """The photo that the browser shows, which the session may have left."""
            with gr.Row(elem_id="photo-actions"):
                self.more_like_this = gr.Button(
                    i18n("more_like_this"), elem_id="more-like-this", size="sm"
                )
                self.classify = gr.Button(i18n("classify_this"), elem_id="classify-this", size="sm")
                download = gr.Button(i18n("download"), elem_id="download", size="sm")
            self._original = gr.Textbox(visible="hidden", elem_classes="plumbing")
            """Address of the original, once requested."""

        self._download = download

    def listen(self, leave: Any) -> None:
        """Connect the listeners.

        Args:
            leave: the event of opening another photo or closing this one.
        """
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        self._captions.listen(self.browser_photo_id, leave)
        self._chat.listen(
            self.browser_photo_id, self._captions.caption_outputs, self._captions.write
        )
        self._download.click(self.fetch_original, self.photo_id, self._original, **private).success(
            None, self._original, js=PRESS, api_visibility="private"
        )

    @property
    def outputs(self) -> list[Any]:
        """Return the components that `show` and `hide` update."""
        return [
            self.photo_id,
            self._facts,
            self._why,
            self.burst,
            self.favourite,
            *self.label_editor.outputs,
            self.browser_photo_id,
            *self._captions.outputs,
            *self._chat.outputs,
        ]

    def show(self, photo_id: int, hit: SearchHit | None, language: str) -> Updates:
        """Fill the drawer for a photo.

        Args:
            photo_id: the photo.
            hit: its search hit, or None.
            language: of the reader.

        Raises:
            PhotoNotFoundError: the photo, or every image of it, is gone.
        """
        photo = self._album.photo(photo_id)
        labels = self._album.labels.get(photo_id)
        return {
            self.photo_id: photo_id,
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
            self.favourite: self._favourite_text([label.label for label in labels], language),
            **self.label_editor.fill(photo_id, labels, language),
            self.browser_photo_id: photo_id,
            **self._captions.show(photo_id, language),
            **self._chat.clear(),
        }

    def hide(self) -> Updates:
        """Forget the photo, since none is open."""
        return {self.photo_id: None}

    def refresh_labels(self, photo_id: int | None, language: str) -> Updates:
        """Show the open photo's labels after they changed elsewhere."""
        if photo_id is None:
            return {self.label_editor.labels: gr.skip()}
        return self.label_editor.fill(photo_id, self._album.labels.get(photo_id), language)

    def save_labels(
        self, photo_id: int, labels: list[str] | None, snapshot: str, saved: str, language: str
    ) -> tuple[bool, Updates]:
        """Save the edit of the label box, if there is any.

        Returns:
            Whether there was an edit, and the updates.

        """
        edit, updates = self.label_editor.save(photo_id, labels, snapshot, saved)
        if FAVOURITE in (*edit.added, *edit.removed):  # the label typed by hand
            updates[self.favourite] = self._favourite_text(edit.added, language)
        return bool(edit.added or edit.removed), updates

    def toggle_favourite(self, photo_id: int, button_text: str, language: str) -> Updates:
        """Set or clear the favourite label, opposite to what the button shows."""
        is_favourite = button_text in {say(name, "favourite_yes") for name in LANGUAGES}
        gives, takes = ([], [FAVOURITE]) if is_favourite else ([FAVOURITE], [])
        self._album.change_labels(photo_id, gives=gives, takes=takes)
        return {self.favourite: self._favourite_text(gives, language)}

    @staticmethod
    def _favourite_text(labels: Sequence[str], language: str) -> str:
        return say(language, "favourite_yes" if FAVOURITE in labels else "favourite_no")

    @alerts_on_failure
    def fetch_original(self, photo_id: int, request: gr.Request) -> str:
        """Return the address of the original, if its file is there."""
        photo = self._album.photo(photo_id)
        self._album.originals.find(photo)
        return address(photo, "original")
