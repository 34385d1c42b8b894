"""Photos so similar that one caption fits all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from album.domain.bursts import GAP_MS
from album.storage.photos import PhotoStore

MIN_COSINE = 0.97
"""Least cosine with the first of a group. Bursts need less: their other photos are a click away."""
LATEST_GROUPS = 8
"""A photo is compared with so many groups of its moment, as a series may be endless."""


class NearDuplicates:
    """Groups similar photos of one moment.

    It compares the vectors of the model that encoded the most photos.
    """

    def __init__(self, store: PhotoStore) -> None:
        self._store = store

    def groups(self, photo_ids: Sequence[int]) -> list[list[int]]:
        """Group photos that are similar to the first of their group.

        Photos without a time or a vector are alone in their group.

        Args:
            photo_ids: the photos, each once.
        """
        counts = self._store.encoded_by()
        model_id = max(counts, key=lambda model: counts[model], default=None)
        first_of = {int(photo_id): int(photo_id) for photo_id in photo_ids}
        for moment in self._moments(photo_ids) if model_id is not None else ():
            vectors = self._store.vectors_of(str(model_id), moment)
            firsts: list[int] = []
            for photo_id in moment:
                vector = vectors.get(photo_id)
                if vector is None:
                    continue
                latest = firsts[-LATEST_GROUPS:]
                similar = (one for one in latest if float(vectors[one] @ vector) >= MIN_COSINE)
                first = next(similar, None)
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
        """Yield series of two or more photos taken soon after each other."""
        table = self._store.photo_table()
        ids: npt.NDArray[np.int64] = np.array(photo_ids, dtype=np.int64)
        rows = table.rows[np.flatnonzero(np.isin(table.photo_ids, ids))]
        rows = rows[rows["timed"]]
        rows = rows[np.lexsort((rows["photo_id"], rows["taken_ms"]))]
        breaks = np.flatnonzero(np.diff(rows["taken_ms"]) > GAP_MS) + 1
        for series in np.split(rows["photo_id"], breaks):
            if len(series) > 1:
                yield series.tolist()
