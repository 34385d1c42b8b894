"""Scores that chance gives irrelevant queries in an album, estimated with decoys.

A decoy is a query of no meaning: a Gaussian direction with the mean and the covariance of the
everyday words, so that it is as general and as varied as words are for this model. The best
z-score that decoys get in the album says what the best photo of an irrelevant query gets there. No
list of absent things is needed, and a new model or an unusual album needs no new constants. (The
idea is that of target-decoy searches: Elias and Gygi 2007, "Target-decoy search strategy for
increased confidence in large-scale protein identifications by mass spectrometry".)

Names of things that no album holds were tried as decoys, too. Their best scores tell more about
the album (a photo that nearly shows a "battle tank") than about chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

DECOYS = 256  # the 90 % quantile of their best scores varies by 0.1 with the draw
SAMPLED = 4_096  # photos that are compared with them, spread over the album
FEWEST = 100  # photos that an album counts as at least: a few photos are no sample of chance
RISE_PER_DECADE = 0.45  # of the best z-score, per tenfold photos: 0.5 at 100, 0.4 at 10,000
LOW, HIGH = 0.25, 0.9  # quantiles


@dataclass(frozen=True, slots=True)
class Chance:
    """Quantiles of the best z-score that irrelevant queries get among all photos of an album."""

    low: float
    """A quarter of them get less: where a query gets less as well, nothing looks like it."""
    high: float
    """One in ten gets more."""
    high_of_few: float
    """The same where an album of less than `FEWEST` photos counts as what it has."""

    @classmethod
    def of_decoys(cls, best: Floats, compared: int, photos: int) -> Self:
        """Estimate the quantiles.

        Args:
            best: (DECOYS,) best z-scores among the photos that were compared.
            compared: how many those were, at least 1.
            photos: how many the album has.
        """
        rise, own_rise = (
            RISE_PER_DECADE * float(np.log10(n / compared)) for n in (max(photos, FEWEST), photos)
        )
        low, high = np.quantile(best, (LOW, HIGH))
        return cls(float(low) + rise, float(high) + rise, float(high) + own_rise)


TYPICAL = Chance(low=1.2, high=2.3, high_of_few=1.4)
"""With either `pocket`, where there is no photo to compare."""


def decoys_of(words: Floats) -> Floats:
    """Draw decoys of (w, d) everyday words, the same ones each time.

    Returns:
        (DECOYS, d), rows of L2 norm 1.
    """
    mean = words.mean(axis=0)
    mixtures = np.random.default_rng(0).standard_normal((DECOYS, len(words)), dtype=np.float32)
    decoys = mean + mixtures @ (words - mean) / np.float32(np.sqrt(len(words)))
    unit: Floats = decoys / np.maximum(np.linalg.norm(decoys, axis=1, keepdims=True), 1e-12)
    return unit.astype(np.float32)


def spread_rows(n: int) -> npt.NDArray[np.intp]:
    """Return at most `SAMPLED` of n >= 1 rows, evenly spread."""
    return np.linspace(0, n - 1, min(n, SAMPLED)).astype(np.intp)
