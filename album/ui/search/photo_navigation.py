"""Listeners of the tiles and of the photo panel."""

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
    """Opening of photos and bursts, their neighbours, and edits in the panel."""

    def __init__(self, parts: SearchLayout, queries: SearchHandlers) -> None:
        self._parts = parts
        self._queries = queries

    @alerts_on_failure
    def select_tile(self, state: SearchState, event: gr.SelectData, request: gr.Request) -> Updates:
        """Open the photo of a tile, or the burst of its badge."""
        index = int(event.index)
        if event.value == "timeline":  # it has photos of all pages, so it names them by id
            return self.open_by_id(state, index, language_of(request))
        if event.value == "burst" and 0 <= index < len(state.photo_ids):
            return self._open_burst(state, state.photo_ids[index], request)
        return self._open(state, index, language_of(request))

    @alerts_on_failure
    def open_burst(self, state: SearchState, photo_id: int, request: gr.Request) -> Updates:
        """Show all photos of the open photo's burst."""
        return self._open_burst(state, photo_id, request)

    @alerts_on_failure
    def close_photo(self, state: SearchState) -> Updates:
        """Close the panel and go back to the tiles."""
        return {**self._parts.set_state(replace(state, photo=None)), **self._parts.panel.hide()}

    @alerts_on_failure
    def toggle_favourite(
        self, state: SearchState, photo_id: int, button_text: str, request: gr.Request
    ) -> Updates:
        """Set or clear the favourite label of the photo in the panel."""
        language = language_of(request)
        return {
            **self._parts.panel.toggle_favourite(photo_id, button_text, language),
            **self._parts.filters.choices(state.query.filters, language),
        }

    @alerts_on_failure
    def save_labels(
        self,
        state: SearchState,
        photo_id: int,
        labels: list[str] | None,
        snapshot: str,
        saved: str,
        request: gr.Request,
    ) -> Updates:
        """Save edits to the panel's labels, and offer them as filters."""
        language = language_of(request)
        panel, filters = self._parts.panel, self._parts.filters
        changed, updates = panel.save_labels(photo_id, labels, snapshot, saved, language)
        if changed:
            updates |= filters.choices(state.query.filters, language)
        return updates or {filters.choice_outputs[0]: gr.skip()}

    def open_by_id(self, state: SearchState, photo_id: int, language: str) -> Updates:
        """Open a photo that need not be on the page.

        Raises:
            PhotoNotFoundError: the photo, or every image of it, is gone.
        """
        if photo_id in state.photo_ids:
            return self._open(state, state.photo_ids.index(photo_id), language)
        return {
            **self._parts.set_state(replace(state, photo=photo_id)),
            **self._parts.panel.show(photo_id, None, language),
        }

    def stepper(self, step: int) -> Any:
        """Build the listener that opens the next (+1) or previous (-1) photo."""

        @alerts_on_failure
        def open_neighbour(state: SearchState, request: gr.Request) -> Updates:
            if state.photo not in state.photo_ids:
                return {self._parts.state: gr.skip()}
            index, language = state.photo_ids.index(state.photo) + step, language_of(request)
            page = state.page + step
            if 0 <= index < len(state.hits) or not 0 <= page < state.page_count:
                return self._open(state, index, language)
            updates = self._queries.show(replace(state, page=page), request)
            state = updates[self._parts.state]
            index = 0 if step > 0 else len(state.hits) - 1
            return {**updates, **self._open(state, index, language)}

        return open_neighbour

    def _open(self, state: SearchState, index: int, language: str) -> Updates:
        if not 0 <= index < len(state.hits):
            return {self._parts.state: gr.skip()}
        hit = state.hits[index]
        photo_id = hit.photo.photo_id
        return {
            **self._parts.set_state(replace(state, photo=photo_id)),
            **self._parts.panel.show(photo_id, hit, language),
        }

    def _open_burst(self, state: SearchState, photo_id: int, request: gr.Request) -> Updates:
        query = replace(state.query, burst=photo_id)
        return self._queries.show(SearchState(query, return_page=state.page), request)
