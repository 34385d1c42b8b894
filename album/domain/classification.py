"""The nouns of sorting photos into classes: plain values, shared by all that decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from album.domain.photo import LabelScore

NONE = -1
"""The winner of a photo that is none of these."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one photo was taken for."""

    scores: tuple[LabelScore, ...]
    """All classes, the most probable first."""
    none: bool = False
    """Even the best class is below its threshold: none of these."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What n photos of the album were taken for, among c classes."""

    labels: tuple[str, ...]
    """(c,)"""
    photo_ids: npt.NDArray[np.int64]
    """(n,) rising"""
    winners: npt.NDArray[np.intp]
    """(n,) in [0, c), or `NONE`"""
    probabilities: npt.NDArray[np.float32]
    """(n,) in [0, 1]: of the best class, also where it is below its threshold."""

    def of(self, c: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The photos of one class (`NONE`: of none) with their probabilities, the surest first."""
        rows = np.flatnonzero(self.winners == c)
        rows = rows[np.argsort(-self.probabilities[rows], kind="stable")]
        return self.photo_ids[rows], self.probabilities[rows]
