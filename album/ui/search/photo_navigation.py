"""Listeners of the tiles and of the lightbox."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr

from album.domain.photo import SearchHit
from album.ui.i18n.messages import language_of
from album.ui.photo.lightbox import read_request
from album.ui.search.layout import SearchLayout
from album.ui.search.queries import SearchHandlers
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.session_state import SearchState
from album.ui.shared.updates import Updates


class PhotoNavigation:
    """Opening of photos and bursts, and edits in the drawer."""

    def __init__(self, parts: SearchLayout, queries: SearchHandlers) -> None:
        self._parts = parts
        self._queries = queries

    @alerts_on_failure
    def select_tile(self, state: SearchState, event: gr.SelectData, request: gr.Request) -> Updates:
        """Open the burst of a badge, or turn the page for the lightbox."""
        index = int(event.index)
        if event.value == "burst" and 0 <= index < len(state.photo_ids):
            return self._open_burst(state, state.photo_ids[index], request)
        if event.value == "turn" and index in (-1, 1):
            return self._turn(state, index, request)
        return {self._parts.state: gr.skip()}

    @alerts_on_failure
    def follow_browser(self, state: SearchState, wanted: str, request: gr.Request) -> Updates:
        """Fill the drawer for the photo that the browser has open, or empty it."""
        asked, photo_id = read_request(wanted)
        lightbox = self._parts.lightbox
        if photo_id is None:
            return {**self._parts.set_state(replace(state, photo=None)), **lightbox.forget(asked)}
        drawer = lightbox.fill(asked, photo_id, _hit_of(state, photo_id), language_of(request))
        return {**self._parts.set_state(replace(state, photo=photo_id)), **drawer}

    @alerts_on_failure
    def open_burst(self, state: SearchState, photo_id: int, request: gr.Request) -> Updates:
        """Show all photos of the open photo's burst."""
        return self._open_burst(state, photo_id, request)

    @alerts_on_failure
    def toggle_favourite(
        self, state: SearchState, photo_id: int, button_text: str, request: gr.Request
    ) -> Updates:
        """Set or clear the favourite label of the open photo."""
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
        """Save edits to the drawer's labels, and offer them as filters."""
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
        return {
            **self._parts.set_state(replace(state, photo=photo_id)),
            **self._parts.lightbox.open(photo_id, _hit_of(state, photo_id), language),
        }

    def _turn(self, state: SearchState, step: int, request: gr.Request) -> Updates:
        """Show the next (+1) or previous (-1) page with its nearest photo open."""
        page = state.page + step
        if not 0 <= page < state.page_count:
            return {self._parts.state: gr.skip()}
        updates = self._queries.show(replace(state, page=page), request)
        state = updates[self._parts.state]
        if not state.hits:
            return updates
        nearest = state.photo_ids[0 if step > 0 else -1]
        return {**updates, **self.open_by_id(state, nearest, language_of(request))}

    def _open_burst(self, state: SearchState, photo_id: int, request: gr.Request) -> Updates:
        query = replace(state.query, burst=photo_id)
        return self._queries.show(SearchState(query, return_page=state.page), request)


def _hit_of(state: SearchState, photo_id: int) -> SearchHit | None:
    """Return a photo's hit on this page of results."""
    return next((hit for hit in state.hits if hit.photo.photo_id == photo_id), None)
