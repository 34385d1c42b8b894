"""The Search tab, the home: here what is pressed on it meets what that does."""

from __future__ import annotations

from typing import Any

import gradio as gr

from album.service import Album
from album.ui.search.layout import EXAMPLES, SearchLayout
from album.ui.search.photo_navigation import PhotoNavigation
from album.ui.search.queries import SearchHandlers
from album.ui.search.results import PAGE_IS_TURNED, PHOTO_IS_CLOSED, PHOTO_IS_OPEN, REST_IS_SHOWN
from album.ui.search.url_navigation import UrlNavigation
from album.ui.shared.queue_lanes import PICTURES, SEARCHES
from album.ui.shared.uploads import UploadFolder


class SearchTab:
    """The tab with its listeners, and what the rest of the page needs of it."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self.parts = SearchLayout(album, uploads)
        self._asking = SearchHandlers(album, self.parts)
        self._viewing = PhotoNavigation(self.parts, self._asking)
        arriving = UrlNavigation(album, self.parts, self._asking, self._viewing)
        self.open_by_id = self._viewing.open_by_id
        self.refresh = arriving.refresh
        self._arriving = arriving
        self._listen()
        self._listen_to_photos()

    def _listen(self) -> None:
        parts, asking = self.parts, self._asking
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        in_order: dict[str, Any] = {**private, **SEARCHES}
        asked = {parts.shown, parts.query, *parts.filters.inputs}
        with_box = [parts.query, *parts.outputs]
        for event in (parts.query.submit, parts.find.click):
            # Asked again while one is answered: the last question is answered, too.
            event(
                asking.search, asked, parts.outputs, trigger_mode="always_last",
                **{**in_order, "show_progress": "minimal"},
            )  # fmt: skip
        for component in parts.filters.inputs:
            # Not `input`: it is also said of a dropdown that is opened and left as it was.
            changed = component.submit if isinstance(component, gr.Textbox) else component.change
            changed(asking.narrow, asked, parts.outputs, **in_order)
        for key, example in zip(EXAMPLES, parts.examples, strict=True):
            example.click(asking.asker_of(key), asked, with_box, **in_order)
        parts.filters.clear.click(
            asking.clear_filters, [parts.shown, parts.query],
            [*parts.filters.inputs, *parts.outputs], **in_order,
        )  # fmt: skip
        button, weight = parts.pictures.button, parts.pictures.weight
        button.upload(
            asking.add_pictures, {button, *asked}, parts.outputs, **{**in_order, **PICTURES}
        )
        weight.release(asking.set_picture_weight, {weight, *asked}, parts.outputs, **in_order)
        results = parts.results
        results.chips.select(asking.drop_chip, asked, with_box, **in_order)
        results.sort.input(asking.set_sort, {results.sort, *asked}, parts.outputs, **in_order)
        results.rest.click(asking.turn_rest, parts.shown, parts.outputs, **in_order).then(
            None, js=REST_IS_SHOWN, api_visibility="private"
        )
        # Gemini is slow: nobody else's search waits for it.
        results.translate.click(
            asking.translate, parts.shown, parts.query,
            concurrency_limit=4, api_visibility="private",
        ).success(asking.search, asked, parts.outputs, **in_order)  # fmt: skip
        for turn, step in ((results.next, +1), (results.previous, -1)):
            turn.click(asking.turner(step), parts.shown, parts.outputs, **in_order).then(
                None, js=PAGE_IS_TURNED, api_visibility="private"
            )
        parts.bar.go_to.submit(
            self._arriving.go_to, [parts.shown, parts.bar.go_to], parts.all_outputs,
            trigger_mode="always_last", **in_order,
        ).then(None, js=PHOTO_IS_CLOSED, api_visibility="private")  # fmt: skip

    def _listen_to_photos(self) -> None:
        parts, asking, viewing = self.parts, self._asking, self._viewing
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        in_order: dict[str, Any] = {**private, **SEARCHES}
        panel = parts.panel
        to_panel = [parts.shown, parts.bar.here, *panel.outputs]
        parts.results.tiles.select(viewing.choose, parts.shown, parts.outputs, **in_order)
        panel.next.click(viewing.stepper(+1), parts.shown, parts.outputs, **in_order)
        panel.previous.click(viewing.stepper(-1), parts.shown, parts.outputs, **in_order)
        panel.close.click(viewing.close_photo, parts.shown, to_panel, **in_order).then(
            None, js=PHOTO_IS_CLOSED, api_visibility="private"
        )
        panel.shown_id.change(None, panel.shown_id, js=PHOTO_IS_OPEN, api_visibility="private")
        panel.burst.click(
            viewing.open_burst, [parts.shown, panel.photo_id], parts.outputs, **in_order
        )
        panel.more_like_this.click(
            asking.more_like_this, [parts.shown, panel.photo_id], [parts.query, *parts.outputs],
            **in_order,
        )  # fmt: skip
        panel.favourite.click(
            viewing.toggle_favourite,
            [parts.shown, panel.shown_id, panel.favourite],
            [panel.favourite, *parts.filters.choice_outputs],
            **private,
        )
        # `input` says nothing of a label that is typed; `change` also tells of photos being opened.
        panel.label_box.labels.change(
            viewing.save_labels,
            [parts.shown, panel.shown_id, *panel.label_box.inputs],
            [*parts.filters.choice_outputs, panel.favourite, panel.label_box.saved],
            **private,
        )
