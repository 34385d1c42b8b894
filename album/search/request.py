"""The search request that page, command line and ranking share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from album.domain.photo import SearchFilters

Sort = Literal["best", "date"]


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """Words, pictures and filters of one search."""

    text: str = ""
    """A sentence in the query language, see `query.parse`."""
    pictures: tuple[Path, ...] = ()
    """Image files that the hits should look like."""
    like: tuple[int, ...] = ()
    """Photos of the album that the hits should look like. They are no hits themselves."""
    picture_weight: float = 0.5
    """Weight in [0, 1] of the pictures beside the words."""
    filters: SearchFilters = field(default_factory=SearchFilters)
    sort: Sort = "best"
    """By date: the latest first, inside each band."""
    rest: bool = False
    """Show what does not match as well, behind all matches."""
    burst: int | None = None
    """Only photos of the same burst as this one, by time."""
    import_id: int | None = None
    """Only photos that this import added."""
    theme: int | None = None
    """Only photos of this theme. Without looks: those nearest its centre first."""
    time_zone: str = ""
    """IANA name of the zone in which "today" is a day. "" or unknown: the server's zone."""

    def listed(self, time_zone: str) -> SearchRequest:
        """Return the request of the timeline, which has one order, for a reader's time zone."""
        return SearchRequest(
            self.text,
            self.pictures,
            self.like,
            filters=self.filters,
            burst=self.burst,
            import_id=self.import_id,
            theme=self.theme,
            time_zone=time_zone,
        )
