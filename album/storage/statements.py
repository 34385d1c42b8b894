"""SQL fragments for many values, and results as arrays."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

IDS_PER_STATEMENT = 500  # well under SQLite's limit on parameters
LARGEST = 2**63 - 1  # SQLite takes no larger number


def placeholders(values: Collection[object]) -> str:
    """Return one question mark per value, separated by commas."""
    return ", ".join("?" * len(values))


def possible_ids(photo_ids: Iterable[int]) -> list[int]:
    """Drop numbers that no row can have."""
    return [int(photo_id) for photo_id in photo_ids if 0 < photo_id <= LARGEST]


def id_batches(photo_ids: Sequence[int]) -> Iterator[list[int]]:
    """Yield the ids in lists short enough for one statement."""
    for start in range(0, len(photo_ids), IDS_PER_STATEMENT):
        yield [int(photo_id) for photo_id in photo_ids[start : start + IDS_PER_STATEMENT]]


def id_array(cursor: sqlite3.Cursor) -> npt.NDArray[np.int64]:
    """Read the only column of a result into an (n,) int64 array."""
    cursor.row_factory = None
    return np.fromiter((value for (value,) in cursor), dtype=np.int64)
