"""State of one browser session: query, page and open photo."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from album.domain.photo import SearchFilters, SearchHit
from album.search.request import SearchRequest
from album.search.search import PAGE, SearchPage

View = Literal["timeline", "themes", "map"]
"""How the whole album is shown, where nothing is searched."""


@dataclass(frozen=True)
class SearchState:
    """Search of one browser, kept on the server.

    Indices that the browser sends are looked up here and never trusted.
    """

    query: SearchRequest = field(default_factory=SearchRequest)
    page: int = 0
    """Page number from 0, each page of `PAGE` hits."""
    photo: int | None = None
    """Id of the photo in the panel, which need not be among the hits."""
    return_page: int = 0
    """Page that a burst was opened from, shown again when the burst is closed."""
    view: View = "timeline"
    """Chosen view of the whole album."""
    results: SearchPage | None = None
    """Hits of this page, or None until the query has been answered."""

    @property
    def hits(self) -> list[SearchHit]:
        return [] if self.results is None else self.results.hits

    @property
    def is_home(self) -> bool:
        """Return whether the whole album is shown."""
        query = self.query
        asked = query.text.strip() or query.pictures or query.like
        chosen = {query.burst, query.import_id, query.theme} != {None}
        return not (asked or chosen) and query.filters == SearchFilters()

    @property
    def photo_ids(self) -> list[int]:
        """Return the ids of the photos on this page."""
        return [hit.photo.photo_id for hit in self.hits]

    @property
    def page_count(self) -> int:
        """Return the number of pages, at least 1. A timeline has one."""
        if self.results is not None and self.results.is_listed:
            return 1
        return max(1, -(-self.total // PAGE))

    @property
    def total(self) -> int:
        """Return the number of hits on all pages."""
        return 0 if self.results is None else self.results.total
