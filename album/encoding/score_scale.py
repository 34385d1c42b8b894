"""The scale of log-odds, and the cut from which photos are shown.

`score_calibration.py` has the formula, and says how the constants were chosen.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from album.encoding.chance import Chance

Floats = npt.NDArray[np.float32]

MARGIN = 0.15  # T0 - C
LOWEST = 0.6  # share of S
RISE = 3.0
ODDS = 1.5
ODDS_SLOPE, ODDS_AT_CHANCE = 1.77, -0.85  # log-odds of p, by z - C
BEST_EACH, BEST_MOST = 1_000, 8  # k


def cut(z_scores: npt.NDArray[np.float32], chance: Chance) -> float:
    """Return the z-score from which photos are shown.

    The (n,) z-scores are those of all photos, n >= 1.
    """
    largest = largest_of(z_scores[None].copy(), best_of(len(z_scores)))
    high = np.array([chance.high], np.float32)
    return float(cuts_of(largest.max(axis=1), largest.mean(axis=1), high)[0])


def best_of(n: int) -> int:
    """Return k of the formula."""
    return min(max(n // BEST_EACH, 1), BEST_MOST)


def largest_of(values: Floats, k: int) -> Floats:
    """Return the (c, k) largest numbers of each row of (c, b).

    All of them where b < k.

    Reorders `values`.
    """
    if k == 1:
        return np.asarray(values.max(axis=1, keepdims=True), np.float32)
    if values.shape[1] > k:
        values.partition(values.shape[1] - k, axis=1)
    return np.asarray(values[:, -k:], np.float32)


def cuts_of(best: Floats, several: Floats, chance: Floats) -> Floats:
    """Return (c,) cuts, from T, S and C."""
    from_chance = best - RISE * (best - chance - MARGIN)
    cuts: Floats = np.maximum(from_chance, LOWEST * several)
    return cuts
