"""Classification of photos: plain values, shared by all classifiers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from album.domain.photo import LabelScore

NONE = -1
"""Winner of a photo that belongs to no class."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Prediction for one photo."""

    scores: tuple[LabelScore, ...]
    """All classes, the most probable first."""
    none: bool = False
    """Even the best class is below its threshold."""
    none_probability: float | None = None
    """Of no class at all, in [0, 1]. None for a source that takes its classes for all there is."""


@dataclass(frozen=True, slots=True)
class Classification:
    """Predictions for n photos of the album, among c classes."""

    labels: tuple[str, ...]
    """(c,)"""
    photo_ids: npt.NDArray[np.int64]
    """(n,) rising"""
    winners: npt.NDArray[np.intp]
    """(n,) in [0, c), or `NONE`"""
    probabilities: npt.NDArray[np.float32]
    """(n,) in [0, 1]: of the best class, also where it is below its threshold."""

    def photos_in_class(self, c: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return a class's photos (`NONE`: of none) by falling probability.

        Returns:
            (k,) photo ids and (k,) probabilities.
        """
        rows = np.flatnonzero(self.winners == c)
        rows = rows[np.argsort(-self.probabilities[rows], kind="stable")]
        return self.photo_ids[rows], self.probabilities[rows]
