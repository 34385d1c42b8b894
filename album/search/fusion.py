"""Fuse looks and texts into one log-odds and one order.

A photo whose texts hold every word of the query is sure, unless others surely look like it and it
does not: then the model knows what it looks like, and "dog days" in a caption are only a maybe. One
that looks like it as well gains as much again. Some of the words raise a photo that was near
already, and do nothing for one that looks like something else: a "mountain bike" is no mountain
landscape.

Reciprocal rank fusion (Cormack, Clarke and Buettcher 2009, "Reciprocal Rank Fusion outperforms
Condorcet and individual Rank Learning Methods") only breaks ties, such as those of many photos
found by their texts alone. As the order itself it would put what shares a word before all that
only looks right, and so undo a search that was right by looks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from album.encoding.score_calibration import MAYBE, SURE, LogOdds

FULL_MATCH_BONUS = 1.5  # log-odds that all the words are worth
PARTIAL_MATCH_BONUS = 1.0  # log-odds that nearly all of the words are worth
WHOLE = 0.999  # coverage from which all words are there
K = 60
RANKED = 5_000  # beyond so many places, 1 / (60 + rank) is as good as nothing

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


def fuse(log_odds: LogOdds, ids: Ids, text_ids: Ids, coverage: Floats) -> tuple[LogOdds, Floats]:
    """Add what texts say to log-odds, and break ties.

    Args:
        log_odds: (n,) of looks, from `Calibrated.log_odds`.
        ids: (n,) of the photos, each once, in any order.
        text_ids: (m,) photos whose texts hold words of the query, best first, each once. Those that
            are not in `ids` are passed over.
        coverage: (m,) in (0, 1]: the share of the query's words that the texts hold, rare words
            counting for more.

    Returns:
        (n,) log-odds, nowhere less than before, and (n,) tie breaks above 0. Hits are sorted by
        falling log-odds, and equal ones by falling tie breaks.
    """
    tie_break = np.reciprocal(K + ranks(log_odds), dtype=np.float32)
    fused = np.array(log_odds, np.float32)
    rows, is_known = _rows_of(ids, text_ids)
    covers = np.asarray(coverage, np.float32)[is_known]
    tie_break[rows] += covers / (K + 1 + np.flatnonzero(is_known)).astype(np.float32)
    looks = fused[rows]
    partial = looks + np.float32(PARTIAL_MATCH_BONUS) * covers
    partial = np.where(looks >= MAYBE - PARTIAL_MATCH_BONUS, partial, looks)
    full = np.maximum(looks, MAYBE) + np.float32(FULL_MATCH_BONUS)
    fused[rows] = np.where(covers >= WHOLE, full, partial)
    return fused, tie_break


def certain(looks: LogOdds, fused: LogOdds, in_text: Flags) -> Flags:
    """Flag (n,) photos that are sure.

    Args:
        looks: (n,) log-odds of looks alone.
        fused: (n,) log-odds with what texts say.
        in_text: (n,) whose texts hold every word.
    """
    if (looks >= SURE).any():
        in_text = in_text & (looks >= MAYBE)
    sure: Flags = (fused >= SURE) | in_text
    return sure


def ranks(log_odds: LogOdds) -> Floats:
    """Return (n,) places from 1 on, best first.

    Equal ones share a place, and so do all beyond `RANKED`.
    """
    n = len(log_odds)
    places = np.full(n, min(n, RANKED) + 1, np.float32)
    if n:
        lowest = np.partition(log_odds, n - RANKED)[n - RANKED] if n > RANKED else log_odds.min()
        first = np.flatnonzero(log_odds >= lowest)
        rising = np.sort(log_odds[first])
        better = len(first) - np.searchsorted(rising, log_odds[first], side="right")
        places[first] = better + 1
    return places


def _rows_of(ids: Ids, wanted: Ids) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return (k,) rows of the (m,) wanted ids, and flag those in `ids`."""
    if not len(ids) or not len(wanted):
        return np.empty(0, np.intp), np.zeros(len(wanted), bool)
    table = np.full(int(max(ids.max(), wanted.max())) + 1, -1, np.intp)  # ids are small numbers
    table[ids] = np.arange(len(ids))
    rows = table[wanted]
    return rows[rows >= 0], rows >= 0
