"""Searching a million photos, beside a bare NumPy product with the same matrix.

In a process of its own, `python -m tests.benchmarks.million DATA_DIR`, whose memory is told.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from album.service import Album
from album.storage.database import Database
from models.interfaces import Classifier, Encoder
from tests.benchmarks.figures import Figure, peak_bytes, seconds
from tests.benchmarks.large_album import RandomEncoder
from tests.support.fakes import DecodeHere, FakeCaptioner

PHOTOS = 1_000_000
D = 512
CALLS = 15
CHECKOUT = Path(__file__).parents[2]
PORTION = 20_000


class WideEncoder(RandomEncoder):
    """Texts are unit vectors of 512 numbers."""

    model_id = "wide"
    dim = D

    def encode_texts(self, texts):  # type: ignore[no-untyped-def]
        return _unit_rows(np.random.default_rng(list("".join(texts).encode())), len(texts))


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder) / "album.db")
        program = [sys.executable, "-m", __name__, folder]
        done = subprocess.run(program, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    ours, plain = told["search_ms"], told["plain_ms"]
    yield Figure(f"plain NumPy: a {PHOTOS:,} x {D} matrix times a query", plain, "ms")
    yield Figure(f"search of {PHOTOS:,} photos, first page of 60", ours, "ms", below=200)
    yield Figure("  beside the plain product", ours / plain, "x", below=2.5)
    yield Figure("  at most in memory, over the matrix", told["more_mb"], "MB", below=300)


def no_classifier(encoder: Encoder, classes: Sequence[Sequence[str]]) -> Classifier:
    """The one for real loads torch, whose memory is no matter of searching."""
    raise NotImplementedError


def fill(path: Path) -> None:
    """A database of `PHOTOS` photos, one each minute, by a few large statements."""
    rng = np.random.default_rng(0)
    database = Database(path)
    with database.writing() as db:
        for start in range(0, PHOTOS, PORTION):
            rows = range(start + 1, start + PORTION + 1)
            db.executemany(
                "INSERT INTO photos (photo_id, sha256, filename, file_type, size_bytes, width,"
                " height, taken_at, taken_from, added_at) VALUES (?, ?, ?, 'JPEG', 1, 4, 3,"
                " strftime('%Y-%m-%dT%H:%M:%S', ?, 'unixepoch'), 'exif', '2026-01-01T00:00:00')",
                ((row, f"{row:064x}", f"IMG_{row}.jpg", 1_100_000_000 + 60 * row) for row in rows),
            )
            vectors = _unit_rows(rng, PORTION)
            db.executemany(
                "INSERT INTO embeddings (model_id, photo_id, vector) VALUES (?, ?, ?)",
                ((WideEncoder.model_id, row, vectors[row - start - 1].tobytes()) for row in rows),
            )
    database.close()


def main(data_dir: str) -> None:
    """Search, and print what it took as one line of JSON."""
    album = Album(Path(data_dir), no_classifier, FakeCaptioner(), decoder=DecodeHere())
    album.active.set_encoder(WideEncoder(), fill=False)
    album.texts.sync()
    album.search.get_ready()
    album.search.find("a first search")
    _, matrix = album.active.current().index.snapshot()
    query = _unit_rows(np.random.default_rng(1), 1)[0]
    matrix @ query
    ours, plain = [], []
    for number in range(CALLS):
        plain.append(seconds(partial(np.matmul, matrix, query)))
        ours.append(seconds(partial(album.search.find, f"dogs on beach {number}")))
        time.sleep(0.01)
    more = peak_bytes("self") - matrix.nbytes
    print(
        json.dumps(
            {
                "search_ms": 1000 * median(ours),
                "plain_ms": 1000 * median(plain),
                "more_mb": more / 2**20,
            }
        )
    )
    album.close()


def _unit_rows(rng: np.random.Generator, n: int) -> np.ndarray:
    rows = rng.standard_normal((n, D), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


if __name__ == "__main__":
    main(sys.argv[1])
