"""Finding the themes of synthetic albums and drawing their map, each in a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from album.organizing.clustering import nearest_centre
from album.organizing.discovery import AlbumMap
from album.organizing.worker_process import run_worker
from album.ui.server.discover_routes import packed
from tests.benchmarks.class_words import unit_rows
from tests.benchmarks.figures import Figure, seconds

SIZES = (10_000, 200_000)
D = 384
KINDS = 60  # of photos, each around a direction of its own
PORTION = 10_000
CHECKOUT = Path(__file__).parents[2]


def figures() -> Iterator[Figure]:
    for photos in SIZES:
        program = [sys.executable, "-m", __name__, str(photos)]
        done = subprocess.run(program, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True, text=True)
        told = json.loads(done.stdout.splitlines()[-1])
        what = f"{photos:,} photos x {D}"
        yield Figure(
            f"themes and map of {what}",
            told["seconds"],
            "s",
            below=300,
            beside=f"{told['cpu_s']:.0f} s of one processor; at most {told['mb']:.0f} MB, of which"
            f" the mapped matrix may be {photos * D * 4 / 1e6:.0f}",
        )
        yield Figure(f"  every photo to its theme: {what}", told["assigned_s"], "s")
        yield Figure(f"  the map as bytes: {told['bytes'] / 1e6:.1f} MB", told["packed_s"], "s")


def main(photos: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rng = np.random.default_rng(0)
        kinds = unit_rows(rng, KINDS, D)
        matrix = np.lib.format.open_memmap(folder / "m.npy", "w+", np.float32, (photos, D))
        for start in range(0, photos, PORTION):
            rows = kinds[rng.integers(0, KINDS, PORTION)] + 1.2 * unit_rows(rng, PORTION, D)
            matrix[start : start + PORTION] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        matrix.flush()
        ids = np.arange(1, photos + 1)
        np.save(folder / "ids.npy", ids)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        found: dict[str, np.ndarray] = {}

        def find() -> None:
            arrays = run_worker(
                folder / "m.npy", folder / "ids.npy", photos, lambda share: None, lambda: False, 0
            )
            found.update(arrays or {})

        took = seconds(find)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        labels, _ = nearest_centre(matrix, found["centres"])
        album_map = AlbumMap(ids, found["positions"], labels)
        told = {
            "seconds": took,
            "cpu_s": usage.ru_utime - before,
            "mb": usage.ru_maxrss / 1000,
            "assigned_s": seconds(partial(nearest_centre, matrix, found["centres"])),
            "packed_s": seconds(partial(packed, album_map)),
            "bytes": len(packed(album_map)),
            "themes": len(found["centres"]),
        }
        print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]))
