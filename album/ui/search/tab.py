"""The Search tab, the home of the page: its components and listeners."""

from __future__ import annotations

from typing import Any

import gradio as gr

from album.service import Album
from album.ui.photo.lightbox import REQUEST_IS_LOST, Lightbox
from album.ui.search.layout import EXAMPLES, SearchLayout
from album.ui.search.photo_navigation import PhotoNavigation
from album.ui.search.queries import SearchHandlers
from album.ui.search.results import PAGE_IS_TURNED, REST_IS_SHOWN
from album.ui.search.url_navigation import UrlNavigation
from album.ui.shared.queue_lanes import PICTURES, SEARCHES
from album.ui.shared.uploads import UploadFolder

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
IN_ORDER: dict[str, Any] = {**PRIVATE, **SEARCHES}


class SearchTab:
    """The tab with its listeners."""

    def __init__(self, album: Album, uploads: UploadFolder, lightbox: Lightbox) -> None:
        self.parts = SearchLayout(album, uploads, lightbox)
        self._queries = SearchHandlers(album, self.parts)
        self._photos = PhotoNavigation(self.parts, self._queries)
        self._urls = UrlNavigation(album, self.parts, self._queries, self._photos)
        self.refresh, self.arrive = self._urls.refresh, self._urls.arrive
        self.open_import = self._urls.open_import
        self._listen()
        self._listen_to_themes()
        self._listen_to_photos()

    def _listen(self) -> None:
        parts, queries, results = self.parts, self._queries, self.parts.results
        values = {parts.state, parts.query, *parts.filters.inputs}
        with_box = [parts.query, *parts.outputs]
        for event in (parts.query.submit, parts.find.click):
            # A search during another one is queued, so the last query is always answered.
            event(
                queries.search,
                values,
                parts.outputs,
                trigger_mode="always_last",
                **{**IN_ORDER, "show_progress": "minimal"},
            )
        parts.empty.click(queries.empty_box, values, with_box, **IN_ORDER)
        for component in parts.filters.inputs:
            # Not `input`, which also fires when a dropdown is opened and left unchanged.
            changed = component.submit if isinstance(component, gr.Textbox) else component.change
            changed(queries.apply_filters, values, parts.outputs, **IN_ORDER)
        for key, example in zip(EXAMPLES, parts.examples, strict=True):
            example.click(queries.example_listener(key), values, with_box, **IN_ORDER)
        parts.filters.clear.click(
            queries.clear_filters,
            [parts.state, parts.query],
            [*parts.filters.inputs, *parts.outputs],
            **IN_ORDER,
        )
        button, weight = parts.images.button, parts.images.weight
        button.upload(
            queries.add_images, {button, *values}, parts.outputs, **{**IN_ORDER, **PICTURES}
        )
        weight.release(queries.set_picture_weight, {weight, *values}, parts.outputs, **IN_ORDER)
        for removal in (results.chips.select, results.ways_out.select):
            removal(queries.remove_chip, values, parts.all_outputs, **IN_ORDER)
        results.sort.input(queries.set_sort, {results.sort, *values}, parts.outputs, **IN_ORDER)
        results.rest.click(queries.toggle_rest, parts.state, parts.outputs, **IN_ORDER).then(
            None, js=REST_IS_SHOWN, api_visibility="private"
        )
        # Outside the search lane, since Gemini is slow.
        results.translate.click(
            queries.translate,
            parts.state,
            [parts.query, results.translation_problem],
            concurrency_limit=4,
            api_visibility="private",
        ).success(queries.search, values, parts.outputs, **IN_ORDER)
        for turn, step in ((results.next, +1), (results.previous, -1)):
            turn.click(queries.pager(step), parts.state, parts.outputs, **IN_ORDER).then(
                None, js=PAGE_IS_TURNED, api_visibility="private"
            )
        parts.bar.target.submit(
            self._urls.open_address,
            [parts.state, parts.bar.target],
            parts.all_outputs,
            trigger_mode="always_last",
            **IN_ORDER,
        )

    def _listen_to_themes(self) -> None:
        parts, discover = self.parts, self.parts.discover
        quiet = {**PRIVATE, "concurrency_limit": 4}
        discover.shown.load(discover.refresh, parts.state, discover.shown, **quiet)
        discover.open.click(discover.open_form, parts.state, discover.form_outputs, **quiet)
        discover.cancel.click(discover.close_form, None, discover.form_outputs, **quiet)
        choices = parts.filters.choice_outputs
        for event in (discover.give.click, discover.name.submit):
            event(
                discover.give_label, [parts.state, discover.name], discover.form_outputs, **quiet
            ).success(self._urls.choices, parts.state, choices, **quiet)
        discover.said.select(discover.undo, None, discover.said, **quiet).success(
            self._urls.choices, parts.state, choices, **quiet
        )

    def _listen_to_photos(self) -> None:
        parts, panel, photos = self.parts, self.parts.panel, self._photos
        parts.results.tiles.select(photos.select_tile, parts.state, parts.outputs, **IN_ORDER)
        request = parts.lightbox.request
        # The photos that were passed meanwhile need no answer.
        request.submit(
            photos.follow_browser,
            [parts.state, request],
            parts.open_outputs,
            trigger_mode="always_last",
            **IN_ORDER,
        ).failure(None, js=REQUEST_IS_LOST, api_visibility="private")
        panel.burst.click(
            photos.open_burst, [parts.state, panel.photo_id], parts.outputs, **IN_ORDER
        )
        panel.more_like_this.click(
            self._queries.more_like_this,
            [parts.state, panel.photo_id],
            [parts.query, *parts.outputs],
            **IN_ORDER,
        )
        panel.favourite.click(
            photos.toggle_favourite,
            [parts.state, panel.browser_photo_id, panel.favourite],
            [panel.favourite, *parts.filters.choice_outputs],
            **PRIVATE,
        )
        # `input` misses labels that are typed, and `change` also fires when a photo is opened.
        panel.label_editor.labels.change(
            photos.save_labels,
            [parts.state, panel.browser_photo_id, *panel.label_editor.inputs],
            [*parts.filters.choice_outputs, panel.favourite, panel.label_editor.saved],
            **PRIVATE,
        )
