"""Questions of the Search tab, and the page that answers them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from album.domain.photo import SearchFilters
from album.search.request import SearchRequest, Sort
from album.search.search import PAGE, SearchPage
from album.service import Album
from album.ui.i18n.messages import language_of, say
from album.ui.search.chips import cut_from
from album.ui.search.layout import SearchLayout
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.session_state import SearchState
from album.ui.shared.updates import Updates


class SearchHandlers:
    """What the listeners of the box, the filters, the chips and the pager do."""

    def __init__(self, album: Album, parts: SearchLayout) -> None:
        self._album = album
        self._parts = parts

    @alerts_on_failure
    def search(self, given: Updates, request: gr.Request) -> Updates:
        """What the box asks for now; pictures that are chips above it go on counting."""
        return self.answer(self._asked(given), request)

    @alerts_on_failure
    def narrow(self, given: Updates, request: gr.Request) -> Updates:
        """The same question under other filters; nothing to do where they are the same."""
        asked = self._asked(given)
        if asked.filters == given[self._parts.shown].question.filters:
            return {self._parts.shown: gr.skip()}
        return self.answer(asked, request)

    @alerts_on_failure
    def add_pictures(self, given: Updates, request: gr.Request) -> Updates:
        """The same with more pictures, beside the words or alone."""
        asked = self._asked(given)
        pictures = self._parts.pictures.added(asked, given[self._parts.pictures.button])
        return self.answer(replace(asked, pictures=pictures), request)

    @alerts_on_failure
    def set_picture_weight(self, given: Updates, request: gr.Request) -> Updates:
        """The same with pictures that count more, or less."""
        weight = min(1.0, max(0.0, float(given[self._parts.pictures.weight])))
        return self.answer(replace(self._asked(given), picture_weight=weight), request)

    @alerts_on_failure
    def set_sort(self, given: Updates, request: gr.Request) -> Updates:
        """The same photos in another order."""
        sort: Sort = "date" if given[self._parts.results.sort] == "date" else "best"
        return self.answer(replace(given[self._parts.shown].question, sort=sort), request)

    @alerts_on_failure
    def drop_chip(self, given: Updates, event: gr.SelectData, request: gr.Request) -> Updates:
        """The same question without one of its parts."""
        shown, box = given[self._parts.shown], given[self._parts.query] or ""
        asked, number = shown.question, int(event.index)
        # The box changes only where words are cut out of it: somebody may be typing there.
        if event.value == "burst":
            new = replace(shown, question=replace(asked, burst=None), page=shown.page_before)
            return self.show(new, request)
        if event.value == "picture":
            asked = replace(self._asked(given), pictures=_without(asked.pictures, number))
        elif event.value == "like":
            asked = replace(self._asked(given), like=_without(asked.like, number))
        elif shown.found is not None and 0 <= number < len(shown.found.query.chips):
            box = cut_from(box, asked.text, shown.found.query.chips[number])
            asked = self._asked({**given, self._parts.query: box})
            return {self._parts.query: box, **self.answer(asked, request)}
        return self.answer(asked, request)

    @alerts_on_failure
    def more_like_this(self, shown: SearchState, photo_id: int, request: gr.Request) -> Updates:
        """Photos that look like the open one. The words go: it answers them, or it would not be
        looked at; those that are typed next are asked beside it."""
        asked = SearchRequest(like=(photo_id,), filters=shown.question.filters)
        return {self._parts.query: "", **self.answer(asked, request)}

    @alerts_on_failure
    def clear_filters(self, shown: SearchState, text: str | None, request: gr.Request) -> Updates:
        """The same question of the whole album."""
        asked = replace(shown.question, text=text or "", filters=SearchFilters(), burst=None)
        return {**self._parts.filters.cleared(), **self.answer(asked, request)}

    @alerts_on_failure
    def translate(self, shown: SearchState) -> str:
        """The words in English."""
        return self._album.translate(shown.question.text, "en")

    @alerts_on_failure
    def turn_rest(self, shown: SearchState, request: gr.Request) -> Updates:
        """Show what does not match, from where it begins, or hide it again."""
        asked = replace(shown.question, rest=not shown.question.rest)
        nearest = shown.found is not None and shown.found.nearest
        page = shown.total // PAGE if asked.rest and not nearest else 0
        return self.show(SearchState(asked, page), request)

    def show(self, shown: SearchState, request: gr.Request) -> Updates:
        """The page of photos that `shown` asks for, without an open one."""
        shown = replace(shown, photo=None)
        language = language_of(request)
        found = self._found(shown, language)
        if shown.page and not found.hits:  # fewer than there were, or an address of one's own
            shown = replace(shown, page=replace(shown, found=found).pages - 1)
            found = self._found(shown, language)
        shown = replace(shown, found=found)
        asked = shown.question
        empty = found.total == 0 and self._album.store.count() == 0
        return {
            **self._parts.now(shown),
            self._parts.welcome: gr.update(visible=empty),
            self._parts.filters.accordion: gr.update(visible=not empty),
            self._parts.browse: gr.update(visible=not empty),
            self._parts.examples_row: gr.update(
                visible=not (asked.text.strip() or asked.pictures or asked.like or asked.burst)
            ),
            **self._parts.results.of(shown, found, language, empty=empty),
            **self._parts.panel.hidden(),
        }

    def turner(self, step: int) -> Any:
        @alerts_on_failure
        def turn_page(shown: SearchState, request: gr.Request) -> Updates:
            return self.show(replace(shown, page=max(0, shown.page + step)), request)

        return turn_page

    def asker_of(self, key: str) -> Any:
        @alerts_on_failure
        def ask_example(given: Updates, request: gr.Request) -> Updates:
            text = say(language_of(request), key)
            asked = self._asked({**given, self._parts.query: text})
            return {self._parts.query: text, **self.answer(asked, request)}

        return ask_example

    def answer(self, question: SearchRequest, request: gr.Request) -> Updates:
        """The first page of the answer."""
        return self.show(SearchState(question), request)

    def _found(self, shown: SearchState, language: str) -> SearchPage:
        offset = shown.page * PAGE
        return self._album.search.find(shown.question, offset=offset, language=language)

    def _asked(self, given: Updates) -> SearchRequest:
        """What the box and the filters ask for now, beside pictures and order as they were."""
        question: SearchRequest = given[self._parts.shown].question
        filters = self._parts.filters.chosen(given)
        return replace(
            question, text=given[self._parts.query] or "", filters=filters, rest=False, burst=None
        )


def _without(items: tuple[Any, ...], number: int) -> tuple[Any, ...]:
    return tuple(it for n, it in enumerate(items) if n != number)
