"""Listeners for addresses: first load, back and forward, and the search history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import gradio as gr

from album.errors import AlbumError, QueryError
from album.search.request import SearchRequest
from album.service import Album
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import language_of
from album.ui.search.layout import SearchLayout
from album.ui.search.photo_navigation import PhotoNavigation
from album.ui.search.queries import SearchHandlers
from album.ui.search.url_state import from_address, parameters, to_address
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.session_state import SearchState
from album.ui.shared.updates import Updates


class UrlNavigation:
    """Listeners that show an address, which may be forged."""

    def __init__(
        self, album: Album, parts: SearchLayout, queries: SearchHandlers, photos: PhotoNavigation
    ) -> None:
        self._album = album
        self._parts = parts
        self._queries = queries
        self._photos = photos

    @alerts_on_failure
    def open_address(
        self, state: SearchState, address: str, request: gr.Request
    ) -> Iterator[Updates]:
        """Show an address.

        If only its photo differs, the photo alone is opened or closed.
        """
        yield from self._show(state, from_address(parameters(address)), request)

    @alerts_on_failure
    def refresh(self, state: SearchState, request: gr.Request) -> Updates:
        """Show the current page with new photos, around an open photo.

        Of the address of a page that was just loaded, box and filters come first. `arrive` follows.
        These are no generators: a browser may draw the second answer of one after the answer to a
        search that somebody began meanwhile.
        """
        if state.results is None:
            target = from_address(request.query_params)
            if target == SearchState():
                return self.arrive(state, request)
            return self._controls(target.query, language_of(request))
        if state.photo is None:
            return {**self._queries.show(state, request), **self.choices(state, request)}
        return self.choices(state, request)

    @alerts_on_failure
    def arrive(self, state: SearchState, request: gr.Request) -> Updates:
        """Show the address of a page that was just loaded, unless somebody searches already."""
        if state.results is not None:
            return {self._parts.state: gr.skip()}
        updates: Updates = {}
        for more in self._show(state, from_address(request.query_params), request):
            updates |= more
        return updates

    @alerts_on_failure
    def open_import(
        self, state: SearchState, import_id: int, request: gr.Request
    ) -> Iterator[Updates]:
        """Show the photos that an import added."""
        yield from self._show(state, SearchState(SearchRequest(import_id=import_id)), request)

    def _has_import(self, import_id: int | None) -> bool:
        try:
            return import_id is not None and bool(self._album.import_store.get(import_id))
        except AlbumError:  # a forged address, or a restored album
            return False

    def choices(self, state: SearchState, request: gr.Request) -> Updates:
        """Offer the cameras, labels and places that there are now as filters."""
        return self._parts.filters.choices(state.query.filters, language_of(request))

    def _controls(self, query: SearchRequest, language: str) -> Updates:
        return {
            self._parts.query: query.text,
            **self._parts.filters.show(query.filters, language),
        }

    def _show(
        self, state: SearchState, target: SearchState, request: gr.Request
    ) -> Iterator[Updates]:
        """Show a target state, box and filters first.

        The search may take long. An empty query leaves the box alone, since somebody may type while
        the page loads. Photos that no longer exist are left out of the query.

        """
        query, photo, language = target.query, target.photo, language_of(request)
        ids = (*query.like, query.burst, photo)
        view = target.view
        if query.theme is not None:
            try:
                self._album.discovery.theme(query.theme)
            except QueryError as error:
                gr.Warning(translate_failure(language, error))
                query, view = replace(query, theme=None), "themes"
        existing = self._album.store.get_many([id_ for id_ in ids if id_ is not None])
        if photo is not None and photo not in existing:
            gr.Warning(translate_failure(language, "This photo is not in the album."))
            photo = None
        query = replace(
            query,
            like=tuple(photo_id for photo_id in query.like if photo_id in existing),
            burst=query.burst if query.burst in existing else None,
            import_id=query.import_id if self._has_import(query.import_id) else None,
        )
        if to_address(SearchState(query)) == to_address(SearchState(state.query)):
            query = state.query  # with its uploaded images, which no address holds
        is_new = state.results is None or (query, target.page, view) != (
            state.query,
            state.page,
            state.view,
        )
        if is_new:
            if state.results is None and query == SearchRequest():
                # The box and the filters are as built, or somebody is typing already.
                yield self.choices(SearchState(query), request)
            else:
                yield self._controls(query, language)
            updates = self._queries.show(SearchState(query, target.page, view=view), request)
            state = updates[self._parts.state]
            yield updates
        if photo is not None:
            yield self._photos.open_by_id(state, photo, language)
        elif state.photo is not None:
            yield {
                **self._parts.set_state(replace(state, photo=None)),
                **self._parts.lightbox.close(),
            }
        elif not is_new:
            yield {self._parts.state: gr.skip()}
