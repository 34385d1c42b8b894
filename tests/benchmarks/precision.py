"""Precision@10 over the labelled photos: the album beside plain open_clip and NumPy."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from album.search.request import SearchRequest
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from models.clip.encoder import ClipEncoder
from models.clip.spec import POCKET
from tests.benchmarks import plain_precision
from tests.benchmarks.figures import Figure
from tests.support.fakes import FakeCaptioner
from tests.support.importing import take_in

LABELLED = Path(__file__).parents[3] / "shared" / "labelled"
LANGUAGES = {"English": "query", "Korean": "query_ko"}
POINTS = 2.0  # how far the album may be from the plain way


def figures() -> Iterator[Figure]:
    if not LABELLED.is_dir():
        return
    for language, (ours, plain) in precisions().items():
        yield Figure(
            f"precision@10 with pocket, {language}: points away from the plain way",
            abs(ours - plain),
            "points",
            below=POINTS,
            beside=f"album {ours:.2f} %, plain {plain:.2f} %",
        )


def precisions() -> dict[str, tuple[float, float]]:
    """By language, in per cent: the album, and plain open_clip and NumPy."""
    photos = sorted((LABELLED / "photos").iterdir())
    with (LABELLED / "queries.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["relevant"].strip()]
    relevant = [set(row["relevant"].split()) for row in rows]
    texts = [row[column] for column in LANGUAGES.values() for row in rows]
    ours, plain = album_ranks(photos, texts), plain_precision.rank(photos, texts)
    found = {}
    for number, language in enumerate(LANGUAGES):
        part = slice(number * len(rows), (number + 1) * len(rows))
        found[language] = precision(ours[part], relevant), precision(plain[part], relevant)
    return found


def album_ranks(photos: Sequence[Path], texts: Sequence[str]) -> list[list[str]]:
    """For each text the names of the ten photos that the album finds."""
    with tempfile.TemporaryDirectory() as folder:
        album = Album(Path(folder), DefaultClassifiers(), FakeCaptioner())
        album.active.set_encoder(ClipEncoder(POCKET, Path(folder)), fill=False)
        take_in(album, photos)
        pages = [album.search.find(SearchRequest(text, rest=True), limit=10) for text in texts]
        album.close()
    return [[hit.photo.filename for hit in page.hits] for page in pages]


def precision(ranks: Sequence[Sequence[str]], relevant: Sequence[set[str]]) -> float:
    """The mean share of right photos, in per cent, among the first ten or as many as there are."""
    shares = []
    for names, right in zip(ranks, relevant, strict=True):
        k = min(10, len(right))
        shares.append(len(right.intersection(names[:k])) / k)
    return 100 * sum(shares) / len(shares)
