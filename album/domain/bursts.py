"""Bursts: nearly identical photos of one moment, shown as one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.interfaces import Embeddings

GAP_MS = 3_000
"""Longest time between neighbours in a burst."""
ALIKE = 0.93
"""Lowest cosine of neighbours in a burst."""
_BLOCK_ROWS = 65_536


def bursts_of(
    taken_ms: npt.NDArray[np.int64], known: npt.NDArray[np.bool_], matrix: Embeddings
) -> npt.NDArray[np.int64]:
    """Return (n,) the row of the first photo in each photo's burst.

    A single photo is a burst of its own. Neighbours in time are compared, so a series may drift.

    Args:
        taken_ms: (n,) capture times in milliseconds.
        known: (n,) whether the time is better than the file's time.
        matrix: (n, d) embeddings, rows of L2 norm 1.
    """
    order = np.lexsort((taken_ms, ~known))  # known times first
    pairs = np.flatnonzero(
        (np.diff(taken_ms[order]) <= GAP_MS) & known[order[1:]] & known[order[:-1]]
    )
    together = np.zeros(len(order), dtype=bool)  # with the one before
    for start in range(0, len(pairs), _BLOCK_ROWS):
        batch = pairs[start : start + _BLOCK_ROWS]
        cosines = np.einsum("nd,nd->n", matrix[order[batch]], matrix[order[batch + 1]])
        together[batch[cosines >= ALIKE] + 1] = True
    first = np.maximum.accumulate(np.where(together, 0, np.arange(len(order))))
    bursts = np.empty(len(order), dtype=np.int64)
    bursts[order] = order[first]
    return bursts


def first_of_each(
    rows: npt.NDArray[np.intp], bursts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Keep the first row of each burst, and count its rows.

    Args:
        rows: (m,) rows in the order of a page.
        bursts: (n,) as of `bursts_of`.

    Returns:
        (k,) rising positions in `rows`, and (k,) counts that sum to m.
    """
    burst_rows = bursts[rows]  # (m,)
    first = np.empty(len(bursts), dtype=np.int64)
    first[burst_rows[::-1]] = np.arange(len(rows))[::-1]  # the earliest place is written last
    kept = np.flatnonzero(first[burst_rows] == np.arange(len(rows)))
    counts = np.bincount(burst_rows, minlength=len(bursts))[burst_rows[kept]]
    return kept, counts
