"""Arriving at an address: the first load, back and forward, a question out of the history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import gradio as gr

from album.search.request import SearchRequest
from album.service import Album
from album.ui.i18n.error_messages import in_language
from album.ui.i18n.messages import language_of
from album.ui.search.layout import SearchLayout
from album.ui.search.photo_navigation import PhotoNavigation
from album.ui.search.queries import SearchHandlers
from album.ui.search.url_state import from_address, parameters, to_address
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.session_state import SearchState
from album.ui.shared.updates import Updates


class UrlNavigation:
    """Shows what an address asks for, from anybody."""

    def __init__(
        self, album: Album, parts: SearchLayout, asking: SearchHandlers, viewing: PhotoNavigation
    ) -> None:
        self._album = album
        self._parts = parts
        self._asking = asking
        self._viewing = viewing

    @alerts_on_failure
    def go_to(self, shown: SearchState, address: str, request: gr.Request) -> Iterator[Updates]:
        """What an address asks for; only the photo is opened or closed where the rest is here."""
        yield from self._arrive(shown, from_address(parameters(address)), request)

    @alerts_on_failure
    def refresh(self, shown: SearchState, request: gr.Request) -> Iterator[Updates]:
        """The same page once more, with what has been added since; an open photo stays open."""
        if shown.found is None:  # the page was just loaded
            yield from self._arrive(shown, from_address(request.query_params), request)
        elif shown.photo is None:
            yield {**self._asking.show(shown, request), **self._choices(shown, request)}
        else:
            yield self._choices(shown, request)

    def _choices(self, shown: SearchState, request: gr.Request) -> Updates:
        return self._parts.filters.choices(shown.question.filters, language_of(request))

    def _arrive(
        self, shown: SearchState, wanted: SearchState, request: gr.Request
    ) -> Iterator[Updates]:
        """Show what an address asks for, the box and the filters first: the answer may take long.

        An address that asks nothing leaves alone what is typed while its page is being loaded.
        Photos that are not there any more are left out of the question.
        """
        asked, language = wanted.question, language_of(request)
        there = self._album.store.get_many(
            [it for it in (*asked.like, asked.burst, wanted.photo) if it is not None]
        )
        if wanted.photo is not None and wanted.photo not in there:
            gr.Warning(in_language(language, "This photo is not in the album."))
        asked = replace(
            asked,
            like=tuple(it for it in asked.like if it in there),
            burst=asked.burst if asked.burst in there else None,
        )
        if to_address(SearchState(asked)) == to_address(SearchState(shown.question)):
            asked = shown.question  # with its pictures, which no address holds
        asks = shown.found is None or (asked, wanted.page) != (shown.question, shown.page)
        if asks:
            if shown.found is None and asked == SearchRequest():
                # The box and the filters are as they were built, or somebody types there already.
                yield self._choices(SearchState(asked), request)
            else:
                yield {
                    self._parts.query: asked.text,
                    **self._parts.filters.shows(asked.filters, language),
                }
            answer = self._asking.show(SearchState(asked, wanted.page), request)
            shown = answer[self._parts.shown]
            yield answer
        if wanted.photo in there and wanted.photo is not None:
            yield self._viewing.open_by_id(shown, wanted.photo, language)
        elif shown.photo is not None:
            yield {**self._parts.now(replace(shown, photo=None)), **self._parts.panel.hidden()}
        elif not asks:
            yield {self._parts.shown: gr.skip()}
