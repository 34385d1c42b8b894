"""Journey 2: PhotoSearch finds photos by words, by a picture, or by both, exactly ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from album.active_encoder import Active, ActiveEncoder
from album.errors import EmptyQueryError
from album.image_files import read_for_encoder
from album.photo import Photo, SearchFilters, SearchHit
from album.store import PhotoStore

PAGE = 60


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of hits."""

    hits: list[SearchHit]
    """Best first; for an empty query, newest first and without a score."""
    total: int
    """How many photos there are on all pages."""
    model_id: str | None
    """Who ranked them; None where nothing had to be ranked."""


class PhotoSearch:
    """Ranks the album against a query."""

    def __init__(self, store: PhotoStore, active: ActiveEncoder) -> None:
        self._store = store
        self._active = active

    def find(
        self,
        text: str = "",
        *,
        picture: Path | None = None,
        filters: SearchFilters | None = None,
        offset: int = 0,
        limit: int = PAGE,
    ) -> SearchPage:
        """Photos that look like `text`, like `picture`, or both; all, newest first, for neither.

        Args:
            text: a word or sentence, in a language that the model reads.
            picture: an image file; both together weigh the same.
            filters: photos that do not pass are not ranked at all.
            offset: how many hits to leave out, for the next page.
            limit: how many at the most.

        Raises:
            UnreadableImageError: `picture` is no image.
            ModelLoadingError: no model came in time.
        """
        filters = filters or SearchFilters()
        text = " ".join(text.split())
        if not text and picture is None:
            return self._newest(filters, offset, limit)
        active = self._active.current()
        parts = []
        if text:
            parts.append(active.encoder.encode_texts([text])[0])
        if picture is not None:
            image, _ = read_for_encoder(picture, active.encoder.image_size)
            parts.append(active.encoder.encode_images([image])[0])
        return self._rank(active, _mean_direction(parts), filters, None, offset, limit)

    def similar(
        self,
        photo_id: int,
        *,
        filters: SearchFilters | None = None,
        offset: int = 0,
        limit: int = PAGE,
    ) -> SearchPage:
        """Photos that look like this one, which is left out itself.

        Raises:
            PhotoNotFoundError: there is no such photo.
            EmptyQueryError: it has not been encoded yet.
        """
        photo = self._store.get(photo_id)
        active = self._active.current()
        own = active.index.vectors_of(np.array([photo_id], dtype=np.int64))  # (0 or 1, d)
        if not len(own):
            raise EmptyQueryError(f"{photo.filename} is still being looked at; try again soon.")
        return self._rank(active, own[0], filters or SearchFilters(), photo_id, offset, limit)

    def hits_for(self, ranked: Sequence[tuple[int, float | None]]) -> list[SearchHit]:
        """Photos and captions to (photo id, score) pairs, in their order."""
        photo_ids = [photo_id for photo_id, _ in ranked]
        photos = self._store.get_many(photo_ids)
        captions = self._store.captions_of(photo_ids)
        return [
            SearchHit(photos[photo_id], score, captions.get(photo_id))
            for photo_id, score in ranked
            if photo_id in photos
        ]

    def _newest(self, filters: SearchFilters, offset: int, limit: int) -> SearchPage:
        photos: list[Photo] = self._store.newest(filters, offset, limit)
        captions = self._store.captions_of([photo.photo_id for photo in photos])
        hits = [SearchHit(photo, None, captions.get(photo.photo_id)) for photo in photos]
        return SearchPage(hits, self._store.count(filters), None)

    def _rank(
        self,
        active: Active,
        query: npt.NDArray[np.float32],
        filters: SearchFilters,
        without: int | None,
        offset: int,
        limit: int,
    ) -> SearchPage:
        allowed = None if filters == SearchFilters() else self._store.matching_ids(filters)
        ranking = active.index.rank(query, allowed, offset, limit, without)
        pairs = zip(ranking.photo_ids.tolist(), ranking.scores.tolist(), strict=True)
        return SearchPage(self.hits_for(list(pairs)), ranking.total, active.encoder.model_id)


def _mean_direction(parts: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """(d,) of L2 norm 1: the sum of unit vectors, so that each part weighs the same."""
    if len(parts) == 1:
        return parts[0]
    total: npt.NDArray[np.float32] = np.sum(parts, axis=0)  # (d,)
    return total / np.float32(max(float(np.linalg.norm(total)), 1e-12))
