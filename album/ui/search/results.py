"""The answer to a question: what was understood, how many photos, and the photos in their bands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from album.search.search import SearchPage
from album.service import Album
from album.ui.i18n.messages import i18n, say
from album.ui.search import chips
from album.ui.search.query_images import QueryImages
from album.ui.search.summary import headline, more_to_show, remarks
from album.ui.search.tiles import tiles
from album.ui.shared.session_state import SearchState
from album.ui.shared.updates import Updates

# What the page says to `tiles.js`.
PHOTO_IS_OPEN = "(id) => { document.dispatchEvent(new CustomEvent('photo-open', {detail: id})); }"
PHOTO_IS_CLOSED = "() => { document.dispatchEvent(new CustomEvent('photo-closed')); }"
PAGE_IS_TURNED = "() => { document.dispatchEvent(new CustomEvent('page-turned')); }"
REST_IS_SHOWN = "() => { document.dispatchEvent(new CustomEvent('rest-shown')); }"
TILES_ON_LOAD = Path(__file__).with_name("tiles.js").read_text("utf-8")


class Results:
    """Components between the search box and the photo panel; the search tab listens to them."""

    def __init__(self, album: Album, pictures: QueryImages) -> None:
        self._album = album
        self._pictures = pictures

    def build_above(self) -> None:
        """What was understood, above the filters."""
        self.chips = gr.HTML(elem_id="chips", js_on_load=chips.ON_LOAD)
        self._pictures.build_weight()

    def build_head(self) -> None:
        """How many there are, and in what order."""
        with gr.Row(elem_id="unread", visible=False) as self._unread:
            gr.Markdown(i18n("unread"))
            self.translate = gr.Button(i18n("translate"), size="sm", elem_id="translate")
        self._remarks = gr.HTML(elem_id="remarks")
        with gr.Row(elem_id="head"):
            self._heading = gr.HTML(elem_id="heading")
            self.caption_these = gr.Button(
                i18n("caption_these"), size="sm", visible=False, elem_id="caption-these"
            )
            self.sort = gr.Radio(
                [(i18n("sort_best"), "best"), (i18n("sort_date"), "date")],
                value="best", label=i18n("sort"), show_label=False, container=False,
                elem_id="sort", visible=False,
            )  # fmt: skip

    def build_photos(self) -> None:
        """The tiles, and what leads to more of them."""
        self.tiles = gr.HTML(elem_id="results", js_on_load=TILES_ON_LOAD)
        self.rest = gr.Button(elem_id="show-rest", size="sm", visible=False)
        with gr.Row(elem_id="pager", visible=False) as self._pager:
            self.previous = gr.Button(i18n("previous"), size="sm", elem_id="previous-page")
            self._number = gr.HTML(elem_id="page-number")
            self.next = gr.Button(i18n("next"), size="sm", elem_id="next-page")

    @property
    def outputs(self) -> list[Any]:
        """What `of` returns updates for."""
        return [
            self.chips, self._pictures.weight_row, self._pictures.weight, self._unread,
            self.translate, self._remarks, self._heading, self.caption_these, self.sort,
            self.tiles, self.rest,
            self._pager, self._number, self.previous, self.next,
        ]  # fmt: skip

    def of(self, shown: SearchState, found: SearchPage, language: str, *, empty: bool) -> Updates:
        """The answer as updates.

        Args:
            shown: what was asked, and which photo is open.
            found: one page of the answer.
            language: of the reader.
            empty: the album has no photo at all.
        """
        question = shown.query
        ranked = any(hit.score is not None for hit in found.hits) and not found.nearest
        several = found.total + found.rest > 1
        more = more_to_show(question, found, language)
        both = bool(found.query.groups and (question.pictures or question.like))
        return {
            self.chips: self._chips(shown, found, language),
            self._pictures.weight_row: gr.update(visible=both),
            self._pictures.weight: question.picture_weight,
            self._unread: gr.update(visible=found.unread == "ko"),
            self.translate: gr.update(visible=self._album.can_translate),
            self._remarks: remarks(found, language),
            self._heading: "" if empty else headline(question, found, language),
            self.caption_these: gr.update(visible=found.total > 0),
            self.sort: gr.update(
                value=question.sort, visible=ranked and several and question.burst is None
            ),
            self.tiles: tiles(self._album, shown, found, language),
            self.rest: gr.update(value=more, visible=bool(more)),
            self._pager: gr.update(visible=shown.page_count > 1),
            self._number: say(language, "page_of", page=shown.page + 1, pages=shown.page_count),
            self.previous: gr.update(interactive=shown.page > 0),
            self.next: gr.update(interactive=shown.page + 1 < shown.page_count),
        }

    def _chips(self, shown: SearchState, found: SearchPage, language: str) -> str:
        question = shown.query
        drawn = self._pictures.chips(question, language)
        drawn += chips.word_chips(found.query.text, found.query.chips, language)
        if question.burst is not None:
            words = say(language, "this_moment")
            drawn.insert(0, chips.removable(words, words, "burst", 0, language))
        return "".join(drawn)
