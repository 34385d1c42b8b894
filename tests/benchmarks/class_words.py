"""Sorting 100,000 photos into 5,000 classes of words, beside a bare NumPy product of that size.

Each width in a process of its own, `python -m tests.benchmarks.class_words DATA_DIR WIDTH`, whose
memory is told.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from album.domain.classification import NONE
from album.domain.labels import SortOptions
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from models.interfaces import Embeddings
from models.prompts import EVERYDAY_WORDS
from tests.benchmarks.figures import Figure, peak_bytes, seconds
from tests.support.fakes import DecodeHere, FakeCaptioner

PHOTOS = 100_000
CLASSES = 5_000
WIDTHS = (384, 512)
PORTION = 10_000
BLOCK = 2_048
CHECKOUT = Path(__file__).parents[2]


class Words:
    """Answers each text with a unit vector of its own, in no time."""

    languages = ("en", "ko")
    image_size = 96
    logit_scale = 100.0
    logit_bias: float | None = None

    def __init__(self, d: int) -> None:
        self.dim = d
        self.model_id = f"words-{d}"

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        return unit_rows(np.random.default_rng(len(images)), len(images), self.dim)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return unit_rows(np.random.default_rng(list("".join(texts).encode())), len(texts), self.dim)


def unit_rows(rng: np.random.Generator, n: int, d: int) -> Embeddings:
    """(n, d) float32 of L2 norm 1."""
    rows = rng.standard_normal((n, d), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def figures() -> Iterator[Figure]:
    size = f"{PHOTOS:,} photos x {CLASSES:,} classes"
    for d in WIDTHS:
        with tempfile.TemporaryDirectory() as folder:
            program = [sys.executable, "-m", __name__, folder, str(d)]
            done = subprocess.run(
                program, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True, text=True
            )
        told = json.loads(done.stdout.splitlines()[-1])
        plain = told["plain_s"]
        yield Figure(f"plain NumPy: {size} x {d}, one product in blocks", plain, "s")
        yield Figure(
            f"sorting {size} x {d}",
            told["first_s"],
            "s",
            below=60,
            beside=f"{told['first_s'] / plain:.1f} x plain; {told['none']:,} are none of these",
        )
        yield Figure(
            "  again, at another temperature",
            told["again_s"],
            "s",
            below=60,
            beside=f"{told['again_s'] / plain:.1f} x plain",
        )
        yield Figure("  names read and kept, once for a model", told["names_s"], "s")
        yield Figure("  at most in memory, over the matrix", told["more_mb"], "MB", below=500)


def fill(album: Album, d: int) -> None:
    """`PHOTOS` rows and vectors by a few large statements."""
    rng = np.random.default_rng(0)
    with album.database.writing() as db:
        for start in range(1, PHOTOS, PORTION):
            rows = range(start, start + PORTION)
            db.executemany(
                "INSERT INTO photos (photo_id, sha256, filename, file_type, size_bytes, width,"
                " height, taken_at, taken_from, added_at) VALUES (?, ?, ?, 'JPEG', 1, 4, 3,"
                " '2020-01-01T00:00:00', 'exif', '2026-01-01T00:00:00')",
                ((row, f"{row:064x}", f"IMG_{row}.jpg") for row in rows),
            )
            vectors = unit_rows(rng, PORTION, d)
            db.executemany(
                "INSERT INTO embeddings (model_id, photo_id, vector) VALUES (?, ?, ?)",
                ((f"words-{d}", row, vectors[row - start].tobytes()) for row in rows),
            )


def main(data_dir: str, d: int) -> None:
    """Sort, and print what it took as one line of JSON."""
    album = Album(Path(data_dir), DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    fill(album, d)
    encoder = Words(d)
    album.active.set_encoder(encoder, fill=False)
    album.search.get_ready()
    ids, matrix = album.active.current().index.snapshot()
    assert len(ids) == PHOTOS
    classes = unit_rows(np.random.default_rng(1), CLASSES, d)

    def plain() -> None:
        for start in range(0, PHOTOS, BLOCK):
            matrix[start : start + BLOCK] @ classes.T

    plain()
    plain_s = seconds(plain)
    everyday = [word for pair in EVERYDAY_WORDS for word in pair]
    names = [*everyday, *(f"thing {n}" for n in range(CLASSES - len(everyday)))]
    text = "\n".join(names)
    nothing = partial(album.classifier.classify_photos, [], text, SortOptions(strictness=-math.inf))
    sort = album.classifier.sort_photos
    told = {
        "plain_s": plain_s,
        "names_s": seconds(nothing),
        "first_s": seconds(lambda: sort(text)),
        "again_s": seconds(lambda: sort(text, SortOptions(temperature=2))),
        "none": int((sort(text).winners == NONE).sum()),
    }
    told["more_mb"] = (peak_bytes("self") - matrix.nbytes) / 2**20
    print(json.dumps(told))
    album.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
