"""Listeners that change the query: box, filters, images, chips, order and pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
from markupsafe import escape

from album.domain.photo import SearchFilters
from album.errors import QueryError
from album.search.query import without_chips
from album.search.request import SearchRequest, Sort
from album.search.search import PAGE, SearchPage
from album.service import Album
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import language_of, say
from album.ui.search.chips import cut_from, toggled_in
from album.ui.search.layout import SearchLayout
from album.ui.shared.alerts import alerts_on_failure, failure_shown
from album.ui.shared.session_state import SearchState
from album.ui.shared.time_zone import time_zone_of
from album.ui.shared.updates import Updates
from models.errors import ModelError


class SearchHandlers:
    """Listeners that read the components and show a page of results."""

    def __init__(self, album: Album, parts: SearchLayout) -> None:
        self._album = album
        self._parts = parts

    @alerts_on_failure
    def search(self, values: Updates, request: gr.Request) -> Updates:
        """Search for the box and the filters, with the current images.

        Other words are searched in the whole album, no longer in a theme.
        """
        query = self._read_query(values)
        if query.text != values[self._parts.state].query.text:
            query = replace(query, theme=None)
        return self.answer(query, request)

    @alerts_on_failure
    def empty_box(self, values: Updates, request: gr.Request) -> Updates:
        """Empty the box, and show what the filters and images leave."""
        return self._search_for("", values, request)

    @alerts_on_failure
    def apply_filters(self, values: Updates, request: gr.Request) -> Updates:
        """Search with other filters, or do nothing if they are unchanged."""
        query = self._read_query(values)
        if query.filters == values[self._parts.state].query.filters:
            return {self._parts.state: gr.skip()}
        return self.answer(query, request)

    @alerts_on_failure
    def add_images(self, values: Updates, request: gr.Request) -> Updates:
        """Add uploaded images to the query."""
        query = self._read_query(values)
        pictures = self._parts.images.add(query, values[self._parts.images.button])
        return self.answer(replace(query, pictures=pictures), request)

    @alerts_on_failure
    def set_picture_weight(self, values: Updates, request: gr.Request) -> Updates:
        """Set the weight of the query images, in [0, 1]."""
        weight = min(1.0, max(0.0, float(values[self._parts.images.weight])))
        return self.answer(replace(self._read_query(values), picture_weight=weight), request)

    @alerts_on_failure
    def set_sort(self, values: Updates, request: gr.Request) -> Updates:
        """Sort the results by score or by date."""
        sort: Sort = "date" if values[self._parts.results.sort] == "date" else "best"
        return self.answer(replace(values[self._parts.state].query, sort=sort), request)

    @alerts_on_failure
    def remove_chip(self, values: Updates, event: gr.SelectData, request: gr.Request) -> Updates:
        """Remove one part of the query, or switch its label between strict and not."""
        state, index = values[self._parts.state], int(event.index)
        query = state.query
        # The box changes only if words are cut out of it, since somebody may be typing there.
        if event.value == "burst":
            query = replace(query, burst=None)
            return self.show(replace(state, query=query, page=state.return_page), request)
        if event.value == "import":
            return self.answer(replace(self._read_query(values), import_id=None), request)
        if event.value == "theme":
            query = replace(query, theme=None, sort="best")
            return self.show(SearchState(query, view="themes"), request)
        if event.value == "filter" and 0 <= index < len(query.filters.parts):
            filters = query.filters.without(query.filters.parts[index])
            text = values[self._parts.query] or ""
            return self._show_filters(replace(query, text=text, filters=filters), request)
        if event.value == "all" and state.results is not None:
            chips = tuple(chip for way in state.results.ways_out for chip in way.chips)
            text = without_chips(query.text, chips)
            query = replace(query, text=text, filters=SearchFilters())
            return {self._parts.query: text, **self._show_filters(query, request)}
        if event.value == "picture":
            pictures = _without(query.pictures, index)
            query = replace(self._read_query(values), pictures=pictures)
        elif event.value == "like":
            query = replace(self._read_query(values), like=_without(query.like, index))
        elif state.results is not None and 0 <= index < len(state.results.query.chips):
            box = values[self._parts.query] or ""
            chip = state.results.query.chips[index]
            if event.value != "strict":
                box = cut_from(box, query.text, chip)
            elif chip.label:
                box = toggled_in(box, query.text, chip, language_of(request))
            return self._search_for(box, values, request)
        return self.answer(query, request)

    @alerts_on_failure
    def more_like_this(self, state: SearchState, photo_id: int, request: gr.Request) -> Updates:
        """Search for photos that look like the open one.

        The text goes, since the open photo matches it already. Text typed next is combined with
        the photo.
        """
        query = SearchRequest(like=(photo_id,), filters=state.query.filters)
        return {self._parts.query: "", **self.answer(query, request)}

    @alerts_on_failure
    def clear_filters(self, state: SearchState, text: str | None, request: gr.Request) -> Updates:
        """Search the whole album for the text in the box."""
        query = replace(
            state.query, text=text or "", filters=SearchFilters(), burst=None, import_id=None
        )
        return {**self._parts.filters.clear_all(), **self.answer(query, request)}

    @alerts_on_failure
    def translate(self, state: SearchState, request: gr.Request) -> Iterator[Updates]:
        """Translate the query text into English, or say beside it why not."""
        problem = self._parts.results.translation_problem
        yield {problem: ""}
        try:
            text = self._album.translate(state.query.text, "en")
        except (QueryError, ModelError) as error:
            yield {problem: escape(translate_failure(language_of(request), error))}
            raise failure_shown() from error
        yield {self._parts.query: text}

    @alerts_on_failure
    def toggle_rest(self, state: SearchState, request: gr.Request) -> Updates:
        """Show or hide the photos that do not match.

        Showing starts at their first page.
        """
        query = replace(state.query, rest=not state.query.rest)
        nearest = state.results is not None and state.results.nearest
        page = state.total // PAGE if query.rest and not nearest else 0
        return self.show(SearchState(query, page), request)

    def show(self, state: SearchState, request: gr.Request) -> Updates:
        """Show a state's page of results, without an open photo."""
        language = language_of(request)
        state = replace(state, query=replace(state.query, time_zone=time_zone_of(request)))
        results = self._find(state, language)
        if state.page and (not results.hits or results.is_listed):
            # Photos are gone, the address was made up, or it is a timeline, which has no pages.
            state = replace(state, page=replace(state, results=results).page_count - 1)
            results = self._find(state, language)
        state = replace(state, photo=None, results=results)
        query = state.query
        is_empty = results.total == 0 and self._album.store.count() == 0
        importing = self._album.imports.running
        is_blank = not (
            query.text.strip()
            or query.pictures
            or query.like
            or query.burst
            or query.import_id
            or query.theme
        )
        return {
            **self._parts.set_state(state),
            **self._parts.show_welcome(
                language,
                empty=is_empty,
                importing=importing is not None and importing.brings_photos,
            ),
            self._parts.filters.accordion: gr.update(visible=not is_empty),
            self._parts.browse: gr.update(visible=not is_empty),
            self._parts.examples_row: gr.update(visible=is_blank),
            **self._parts.results.show(state, results, language, empty=is_empty),
            **self._parts.discover.show(state, language, empty=is_empty),
            **self._parts.lightbox.close(),
        }

    def pager(self, step: int) -> Any:
        """Build the listener that shows the next (+1) or previous (-1) page."""

        @alerts_on_failure
        def turn_page(state: SearchState, request: gr.Request) -> Updates:
            return self.show(replace(state, page=max(0, state.page + step)), request)

        return turn_page

    def example_listener(self, key: str) -> Any:
        """Build the listener that searches for an example text."""

        @alerts_on_failure
        def search_example(values: Updates, request: gr.Request) -> Updates:
            return self._search_for(say(language_of(request), key), values, request)

        return search_example

    def answer(self, query: SearchRequest, request: gr.Request) -> Updates:
        """Show the first page of results."""
        return self.show(SearchState(query), request)

    def _search_for(self, text: str, values: Updates, request: gr.Request) -> Updates:
        """Put a text into the box and search for it."""
        query = self._read_query({**values, self._parts.query: text})
        return {self._parts.query: text, **self.answer(query, request)}

    def _show_filters(self, query: SearchRequest, request: gr.Request) -> Updates:
        """Search with filters that the row does not have yet."""
        row = self._parts.filters.show(query.filters, language_of(request))
        return {**row, **self.answer(replace(query, rest=False, burst=None), request)}

    def _find(self, state: SearchState, language: str) -> SearchPage:
        offset = state.page * PAGE
        return self._album.search.find(state.query, offset=offset, language=language)

    def _read_query(self, values: Updates) -> SearchRequest:
        """Combine box and filters with the state's images and order."""
        query: SearchRequest = values[self._parts.state].query
        filters = self._parts.filters.read(values)
        text = values[self._parts.query] or ""
        return replace(query, text=text, filters=filters, rest=False, burst=None)


def _without(items: tuple[Any, ...], index: int) -> tuple[Any, ...]:
    return tuple(item for n, item in enumerate(items) if n != index)
