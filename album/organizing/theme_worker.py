"""A process that finds the themes of an album and draws its map, at low priority.

    python -m album.organizing.theme_worker MATRIX IDS ROWS NICENESS

It reads the matrix of a model and writes an .npz to stdout. Meanwhile it says on stderr which share
of the work is done. A process of its own can be stopped at any time, gives its memory back, and
leaves the threads of the album alone.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np

from album.organizing.clustering import cluster, flat_positions
from album.organizing.map_layout import MapLayout

CLUSTERED, DRAWN = 0.4, 0.8  # shares of the work that are done after these steps


def work(matrix_file: Path, ids_file: Path, rows: int) -> bytes:
    """Return the .npz of the first `rows` rows of a matrix.

    It has `centres` (k, d), `landmarks` (m, d) with their `landmark_positions` (m, 2), and
    `positions` (n, 2) in the order of the matrix.
    """
    matrix = np.load(matrix_file, mmap_mode="r")[:rows].view(np.ndarray)
    ids = np.load(ids_file, mmap_mode="r")[:rows].view(np.ndarray)
    _say(0.0)
    clusters = cluster(matrix, lambda share: _say(CLUSTERED * share))
    landmarks = np.nan_to_num(matrix[clusters.landmarks])
    positions = flat_positions(landmarks, clusters.centres)
    _say(DRAWN)
    layout = MapLayout(landmarks.astype(np.float16), positions)
    placed = layout.place(ids, matrix)
    out = io.BytesIO()
    np.savez(
        out,
        centres=clusters.centres,
        landmarks=layout.vectors,
        landmark_positions=positions,
        positions=placed,
    )
    return out.getvalue()


def _say(share: float) -> None:
    sys.stderr.write(f"{share:.2f}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(int(sys.argv[4]))
    sys.stdout.buffer.write(work(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
