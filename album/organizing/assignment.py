"""Photos by theme: which theme each photo of the album belongs to, and where it is on the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from album.organizing.clustering import ALIKE, nearest_centre
from album.organizing.map_layout import SCALE
from album.organizing.theme_cache import ThemeData
from album.organizing.theme_names import ThemeName
from models.interfaces import Embeddings

COVER, COVER_FROM = 4, 40

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Theme:
    """Photos that show the same kind of thing."""

    key: int
    """Number in addresses."""
    name: ThemeName
    photos: int
    cover: tuple[int, ...]
    """Up to four photos near its centre, no two alike."""
    position: tuple[float, float]
    """Its place on the map, in [0, 1]."""

    def as_json(self) -> dict[str, Any]:
        """Return number, words, whether they are sure, photos and cover."""
        return {
            "theme": self.key,
            "words": {language: list(self.name.in_language(language)) for language in ("en", "ko")},
            "sure": bool(self.name.words),
            "photos": self.photos,
            "cover": list(self.cover),
        }


@dataclass(frozen=True, slots=True)
class Assignment:
    """Photos of an index by theme."""

    ids: Ids
    labels: npt.NDArray[np.uint8]
    distances: Floats
    themes: tuple[Theme, ...]
    positions: npt.NDArray[np.uint16]


def assign(data: ThemeData, ids: Ids, matrix: Embeddings, before: Assignment | None) -> Assignment:
    """Return every photo's theme and place.

    Args:
        data: the themes.
        ids: (n,) the photos now.
        matrix: (n, d)
        before: as they were, which saves the work for those.
    """
    known = 0 if before is None else min(len(before.ids), len(ids))
    if before is None or not np.array_equal(ids[:known], before.ids[:known]):
        known = 0
    labels, distances = nearest_centre(matrix[known:], data.centres)
    if before is not None and known:
        labels = np.concatenate([before.labels[:known], labels])
        distances = np.concatenate([before.distances[:known], distances])
    positions = np.empty((len(ids), 2), np.uint16)
    order = np.argsort(data.ids, kind="stable")
    found = np.searchsorted(data.ids, ids, sorter=order)
    places = order[np.minimum(found, len(order) - 1)] if len(order) else np.zeros(len(ids), int)
    is_placed = (data.ids[places] == ids) if len(order) else np.zeros(len(ids), bool)
    positions[is_placed] = data.positions[places[is_placed]]
    new = np.flatnonzero(~is_placed)
    if len(new):
        positions[new] = data.layout.place(ids[new], matrix[new])
    themes = []
    for place, (key, name) in enumerate(zip(data.keys.tolist(), data.names, strict=True)):
        rows = np.flatnonzero(labels == place)
        cover = _cover(matrix, rows, distances) if len(rows) else []
        middle = np.median(positions[rows], axis=0) / SCALE if len(rows) else (0.5, 0.5)
        themes.append(
            Theme(
                key,
                name,
                len(rows),
                tuple(int(ids[row]) for row in cover),
                (float(middle[0]), float(middle[1])),
            )
        )
    return Assignment(ids, labels, distances, tuple(themes), positions)


def _cover(matrix: Embeddings, rows: npt.NDArray[np.intp], distances: Floats) -> list[int]:
    """Choose rows near the centre of a theme, no two of them alike."""
    few = min(COVER_FROM, len(rows))
    nearest = rows[np.argpartition(distances[rows], few - 1)[:few]]
    nearest = nearest[np.argsort(distances[nearest], kind="stable")]
    chosen: list[int] = []
    for row in nearest.tolist():
        if all(float(matrix[row] @ matrix[other]) < ALIKE for other in chosen):
            chosen.append(row)
        if len(chosen) == COVER:
            break
    return chosen
