"""Fusion: one evidence and one order out of what photos look like and what is written of them.

A photo whose texts hold every word of the question is sure, unless others surely look like it and
it does not: then the model knows what it looks like, and "dog days" in a caption are only a maybe.
One that looks like it as well gains as much again. Some of the words bring a photo nearer that was
near already, and do nothing for one that looks like something else: a "mountain bike" is no
mountain landscape.

Equal evidence, such as that of many photos found by their texts alone, is parted by reciprocal rank
fusion (Cormack, Clarke and Buettcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and
individual Rank Learning Methods"). It does not make the order by itself: it would put whatever has
a word in common before all that only looks right, and so undo a search that was right by looks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from album.encoding.score_calibration import MAYBE, SURE, Evidence

WRITTEN = 1.5  # evidence that all the words are worth
HINT = 1.0  # evidence that nearly all of the words are worth
WHOLE = 0.999  # coverage from which all words are there
K = 60
RANKED = 5_000  # beyond so many places, 1 / (60 + rank) is as good as nothing

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


def fuse(evidence: Evidence, ids: Ids, text_ids: Ids, coverage: Floats) -> tuple[Evidence, Floats]:
    """Evidence with what is written in it, and points that part equal evidence.

    Args:
        evidence: (n,) what the photos look like, from `Relevance.evidence`.
        ids: (n,) of the photos, each once, in any order.
        text_ids: (m,) photos whose texts hold words of the question, best first, each once; those
            that are not in `ids` are passed over.
        coverage: (m,) in (0, 1]: the share of the question's words that the texts hold, rare words
            counting for more.

    Returns:
        (n,) evidence, nowhere less than before, and (n,) points above 0. Hits stand by falling
        evidence, and where that is equal by falling points.
    """
    points = np.reciprocal(K + ranks(evidence), dtype=np.float32)
    fused = np.array(evidence, np.float32)
    rows, found = _rows_of(ids, text_ids)
    covers = np.asarray(coverage, np.float32)[found]
    points[rows] += covers / (K + 1 + np.flatnonzero(found)).astype(np.float32)
    looks = fused[rows]
    hinted = np.where(looks >= MAYBE - HINT, looks + np.float32(HINT) * covers, looks)
    written = np.maximum(looks, MAYBE) + np.float32(WRITTEN)
    fused[rows] = np.where(covers >= WHOLE, written, hinted)
    return fused, points


def certain(looks: Evidence, fused: Evidence, written: Flags) -> Flags:
    """(n,) which photos are sure.

    Args:
        looks: (n,) evidence of looks alone.
        fused: (n,) evidence with what is written.
        written: (n,) whose texts hold every word.
    """
    if (looks >= SURE).any():
        written = written & (looks >= MAYBE)
    sure: Flags = (fused >= SURE) | written
    return sure


def ranks(evidence: Evidence) -> Floats:
    """(n,) places from 1 on, best first, equal ones sharing theirs; the same for all far behind."""
    n = len(evidence)
    places = np.full(n, min(n, RANKED) + 1, np.float32)
    if n:
        lowest = np.partition(evidence, n - RANKED)[n - RANKED] if n > RANKED else evidence.min()
        first = np.flatnonzero(evidence >= lowest)
        rising = np.sort(evidence[first])
        better = len(first) - np.searchsorted(rising, evidence[first], side="right")
        places[first] = better + 1
    return places


def _rows_of(ids: Ids, wanted: Ids) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """(k,) rows of `ids` where those of the (m,) `wanted` stand that are there, and (m,) which."""
    if not len(ids) or not len(wanted):
        return np.empty(0, np.intp), np.zeros(len(wanted), bool)
    table = np.full(int(max(ids.max(), wanted.max())) + 1, -1, np.intp)  # ids are small numbers
    table[ids] = np.arange(len(ids))
    rows = table[wanted]
    return rows[rows >= 0], rows >= 0
