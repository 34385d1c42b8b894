"""NearDuplicates: photos that look so nearly the same that one caption fits all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from album.domain.bursts import GAP_MS
from album.storage.photos import PhotoStore

SAME = 0.97
"""Cosine with the first of a group from which one caption fits both; bursts are shown as one from
less, for there the others are a click away."""
KINDS = 8
"""With so many groups of a moment, the latest, a photo is compared; a series may be endless."""


class NearDuplicates:
    """Groups photos of one moment by the vectors that the album has of most of its photos."""

    def __init__(self, store: PhotoStore) -> None:
        self._store = store

    def groups(self, photo_ids: Sequence[int]) -> list[list[int]]:
        """The photos, those that look the same together; the first of each is like all others.

        Photos whose time is not known, or that are not encoded yet, stand alone.

        Args:
            photo_ids: which; each once.
        """
        counts = self._store.encoded_by()
        model_id = max(counts, key=lambda it: counts[it], default=None)
        first_of = {int(it): int(it) for it in photo_ids}
        for moment in self._moments(photo_ids) if model_id is not None else ():
            vectors = self._store.vectors_of(str(model_id), moment)
            firsts: list[int] = []
            for photo_id in moment:
                mine = vectors.get(photo_id)
                if mine is None:
                    continue
                like = (it for it in firsts[-KINDS:] if float(vectors[it] @ mine) >= SAME)
                first = next(like, None)
                if first is None:
                    firsts.append(photo_id)
                else:
                    first_of[photo_id] = first
        groups: dict[int, list[int]] = {}
        for photo_id, first in first_of.items():
            group = groups.setdefault(first, [first])
            if photo_id != first:
                group.append(photo_id)
        return list(groups.values())

    def _moments(self, photo_ids: Sequence[int]) -> Iterator[list[int]]:
        """Series of two and more of the photos, each soon after the one before."""
        facts = self._store.photo_table()
        wanted: npt.NDArray[np.int64] = np.array(photo_ids, dtype=np.int64)
        places = np.flatnonzero(np.isin(facts.photo_ids, wanted))
        rows = facts.rows[places]
        rows = rows[rows["timed"]]
        rows = rows[np.lexsort((rows["photo_id"], rows["taken_ms"]))]
        breaks = np.flatnonzero(np.diff(rows["taken_ms"]) > GAP_MS) + 1
        for series in np.split(rows["photo_id"], breaks):
            if len(series) > 1:
                yield series.tolist()
