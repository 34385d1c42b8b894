"""Positions of all photos on the flat map of the album.

Some thousand landmarks are laid out by t-SNE. Every other photo stands in a disc around the
landmark that it is most like, a little towards the next one. The disc is as wide as there is room,
and a photo's place in it depends on its id alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.interfaces import Embeddings

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

BLOCK_ROWS = 2_048  # times 2,500 landmarks in float32: 20 MB
EDGE = 0.02  # of the map stays free on each side
LEAN = 0.3  # share of the way to the second landmark, of a photo that is as much like it
ROOM = 0.6  # of the distance to the next landmark is the radius of a disc
WIDEST = 0.04
SCALE = 65_535
GOLDEN = 2.399963229728653  # radians between neighbours of a sunflower


@dataclass(frozen=True, slots=True)
class MapLayout:
    """Landmarks of a map, by which further photos find their places."""

    vectors: npt.NDArray[np.float16]
    """(m, d) of L2 norm 1."""
    positions: Floats
    """(m, 2) in [0, 1]."""

    def place(self, ids: Ids, matrix: Embeddings) -> npt.NDArray[np.uint16]:
        """Return (n, 2) positions of (n, d) photos, from 0 to 65,535."""
        if not len(self.vectors):
            return np.full((len(ids), 2), SCALE // 2, np.uint16)
        landmarks = self.vectors.astype(np.float32)
        radii = self._radii()
        placed = np.empty((len(ids), 2), np.uint16)
        for start in range(0, len(ids), BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            cosines = np.nan_to_num(matrix[part]) @ landmarks.T  # (b, m)
            rows = np.arange(len(cosines))
            first = cosines.argmax(axis=1)
            best = cosines[rows, first].copy()
            cosines[rows, first] = -2
            second = cosines.argmax(axis=1)
            gap = np.maximum(best - cosines[rows, second], 0)
            at = self.positions[first].astype(np.float64)
            towards = self.positions[second] - at
            far = np.linalg.norm(towards, axis=1, keepdims=True)
            lean = LEAN * np.exp(-gap / 0.05)[:, None]
            at += towards * lean * np.minimum(1, 4 * radii[first][:, None] / np.maximum(far, 1e-9))
            at += radii[first][:, None] * _in_disc(ids[part])
            inside = EDGE + (1 - 2 * EDGE) * np.clip(at, 0, 1)
            placed[part] = np.round(inside * SCALE)
        return placed

    def _radii(self) -> Floats:
        """Return (m,) how far from a landmark its photos may stand."""
        m = len(self.positions)
        if m < 2:
            return np.full(m, WIDEST, np.float32)
        radii = np.empty(m, np.float32)
        for start in range(0, m, 512):
            part = self.positions[start : start + 512]
            far = np.linalg.norm(part[:, None] - self.positions[None], axis=2)
            far[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
            radii[start : start + 512] = far.min(axis=1)
        typical = float(np.median(radii))
        return np.asarray(np.clip(ROOM * radii, 0.3 * typical, WIDEST), np.float32)


def _in_disc(ids: Ids) -> npt.NDArray[np.float64]:
    """Return (n, 2) points of the unit disc, evenly spread over consecutive ids."""
    angles = ids * GOLDEN
    radii = np.sqrt((ids * 0.6180339887498949) % 1)
    points: npt.NDArray[np.float64] = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.asarray(points * radii[:, None], np.float64)
