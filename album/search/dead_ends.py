"""Dead ends: which parts of a search take all photos away, and how many are there without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from album.domain.filters import Filter, Writes
from album.domain.photo import FilterPart, SearchFilters
from album.search.query import Chip, Query, without_chips
from album.storage.photo_filters import FilterMasks
from album.storage.photo_table import Ids
from album.storage.photos import PhotoStore
from album.storage.text_index import TextIndex

MOST_CHIPS = 8
MOST_CHARACTERS = 200
"""Longer texts are parsed only once more: without any condition."""

Parse = Callable[[str], Query]


@dataclass(frozen=True, slots=True)
class WayOut:
    """Parts of a search to drop, and the photos that pass all others."""

    chips: tuple[Chip, ...]
    """Of the text."""
    parts: tuple[FilterPart, ...]
    """Of the filters."""
    photos: int


class DeadEnds:
    """Counts of photos by filters and conditions, each fact looked up once."""

    def __init__(self, store: PhotoStore, texts: TextIndex, parse: Parse) -> None:
        self._texts = texts
        self._parse = parse
        self._written: dict[str, Ids] = {}
        self._masks = FilterMasks(store.database, store.photo_table(), self._written)

    def ways_out(self, query: Query, filters: SearchFilters) -> tuple[WayOut, ...]:
        """Find the parts of a search without which photos are left.

        Returns:
            A way out for each part that alone takes all photos away, the most photos first. If no
            part does so alone, one way out without any. Empty where photos pass the filters.
        """
        if self._count(filters, query.conditions):
            return ()
        ways = [way for way in self._single(query, filters) if way.photos]
        if not ways:
            chips = tuple(chip for chip in query.chips if chip.kind != "look")
            photos = self._count(SearchFilters(), self._conditions_without(query, chips))
            ways = [WayOut(chips, filters.parts, photos)] if photos else []
        return tuple(sorted(ways, key=lambda way: -way.photos))

    def _single(self, query: Query, filters: SearchFilters) -> Iterator[WayOut]:
        for part in filters.parts:
            yield WayOut((), (part,), self._count(filters.without(part), query.conditions))
        if len(query.text) <= MOST_CHARACTERS:
            for chip in query.chips[:MOST_CHIPS]:
                conditions = self._conditions_without(query, (chip,))
                yield WayOut((chip,), (), self._count(filters, conditions))

    def _conditions_without(self, query: Query, chips: Sequence[Chip]) -> tuple[Filter, ...]:
        return self._parse(without_chips(query.text, chips)).conditions

    def _count(self, filters: SearchFilters, conditions: Sequence[Filter]) -> int:
        new = [
            condition
            for condition in conditions
            if isinstance(condition.fact, Writes) and condition.fact.phrase not in self._written
        ]
        self._written.update(self._texts.written(new))
        return self._masks.count(filters, conditions)
