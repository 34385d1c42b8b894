"""Which photos the Classify tab sorts: the whole album, unless some are chosen."""

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
from album.ui.shared.photo_html import photo_tile
from album.ui.shared.session_state import SearchState
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates
from album.ui.shared.uploads import UploadFolder

MOST_FILES = 100
MOST_FOUND = 1000
PREVIEWS = 18


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen photos: uploaded files, and photos of the album."""

    files: tuple[Path, ...] = ()
    photo_ids: tuple[int, ...] | None = ()
    """None for the whole album."""


class PhotoPicker:
    """Components of the step, and the choice that was made there."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self._album = album
        self._uploads = uploads
        self.chosen = gr.State(())
        """Ids of the chosen photos of the album."""
        with gr.Row(elem_id="scope"):
            self._view = gr.HTML(elem_id="chosen")
            self._clear = gr.Button(
                i18n("drop_chosen"), size="sm", elem_id="drop-chosen", visible=False
            )
        with gr.Accordion(i18n("some_photos"), open=False, elem_id="photo-step"):
            self.take_hits = gr.Button(i18n("take_hits"), size="md", elem_id="take-hits")
            self.files = gr.File(
                label=i18n("classify_files"),
                file_count="multiple",
                elem_id="classify-files",
                show_label=False,
                height=132,
            )
            gr.Markdown(i18n("classify_files_note"), elem_classes="note")
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        self._clear.click(self.clear, None, self.outputs, **quiet)
        self.files.change(self.show_files, [self.files, self.chosen], self.outputs, **quiet)

    @property
    def outputs(self) -> list[Any]:
        """Components that `choose` changes."""
        return [self.chosen, self._view, self._clear, self.files]

    @property
    def inputs(self) -> set[Any]:
        """Components that `choice` reads."""
        return {self.files, self.chosen}

    def choice(self, values: Updates, language: str) -> Choice:
        """Return the chosen files and photos, or the whole album where there are none.

        Raises:
            QueryError: too many, a file that was not uploaded here, or photos that are all gone.
        """
        paths = self._uploads.check(values[self.files])
        if len(paths) > MOST_FILES:
            raise QueryError("Send at most {limit} files at once.", limit=MOST_FILES)
        if not paths and not values[self.chosen]:
            if not self._album.store.count():
                raise QueryError(say(language, "nothing_to_sort"))
            return Choice(photo_ids=None)
        photo_ids = self._existing(values[self.chosen])
        if not paths and not photo_ids:
            raise QueryError(say(language, "chosen_are_gone"))
        return Choice(tuple(paths), photo_ids)

    @alerts_on_failure
    def choose(self, photo_ids: Sequence[int], request: gr.Request) -> Updates:
        """Choose photos of the album alone."""
        return {**self._show(photo_ids[:MOST_FOUND], language_of(request)), self.files: None}

    @alerts_on_failure
    def choose_found(
        self, shown: SearchState, files: list[str] | None, request: gr.Request
    ) -> Updates:
        """Choose the results of the last search, on all its pages, beside uploaded files."""
        photo_ids = shown.photo_ids
        if shown.page_count > 1:
            found = self._album.search.find(shown.query, limit=MOST_FOUND)
            photo_ids = [hit.photo.photo_id for hit in found.hits]
        return self._show(photo_ids, language_of(request), len(files or ()))

    @alerts_on_failure
    def show_files(
        self, files: list[str] | None, photo_ids: Sequence[int], request: gr.Request
    ) -> Updates:
        """Say which photos are chosen after files came or went."""
        return self._show(photo_ids, language_of(request), len(files or ()))

    def refresh(self, files: list[str] | None, photo_ids: Sequence[int], language: str) -> Updates:
        """Say which photos are chosen, in the language of the reader."""
        return self._show(photo_ids, language, len(files or ()))

    def clear(self, request: gr.Request) -> Updates:
        """Choose nothing, so the whole album is sorted."""
        return {**self._show((), language_of(request)), self.files: None}

    def _existing(self, photo_ids: Sequence[int]) -> tuple[int, ...]:
        photos = self._album.store.get_many(photo_ids)
        return tuple(photo_id for photo_id in photo_ids if photo_id in photos)

    def _show(self, photo_ids: Sequence[int], language: str, files: int = 0) -> Updates:
        photos = self._album.store.get_many(photo_ids)
        chosen = tuple(photo_id for photo_id in photo_ids if photo_id in photos)
        previews = [photos[photo_id] for photo_id in chosen[:PREVIEWS]]
        what = [say_count(language, "from_album", len(chosen))] if chosen else []
        what += [say_count(language, "from_files", files)] if files else []
        view = render(
            "classify/chosen.html",
            language,
            what=", ".join(what),
            images=[photo_tile(photo, photo.filename) for photo in previews],
            hidden=len(chosen) - PREVIEWS,
        )
        return {
            self.chosen: chosen,
            self._view: view,
            self._clear: gr.update(visible=bool(what)),
        }
