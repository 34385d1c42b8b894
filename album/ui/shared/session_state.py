"""What one browser is looking at: a question, a page of its answer, perhaps one photo."""

from __future__ import annotations

from dataclasses import dataclass, field

from album.domain.photo import SearchHit
from album.search.request import SearchRequest
from album.search.search import PAGE, SearchPage


@dataclass(frozen=True)
class SearchState:
    """Lives in the session of a browser, on the server.

    What the browser chooses is looked up here, never believed.
    """

    question: SearchRequest = field(default_factory=SearchRequest)
    page: int = 0
    """Of `PAGE` hits each, counted from 0."""
    photo: int | None = None
    """The id of the photo that is open in the panel; it need not be among the hits."""
    page_before: int = 0
    """Of the answer that a burst was opened in: the way back."""
    found: SearchPage | None = None
    """The hits of this page; None until the question has been answered."""

    @property
    def hits(self) -> list[SearchHit]:
        """The photos on this page."""
        return [] if self.found is None else self.found.hits

    @property
    def ids(self) -> list[int]:
        """The ids of the photos on this page."""
        return [hit.photo.photo_id for hit in self.hits]

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PAGE))

    @property
    def total(self) -> int:
        """How many hits there are on all pages."""
        return 0 if self.found is None else self.found.total
