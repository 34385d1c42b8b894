"""Fit the constants of `album.encoding.score_calibration` on labelled photos.

    python -m tests.benchmarks.relevance_constants PHOTOS LABELS SOURCE [--model pocket]

PHOTOS has a folder per class, or is a CSV of image_path,label; LABELS is a CSV of
source,folder,en,ko,tags (models/pocket/labels.csv). Names of classes and tags become queries in
both languages, and small and large albums are drawn from a part of the classes, so that many
queries have no photo. Every second query is left out, for a look at how the choice holds.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

from album.encoding import score_calibration
from album.encoding.query_bank import LANGUAGES, QueryBank
from models.clip.encoder import ClipEncoder
from models.datasets import read_examples

ALBUMS = ((10_000, 1.0), (2_000, 0.3), (400, 0.5), (400, 1.0), (100, 0.3), (30, 0.1), (8, 0.05))
"""Photos, and the share of the classes that they are of."""
DRAWN = 3  # albums of each size
QUERIES = 40  # of each album and language
GRID = {
    "CHANCE": (0.9, 1.2, 1.5),
    "CHANCE_PER_DECADE": (0.3, 0.5, 0.7),
    "LOWEST": (0.55, 0.65, 0.75),
}


@dataclass(frozen=True)
class Vectors:
    """What `QueryBank` needs of an index."""

    path: Path
    ids: np.ndarray
    matrix: np.ndarray

    def snapshot(self) -> tuple[np.ndarray, np.ndarray]:
        return self.ids, self.matrix


@dataclass(frozen=True)
class Asked:
    """One query of one album: x as in `album.encoding.score_calibration`, and what is right."""

    x: np.ndarray
    truth: np.ndarray
    fitted: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("source")
    parser.add_argument("--model", default="pocket")
    given = parser.parse_args()
    encoder = ClipEncoder(given.model, Path("data/weights"))
    examples = [it for it in read_examples(given.photos).examples if it.label]
    labels = np.array([it.label for it in examples])
    vectors = np.concatenate(
        [
            encoder.encode_images([it.image.open() for it in examples[start : start + 64]])
            for start in range(0, len(examples), 64)
        ]
    )
    queries = queries_of(given.labels, given.source)
    with tempfile.TemporaryDirectory() as folder:
        asked = list(albums(encoder, vectors, labels, queries, Path(folder)))
    print("CHANCE  PER_DECADE  LOWEST   F1, false hits: fitted queries, the others")
    for values in itertools.product(*GRID.values()):
        with mock.patch.multiple(score_calibration, **dict(zip(GRID, values, strict=True))):
            figures = [judged([it for it in asked if it.fitted == half]) for half in (True, False)]
        told = "   ".join(f"{f1:.3f} {false_hits:.3f}" for f1, false_hits in figures)
        print("  ".join(f"{value:6.2f}" for value in values), "  ", told)


def queries_of(path: Path, source: str) -> dict[tuple[str, str], set[str]]:
    """By (English, Korean) text the folders that it is true of."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == source]
    with (path.parent / "tags.csv").open(encoding="utf-8", newline="") as file:
        korean = {row["en"]: row["ko"] for row in csv.DictReader(file)}
    found: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        found.setdefault((row["en"], row["ko"]), set()).add(row["folder"])
        for tag in filter(None, map(str.strip, row["tags"].split(";"))):
            if tag in korean:
                found.setdefault((tag, korean[tag]), set()).add(row["folder"])
    return found


def albums(
    encoder: ClipEncoder,
    vectors: np.ndarray,
    labels: np.ndarray,
    queries: dict[tuple[str, str], set[str]],
    folder: Path,
) -> Iterator[Asked]:
    rng = np.random.default_rng(0)
    index = Vectors(Path("none.npy"), np.arange(len(vectors)), vectors)
    judge = score_calibration.ScoreCalibrator(encoder, index, folder)  # type: ignore[arg-type]
    texts = list(queries)
    encoded = {
        language: encoder.encode_texts([pair[column] for pair in texts])
        for column, language in enumerate(LANGUAGES)
    }
    classes = np.unique(labels)
    for (n, share), _ in itertools.product(ALBUMS, range(DRAWN)):
        chosen = rng.permutation(classes)[: max(2, int(share * len(classes)))]
        rows = np.sort(rng.permutation(np.flatnonzero(np.isin(labels, chosen)))[:n])
        part = Vectors(index.path, rows, vectors[rows])
        judge.query_bank = QueryBank(encoder, part, folder)  # type: ignore[arg-type]
        for place in rng.permutation(len(texts))[:QUERIES]:
            truth = np.isin(labels[rows], list(queries[texts[place]]))
            fitted = hashlib.sha256(texts[place][0].encode()).digest()[0] % 2 == 0
            for column, language in enumerate(LANGUAGES):
                query = encoded[language][place]
                with mock.patch.object(score_calibration, "cut", return_value=0.0):
                    evidence = judge.log_odds(
                        query, vectors[rows] @ query, "text", texts[place][column]
                    )
                yield Asked(evidence / score_calibration.ODDS, truth, fitted)


def judged(asked: list[Asked]) -> tuple[float, float]:
    """Mean F1 of the cut-off, and the share of queries without a photo that show one."""
    f1, false_hits = [], []
    for it in asked:
        shown = it.x >= score_calibration.cut(it.x)
        if it.truth.any():
            f1.append(2 * (shown & it.truth).sum() / (shown.sum() + it.truth.sum()))
        else:
            false_hits.append(bool(shown.any()))
    return float(np.mean(f1)), float(np.mean(false_hits))


if __name__ == "__main__":
    main()
