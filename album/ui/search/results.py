"""Components of the results: chips, counts, tiles and pager."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from album.search.search import SearchPage
from album.service import Album
from album.ui.i18n.messages import i18n, say
from album.ui.search import chips
from album.ui.search.discover_view import theme_name
from album.ui.search.filter_names import import_name, part_name
from album.ui.search.query_images import QueryImages
from album.ui.search.summary import headline, more_to_show, remarks
from album.ui.search.tiles import tiles
from album.ui.search.timeline import EMPTY_TIMELINE, timeline
from album.ui.search.ways_out import ways_out
from album.ui.shared.key_help import build_key_help, needs_key
from album.ui.shared.scripts import ROVING
from album.ui.shared.session_state import SearchState
from album.ui.shared.updates import Updates

# Events that `tiles.js` listens to.
PAGE_IS_TURNED = "() => { document.dispatchEvent(new CustomEvent('page-turned')); }"
REST_IS_SHOWN = "() => { document.dispatchEvent(new CustomEvent('rest-shown')); }"
SCRIPTS = (
    "tiles.js",
    "timeline_layout.js",
    "timeline_words.js",
    "timeline_photos.js",
    "timeline_rail.js",
    "timeline.js",
)
TILES_ON_LOAD = "\n".join(
    [ROVING, *(Path(__file__).with_name(name).read_text("utf-8") for name in SCRIPTS)]
)


class Results:
    """Components below the search box. The Search tab connects the listeners."""

    def __init__(self, album: Album, images: QueryImages) -> None:
        self._album = album
        self._images = images

    def build_above(self) -> None:
        """Build the chips and the weight slider, above the filters."""
        self.chips = gr.HTML(elem_id="chips", js_on_load=chips.ON_LOAD)
        self._images.build_weight()

    def build_head(self) -> None:
        """Build the counts and the order."""
        with gr.Row(elem_id="unread", visible=False) as self._unread:
            gr.Markdown(i18n("unread"))
            self.translate = gr.Button(i18n("translate"), size="sm", elem_id="translate")
            if needs_key(self._album):
                build_key_help()
            self.translation_problem = gr.HTML(elem_id="translation-problem")
        self._remarks = gr.HTML(elem_id="remarks")
        with gr.Row(elem_id="head"):
            self._heading = gr.HTML(elem_id="heading")
            self.caption_these = gr.Button(
                i18n("caption_these"), size="sm", visible=False, elem_id="caption-these"
            )
            self.sort = gr.Radio(
                [(i18n("sort_best"), "best"), (i18n("sort_date"), "date")],
                value="best",
                label=i18n("sort"),
                show_label=False,
                container=False,
                elem_id="sort",
                visible=False,
            )
        self.ways_out = gr.HTML(elem_id="ways-out", js_on_load=chips.ON_LOAD)

    def build_photos(self) -> None:
        """Build the tiles, the button for the rest and the pager."""
        self.tiles = gr.HTML(EMPTY_TIMELINE, elem_id="results", js_on_load=TILES_ON_LOAD)
        self.rest = gr.Button(elem_id="show-rest", size="sm", visible=False)
        with gr.Row(elem_id="pager", visible=False) as self._pager:
            self.previous = gr.Button(i18n("previous"), size="sm", elem_id="previous-page")
            self._number = gr.HTML(elem_id="page-number")
            self.next = gr.Button(i18n("next"), size="sm", elem_id="next-page")

    @property
    def outputs(self) -> list[Any]:
        """Return the components that `show` updates."""
        return [
            self.chips,
            self._images.weight_row,
            self._images.weight,
            self._unread,
            self.translate,
            self.translation_problem,
            self._remarks,
            self._heading,
            self.caption_these,
            self.sort,
            self.tiles,
            self.rest,
            self._pager,
            self._number,
            self.previous,
            self.next,
            self.ways_out,
        ]

    def show(
        self, state: SearchState, results: SearchPage, language: str, *, empty: bool
    ) -> Updates:
        """Show one page of results.

        Args:
            state: the query, and the photo that is open.
            results: the page.
            language: of the reader.
            empty: whether the album has no photo at all.
        """
        query = state.query
        is_ranked = any(hit.score is not None for hit in results.hits) and not results.nearest
        is_sortable = is_ranked and results.total + results.rest > 1 and query.burst is None
        is_sortable = is_sortable or (query.theme is not None and results.total > 1)
        is_elsewhere = state.is_home and state.view != "timeline"  # the tiles give way to a view
        more = more_to_show(query, results, language)
        has_both = bool(results.query.groups and (query.pictures or query.like))
        return {
            self.chips: self._chips(state, results, language),
            self._images.weight_row: gr.update(visible=has_both),
            self._images.weight: query.picture_weight,
            self._unread: gr.update(visible=results.unread == "ko"),
            self.translate: gr.update(visible=self._album.can_translate),
            self.translation_problem: "",
            self._remarks: remarks(results, language),
            self._heading: "" if empty or is_elsewhere else headline(query, results, language),
            self.caption_these: gr.update(
                visible=results.total > 0 and not results.nearest and not is_elsewhere
            ),
            self.sort: gr.update(value=query.sort, visible=is_sortable),
            self.tiles: self._photos(state, results, language, elsewhere=is_elsewhere),
            self.rest: gr.update(value=more, visible=bool(more)),
            self._pager: gr.update(visible=state.page_count > 1 and not is_elsewhere),
            self._number: say(language, "page_of", page=state.page + 1, pages=state.page_count),
            self.previous: gr.update(interactive=state.page > 0),
            self.next: gr.update(interactive=state.page + 1 < state.page_count),
            self.ways_out: ways_out(self._album, query, results, language),
        }

    def _photos(
        self, state: SearchState, results: SearchPage, language: str, *, elsewhere: bool
    ) -> str:
        """Render the photos, of which a view of the album has none."""
        if elsewhere:
            return ""
        if results.is_listed:
            return timeline(self._album, state.query, language)
        return tiles(state, results, language)

    def _chips(self, state: SearchState, results: SearchPage, language: str) -> str:
        query = state.query
        row = self._images.chips(query, language)
        idle = [chip for chip in results.query.chips if results.is_idle(chip)]
        row += chips.word_chips(results.query.text, results.query.chips, language, idle=idle)
        for index, part in enumerate(query.filters.parts):
            name = part_name(self._album, query.filters, part, language)
            row.append(chips.removable(name, "filter", index, language))
        if query.import_id is not None:
            name = import_name(self._album, query.import_id, language)
            row.append(chips.removable(name, "import", 0, language))
        if query.burst is not None:
            row.insert(0, chips.removable(say(language, "this_moment"), "burst", 0, language))
        if query.theme is not None:
            name = theme_name(self._album.discovery.theme(query.theme), language)
            row.insert(
                0, chips.removable(say(language, "theme_chip", name=name), "theme", 0, language)
            )
        return "".join(row)
