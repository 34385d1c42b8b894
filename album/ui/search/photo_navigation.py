"""The open photo: which tile it is, its neighbours, its moment, what is noted about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from album.ui.i18n.messages import language_of
from album.ui.search.layout import SearchLayout
from album.ui.search.queries import SearchHandlers
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.session_state import SearchState
from album.ui.shared.updates import Updates


class PhotoNavigation:
    """What the listeners of the tiles and of the panel do."""

    def __init__(self, parts: SearchLayout, asking: SearchHandlers) -> None:
        self._parts = parts
        self._asking = asking

    @alerts_on_failure
    def choose(self, shown: SearchState, event: gr.SelectData, request: gr.Request) -> Updates:
        """The chosen tile in the panel, or the moment of its badge."""
        place = int(event.index)
        if event.value == "burst" and 0 <= place < len(shown.photo_ids):
            return self._open_burst(shown, shown.photo_ids[place], request)
        return self._open(shown, place, language_of(request))

    @alerts_on_failure
    def open_burst(self, shown: SearchState, photo_id: int, request: gr.Request) -> Updates:
        """All photos of the moment of this one."""
        return self._open_burst(shown, photo_id, request)

    @alerts_on_failure
    def close_photo(self, shown: SearchState) -> Updates:
        """Back to the tiles."""
        return {**self._parts.now(replace(shown, photo=None)), **self._parts.panel.hidden()}

    @alerts_on_failure
    def toggle_favourite(
        self, shown: SearchState, photo_id: int, heart: str, request: gr.Request
    ) -> Updates:
        """Make the photo in the panel a favourite, or none any more."""
        language = language_of(request)
        return {
            **self._parts.panel.toggle_favourite(photo_id, heart, language),
            **self._parts.filters.choices(shown.query.filters, language),
        }

    @alerts_on_failure
    def save_labels(
        self,
        shown: SearchState,
        photo_id: int,
        labels: list[str] | None,
        filled: str,
        saved: str,
        request: gr.Request,
    ) -> Updates:
        """Keep what was changed of the labels in the panel, and offer new ones as filters."""
        language = language_of(request)
        panel, filters = self._parts.panel, self._parts.filters
        changed, updates = panel.save_labels(photo_id, labels, filled, saved, language)
        if changed:
            updates |= filters.choices(shown.query.filters, language)
        return updates or {filters.choice_outputs[0]: gr.skip()}

    def open_by_id(self, shown: SearchState, photo_id: int, language: str) -> Updates:
        """A photo in the panel that need not be on the page.

        Raises:
            PhotoNotFoundError: the photo, or every picture of it, is gone.
        """
        if photo_id in shown.photo_ids:
            return self._open(shown, shown.photo_ids.index(photo_id), language)
        return {
            **self._parts.now(replace(shown, photo=photo_id)),
            **self._parts.panel.show(photo_id, None, language),
        }

    def _open(self, shown: SearchState, place: int, language: str) -> Updates:
        if not 0 <= place < len(shown.hits):
            return {self._parts.shown: gr.skip()}
        hit = shown.hits[place]
        photo_id = hit.photo.photo_id
        return {
            **self._parts.now(replace(shown, photo=photo_id)),
            **self._parts.panel.show(photo_id, hit, language),
        }

    def _open_burst(self, shown: SearchState, photo_id: int, request: gr.Request) -> Updates:
        asked = replace(shown.query, burst=photo_id)
        return self._asking.show(SearchState(asked, return_page=shown.page), request)

    def stepper(self, step: int) -> Any:
        @alerts_on_failure
        def open_neighbour(shown: SearchState, request: gr.Request) -> Updates:
            """The photo before or after the open one, on the next page where this one ends."""
            if shown.photo not in shown.photo_ids:
                return {self._parts.shown: gr.skip()}
            place, language = shown.photo_ids.index(shown.photo) + step, language_of(request)
            page = shown.page + step
            if 0 <= place < len(shown.hits) or not 0 <= page < shown.page_count:
                return self._open(shown, place, language)
            turned = self._asking.show(replace(shown, page=page), request)
            there: SearchState = turned[self._parts.shown]
            return {**turned, **self._open(there, 0 if step > 0 else len(there.hits) - 1, language)}

        return open_neighbour
