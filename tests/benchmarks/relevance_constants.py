"""Fit the constants of `album.encoding.score_scale` on labelled photos.

    python -m tests.benchmarks.relevance_constants PHOTOS LABELS SOURCE [--model pocket] ...

PHOTOS has a folder per class, or is a CSV of image_path,label; LABELS is a CSV of
source,folder,en,ko,tags (models/pocket/labels.csv), with tags.csv beside it. Names of classes and
tags become queries in both languages, and small and large albums are drawn from a part of the
classes, so that many queries have no photo. One counts as absent only in an album where nothing
shares a tag with it: that there is no beagle among ten other dogs is no error to learn from. Every
second query is held back from the fit.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from sklearn.linear_model import LogisticRegression

from album.encoding import score_scale
from album.encoding.chance import Chance
from album.encoding.query_bank import LANGUAGES
from album.encoding.score_calibration import ScoreCalibrator
from album.encoding.score_scale import ODDS_AT_CHANCE, ODDS_SLOPE, cut
from models.clip.encoder import ClipEncoder
from models.datasets import read_examples
from models.interfaces import Embeddings

Queries = dict[tuple[str, str], set[str]]
"""Names of folders by (English, Korean) text."""
ALBUMS = ((10_000, 1.0), (2_000, 0.3), (400, 0.5), (400, 1.0), (100, 0.3), (30, 0.1), (8, 0.05))
"""Photos, and the share of the classes that they are of."""
BATCH = 64
DRAWN = 3  # albums of each size
QUERIES = 40  # of each album and language
BEST = 300  # photos of a query that the odds are fitted on
PENALTY = 100.0  # inverse strength, as scikit-learn counts it
ABSENT_SHOWN = 0.1  # queries without a photo that may show one
MARGINS = (0.0, 0.1, 0.15, 0.2, 0.3)
LOWESTS = (0.5, 0.55, 0.6, 0.65, 0.7)
INTERVALS = ((0.5, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.0))


@dataclass(frozen=True)
class Vectors:
    """What `ScoreCalibrator` needs of an index."""

    path: Path
    ids: np.ndarray
    matrix: Embeddings

    def snapshot(self) -> tuple[np.ndarray, Embeddings]:
        return self.ids, self.matrix


@dataclass(frozen=True)
class Case:
    """One query of one album, in one language and with one model."""

    z_scores: np.ndarray
    chance: Chance
    truth: np.ndarray
    fitted: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("source")
    parser.add_argument("--model", action="append", help="as ALBUM_MODEL; once for each")
    options = parser.parse_args()
    examples = [one for one in read_examples(options.photos).examples if one.label]
    labels = np.array([example.label for example in examples])
    queries = queries_of(options.labels, options.source)
    cases = []
    for model in options.model or ["pocket"]:
        encoder = ClipEncoder(model, Path("data/weights"))
        matrix = np.concatenate(
            [
                encoder.encode_images([one.image.open() for one in examples[start : start + BATCH]])
                for start in range(0, len(examples), BATCH)
            ]
        )
        cases += list(draw_cases(encoder, matrix, labels, queries))
    fitted = [case for case in cases if case.fitted]
    held_back = [case for case in cases if not case.fitted]
    print_odds(fitted, held_back)
    print_cuts(fitted, held_back)


def queries_of(path: Path, source: str) -> Queries:
    """Return the folders of each (English, Korean) text."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == source]
    with (path.parent / "tags.csv").open(encoding="utf-8", newline="") as file:
        korean = {row["en"]: row["ko"] for row in csv.DictReader(file)}
    folders: Queries = {}
    for row in rows:
        folders.setdefault((row["en"], row["ko"]), set()).add(row["folder"])
        for tag in filter(None, map(str.strip, row["tags"].split(";"))):
            if tag in korean:
                folders.setdefault((tag, korean[tag]), set()).add(row["folder"])
    return folders


def draw_cases(
    encoder: ClipEncoder,
    matrix: Embeddings,
    labels: np.ndarray,
    queries: Queries,
) -> Iterator[Case]:
    """Draw albums, and queries for each of them."""
    rng = np.random.default_rng(0)
    texts = list(queries)
    relatives = {
        text: set[str]().union(*(other for other in queries.values() if other & folders))
        for text, folders in queries.items()
    }
    encoded = [encoder.encode_texts(language) for language in zip(*texts, strict=True)]
    classes = np.unique(labels)
    with tempfile.TemporaryDirectory() as folder:
        for (n, share), _ in itertools.product(ALBUMS, range(DRAWN)):
            chosen = rng.permutation(classes)[: max(2, int(share * len(classes)))]
            rows = np.sort(rng.permutation(np.flatnonzero(np.isin(labels, chosen)))[:n])
            album = Vectors(Path("drawn.npy"), rows, matrix[rows])
            calibrator = ScoreCalibrator(encoder, album, Path(folder))  # type: ignore[arg-type]
            for place in rng.permutation(len(texts))[:QUERIES]:
                truth = np.isin(labels[rows], list(queries[texts[place]]))
                related = np.isin(labels[rows], list(relatives[texts[place]]))
                if related.any() and not truth.any():
                    continue
                fitted = hashlib.sha256(texts[place][0].encode()).digest()[0] % 2 == 0
                for language, text, vectors in zip(LANGUAGES, texts[place], encoded, strict=True):
                    query = vectors[place]
                    logits = calibrator.calibrate(query, album.matrix @ query, text=text).logits
                    chance = calibrator.chance(language)
                    z_scores = (logits - ODDS_AT_CHANCE) / ODDS_SLOPE + chance.high
                    yield Case(z_scores.astype(np.float32), chance, truth, fitted)


def print_odds(fitted: Sequence[Case], held_back: Sequence[Case]) -> None:
    """Fit p, and compare it with what is right."""
    above, truth = best_photos(fitted)
    model = LogisticRegression(C=PENALTY, max_iter=1000).fit(above, truth)
    slope, at_chance = float(model.coef_[0, 0]), float(model.intercept_[0])
    print(
        f"ODDS_SLOPE {slope:.2f} (now {ODDS_SLOPE}), "
        f"ODDS_AT_CHANCE {at_chance:.2f} (now {ODDS_AT_CHANCE})"
    )
    print("queries     of photos with p, so many are right: fitted now, present constants")
    for name, cases in (("fitted", fitted), ("held back", held_back)):
        above, truth = best_photos(cases)
        for low, high in INTERVALS:
            told = ""
            for a, b in ((slope, at_chance), (ODDS_SLOPE, ODDS_AT_CHANCE)):
                p = 1 / (1 + np.exp(-(a * above[:, 0] + b)))
                inside = truth[(p >= low) & (p <= high)]
                told += f"   {inside.mean() if len(inside) else np.nan:.3f} of {len(inside):5}"
            print(f"{name:10}  {low:.0%} to {high:.0%}{told}")


def best_photos(cases: Sequence[Case]) -> tuple[np.ndarray, np.ndarray]:
    """Return (m, 1) z - C and (m,) truth of the best photos of each query."""
    above, truth = [], []
    for case in cases:
        best = np.argsort(-case.z_scores)[:BEST]
        above.append(case.z_scores[best] - case.chance.high)
        truth.append(case.truth[best])
    return np.concatenate(above)[:, None], np.concatenate(truth)


def print_cuts(fitted: Sequence[Case], held_back: Sequence[Case]) -> None:
    """Judge the cuts of a grid, and name the best that is allowed."""
    print("MARGIN  LOWEST     F1, absent things shown: fitted queries, those held back")
    best = (0.0, "none")
    for margin, lowest in itertools.product(MARGINS, LOWESTS):
        with mock.patch.multiple(score_scale, MARGIN=margin, LOWEST=lowest):
            figures = [judge(cases) for cases in (fitted, held_back)]
        told = "".join(f"   {f1:.3f} {absent_shown:.3f}" for f1, absent_shown in figures)
        row = f"{margin:6.2f}  {lowest:6.2f}  {told}"
        print(row)
        f1, absent_shown = figures[0]
        if absent_shown <= ABSENT_SHOWN:
            best = max(best, (f1, row))
    now = f"{score_scale.MARGIN}, {score_scale.LOWEST}"
    print(f"best with at most {ABSENT_SHOWN:.0%} shown (now {now}):\n{best[1]}")


def judge(cases: Sequence[Case]) -> tuple[float, float]:
    """Return the mean F1 of the cut, and the share of absent things that show a photo."""
    f1, absent_shown = [], []
    for case in cases:
        shown = case.z_scores >= cut(case.z_scores, case.chance)
        if case.truth.any():
            f1.append(2 * (shown & case.truth).sum() / (shown.sum() + case.truth.sum()))
        else:
            absent_shown.append(bool(shown.any()))
    return float(np.mean(f1)), float(np.mean(absent_shown))


if __name__ == "__main__":
    main()
