"""The first step of the Classify tab: which photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from album.errors import QueryError
from album.service import Album
from album.ui.i18n.messages import i18n, language_of, say, say_count
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.photo_html import img
from album.ui.shared.session_state import SearchState
from album.ui.shared.updates import Updates
from album.ui.shared.uploads import UploadFolder

MOST_FILES = 100
MOST_FOUND = 1000
PREVIEWS = 18


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be looked at: files of the browser's, and photos of the album."""

    files: tuple[Path, ...] = ()
    photo_ids: tuple[int, ...] | None = ()
    """None: the whole album."""


class PhotoPicker:
    """Components of the step, and what is chosen there."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self._album = album
        self._uploads = uploads
        self.chosen = gr.State(())
        """Ids of the photos of the album that were chosen."""
        gr.Markdown(i18n("which_photos"), elem_classes="step")
        self.files = gr.File(
            label=i18n("classify_files"), file_count="multiple", elem_id="classify-files",
            show_label=False, height=132,
        )  # fmt: skip
        gr.Markdown(i18n("classify_files_note"), elem_classes="note")
        self._view = gr.HTML(elem_id="chosen")
        with gr.Row(elem_id="choice-buttons"):
            self.take_hits = gr.Button(i18n("take_hits"), size="sm", elem_id="take-hits")
            self._drop = gr.Button(
                i18n("drop_chosen"), size="sm", elem_id="drop-chosen", visible=False
            )
        gr.Markdown(i18n("whole_album_note"), elem_classes="note")
        self._drop.click(self.drop, None, self.outputs, api_visibility="private")

    @property
    def outputs(self) -> list[Any]:
        """What `choose` changes on the page."""
        return [self.chosen, self._view, self._drop]

    @property
    def inputs(self) -> set[Any]:
        """What `choice` wants to be given."""
        return {self.files, self.chosen}

    def choice(self, given: Updates, language: str) -> Choice:
        """The files and photos that were chosen, without those that are gone meanwhile.

        Raises:
            QueryError: none, too many, or a file that was not uploaded here.
        """
        paths = self._uploads.check(given[self.files])
        if len(paths) > MOST_FILES:
            raise QueryError(f"Send at most {MOST_FILES} files at once.")
        photo_ids = self._of_album(given[self.chosen])
        if not paths and not photo_ids:
            raise QueryError(say(language, "nothing_chosen"))
        return Choice(tuple(paths), photo_ids)

    def of_album(self, given: Updates, language: str) -> tuple[int, ...]:
        """The photos of the album that were chosen.

        Raises:
            QueryError: none.
        """
        photo_ids = self._of_album(given[self.chosen])
        if not photo_ids:
            raise QueryError(say(language, "none_of_album_chosen"))
        return photo_ids

    @alerts_on_failure
    def choose(self, photo_ids: Sequence[int], request: gr.Request) -> Updates:
        """Take photos of the album as the ones to classify."""
        return self._shows(photo_ids[:MOST_FOUND], language_of(request))

    @alerts_on_failure
    def choose_found(self, shown: SearchState, request: gr.Request) -> Updates:
        """Take what the last search found, on all its pages."""
        photo_ids = shown.photo_ids
        if shown.page_count > 1:
            found = self._album.search.find(shown.query, limit=MOST_FOUND)
            photo_ids = [hit.photo.photo_id for hit in found.hits]
        return self._shows(photo_ids, language_of(request))

    def drop(self, request: gr.Request) -> Updates:
        """Choose none of the album."""
        return self._shows((), language_of(request))

    def _of_album(self, photo_ids: Sequence[int]) -> tuple[int, ...]:
        there = self._album.store.get_many(photo_ids)
        return tuple(it for it in photo_ids if it in there)

    def _shows(self, photo_ids: Sequence[int], language: str) -> Updates:
        photos = self._album.store.get_many(photo_ids)
        there = [it for it in photo_ids if it in photos]
        view = ""
        if there:
            tiles = "".join(
                img(self._album.originals.thumbnail(photos[it].sha256), photos[it].filename)
                for it in there[:PREVIEWS]
            )
            hidden = len(there) - PREVIEWS
            more = f'<span class="note">{say(language, "more_chosen", n=hidden)}</span>'
            view = (
                f'<div class="note">{say_count(language, "from_album", len(there))}</div>'
                f'<div class="chosen">{tiles}{more if hidden > 0 else ""}</div>'
            )
        return {
            self.chosen: tuple(there),
            self._view: view,
            self._drop: gr.update(visible=bool(there)),
        }
