"""How good a search is, on photos whose right answers are known.

A query with relevant photos is judged by its first ten hits and by the cut-off (what is shown as
sure or maybe); one without any, by whether something is shown all the same. Beside it stands the
best single cosine threshold, which is chosen on the queries of the other split.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from album.encoding.score_calibration import MAYBE, ScoreCalibrator, without
from album.errors import AlbumError
from album.search.fusion import WHOLE, certain, fuse
from album.storage.text_index import TextIndex
from album.storage.vector_index import VectorIndex, is_in
from models.interfaces import Embeddings, Encoder

PLACES = 10
RESAMPLES = 2000
THRESHOLDS = 200

Language = Literal["en", "ko"]
Split = Literal["tune", "held-back", "all"]
COLUMNS: Mapping[Language, str] = {"en": "query", "ko": "query_ko"}

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class LabelledQuery:
    """A query, and the photos that it should find."""

    name: str
    """Its English text, which also names it in tables."""
    texts: Mapping[Language, str]
    relevant: frozenset[str]
    """Names of photos; none: there is no such photo."""

    @property
    def split(self) -> Split:
        """Half of all queries, by the hash of their name: the same for every set of photos."""
        odd = hashlib.sha256(self.name.encode()).digest()[0] % 2
        return "tune" if odd else "held-back"


@dataclass(frozen=True)
class SearchRun:
    """What a search makes of one query, over the n photos of the index."""

    order: Rows
    """(n,) rows, best first."""
    evidence: Floats
    """(n,)"""
    scores: Floats
    """(n,) cosines."""
    sure: Flags
    """(n,)"""


@dataclass(frozen=True)
class Judged:
    """One query and what became of it."""

    text: str
    split: Split
    relevant: int
    right_in_10: int
    shown: int
    """Photos that are sure or maybe."""
    right_shown: int
    sure: int
    right_sure: int
    scores: Floats
    """(n,) cosines, for the thresholds that it is compared with."""
    truth: Flags
    """(n,)"""

    @property
    def f1(self) -> float:
        """Of the cut-off; only for a query with relevant photos."""
        return f1(self.right_shown, self.shown, self.relevant)

    def f1_at(self, threshold: float) -> float:
        """The same of a cosine threshold."""
        shown = self.scores >= threshold
        return f1(int((shown & self.truth).sum()), int(shown.sum()), self.relevant)


@dataclass(frozen=True)
class Searcher:
    """One model's view of the photos, and what is written of them."""

    encoder: Encoder
    index: VectorIndex
    relevance: ScoreCalibrator
    texts: TextIndex | None = None
    """Only where what is written counts, too."""

    def find(self, text: str) -> SearchRun:
        """Search as the album does for words without any condition."""
        ids, matrix = self.index.snapshot()
        query = self.encoder.encode_texts([text])[0]
        scores = matrix @ query
        looks = evidence = self.relevance.evidence(query, scores, "text", text)
        points, written = np.zeros_like(evidence), np.zeros(len(ids), bool)
        if self.texts is not None:
            hits = self.texts.find(text)
            evidence, points = fuse(evidence, ids, hits.photo_ids, hits.coverage)
            written = is_in(ids, hits.photo_ids[hits.coverage >= WHOLE])
        sure = certain(looks, evidence, written)
        order = np.lexsort((-points, -evidence, ~sure))  # (n,): the sure first, then by evidence
        return SearchRun(order, evidence, scores, sure)


def f1(right: int, shown: int, relevant: int) -> float:
    """2 right / (shown + relevant); 0 where nothing is shown."""
    return 2 * right / (shown + relevant) if shown + relevant else 0.0


def read_queries(path: Path) -> list[LabelledQuery]:
    """Read a CSV with the columns query, query_ko (may be left out) and relevant.

    `relevant` names photos by their path below the folder, with spaces between them.

    Raises:
        AlbumError: it cannot be read, lacks a column, or has no query.
    """
    queries = [
        LabelledQuery(
            row["query"].strip(),
            {
                language: text
                for language, column in COLUMNS.items()
                if (text := (row.get(column) or "").strip())
            },
            frozenset((row["relevant"] or "").split()),
        )
        for row in read_table(path, ("query", "relevant"))
        if (row["query"] or "").strip()
    ]
    if not queries:
        raise AlbumError(f"{path} holds no query.")
    return queries


def read_table(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV in UTF-8, by the names of its columns.

    Raises:
        AlbumError: it cannot be read, or lacks one of the columns `needed`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lacking = [name for name in needed if name not in (reader.fieldnames or ())]
            if lacking:
                raise AlbumError(f"{path} has no column {' or '.join(lacking)}.")
            return list(reader)
    except OSError as error:
        raise AlbumError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AlbumError(f"{path} is no CSV in UTF-8: save it as one and try again.") from error


def judge(query: LabelledQuery, text: str, found: SearchRun, names: Sequence[str]) -> Judged:
    """Compare what was found with what should have been.

    Args:
        query: what was asked.
        text: in which words.
        found: the answer.
        names: of the n photos, in the order of the index.
    """
    truth = np.array([name in query.relevant for name in names], bool)
    shown, sure = found.evidence >= MAYBE, found.sure
    return Judged(
        text,
        query.split,
        int(truth.sum()),
        int(truth[found.order[:PLACES]].sum()),
        int(shown.sum()),
        int((shown & truth).sum()),
        int(sure.sum()),
        int((sure & truth).sum()),
        found.scores,
        truth,
    )


def best_threshold(judged: Sequence[Judged]) -> float:
    """The cosine from which showing photos has the highest mean F1, of queries that have some."""
    judged = [it for it in judged if it.relevant]
    scores = np.sort(np.concatenate([it.scores for it in judged] or [np.ones(1, np.float32)]))
    # Thresholds that matter lie in the tail: from half of all scores up to the highest.
    shares = np.geomspace(0.5, 1 / len(scores), THRESHOLDS)
    candidates = np.unique(scores[((1 - shares) * (len(scores) - 1)).astype(int)])
    means = [float(np.mean([it.f1_at(float(t)) for it in judged] or [0])) for t in candidates]
    return float(candidates[int(np.argmax(means))])


def totals(judged: Sequence[Judged], threshold: float) -> dict[str, object]:
    """Figures of many queries, with those of a single cosine threshold beside them."""
    present = [it for it in judged if it.relevant]
    absent = [it for it in judged if not it.relevant]
    ours = np.array([it.f1 for it in present])
    fixed = np.array([it.f1_at(threshold) for it in present])
    low, high = interval(ours - fixed)
    shown, right = sum(it.shown for it in present), sum(it.right_shown for it in present)
    sure = sum(it.sure for it in judged)
    return {
        "queries": len(present),
        "absent_queries": len(absent),
        "precision_at_10": mean([it.right_in_10 / PLACES for it in present]),
        "precision_at_relevant": mean(
            [it.right_in_10 / min(PLACES, it.relevant) for it in present]
        ),
        "recall_at_10": mean([it.right_in_10 / it.relevant for it in present]),
        "cut_off": {
            "precision": mean([it.right_shown / it.shown for it in present if it.shown]),
            "recall": mean([it.right_shown / it.relevant for it in present]),
            "f1": mean(list(ours)),
            "f1_of_all_photos_together": f1(right, shown, sum(it.relevant for it in present)),
            "false_hit_rate": mean([float(it.shown > 0) for it in absent]),
            "right_among_sure": sum(it.right_sure for it in judged) / sure if sure else None,
        },
        "fixed_threshold": {
            "cosine": threshold,
            "f1": mean(list(fixed)),
            "f1_of_all_photos_together": f1(
                sum(int(it.truth[it.scores >= threshold].sum()) for it in present),
                sum(int((it.scores >= threshold).sum()) for it in present),
                sum(it.relevant for it in present),
            ),
            "false_hit_rate": mean([float((it.scores >= threshold).any()) for it in absent]),
        },
        "f1_gain": {
            "mean": mean(list(ours - fixed)),
            "low": low,
            "high": high,
        },
    }


def mean(values: Sequence[float]) -> float | None:
    """None of nothing."""
    return float(np.mean(values)) if len(values) else None


def interval(gains: npt.NDArray[np.float64]) -> tuple[float | None, float | None]:
    """The 95 % bootstrap interval of a mean (Efron 1979), with the same resamples each time."""
    if not len(gains):
        return None, None
    drawn = np.random.default_rng(0).integers(0, len(gains), (RESAMPLES, len(gains)))
    low, high = np.quantile(gains[drawn].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


# Exclusion


@dataclass(frozen=True)
class Exclusion:
    """ "The whole, but not the unwanted part of it"."""

    whole: Mapping[Language, str]
    wanted: tuple[str, ...]
    """Names of queries whose photos should stay."""
    unwanted: str
    """The name of the query whose photos should go."""


def _pair(english: str, korean: str, first: str, second: str) -> tuple[Exclusion, Exclusion]:
    whole: Mapping[Language, str] = {"en": english, "ko": korean}
    return Exclusion(whole, (first,), second), Exclusion(whole, (second,), first)


_ANIMALS = ("dog", "bird", "monkey", "spider", "bear", "sheep", "lizard", "rabbit", "insect")


def _animals_without(unwanted: str) -> Exclusion:
    wanted = tuple(name for name in _ANIMALS if name != unwanted)
    return Exclusion({"en": "animal", "ko": "동물"}, wanted, unwanted)


EXCLUSIONS: tuple[Exclusion, ...] = (
    *(_animals_without(name) for name in ("dog", "bird", "monkey", "lizard", "insect")),
    *_pair("dog or bird", "개나 새", "dog", "bird"),
    *_pair("bird or insect", "새나 곤충", "bird", "insect"),
    *_pair("dog or monkey", "개나 원숭이", "dog", "monkey"),
    *_pair("insect or spider", "곤충이나 거미", "insect", "spider"),
    *_pair("lizard or bird", "도마뱀이나 새", "lizard", "bird"),
    *_pair("monkey or bear", "원숭이나 곰", "monkey", "bear"),
    Exclusion({"en": "vehicle", "ko": "탈것"}, ("bicycle", "airplane"), "truck"),
    Exclusion({"en": "food", "ko": "음식"}, ("dessert", "pizza or burger"), "fruit"),
    Exclusion({"en": "fruit or computer", "ko": "과일이나 컴퓨터"}, ("fruit",), "computer"),
)
"""Judged where the set of queries has queries of these names."""


def exclude(
    searcher: Searcher, queries: Sequence[LabelledQuery], names: Sequence[str], language: Language
) -> list[dict[str, object]]:
    """For each exclusion that can be judged: what veto and vector subtraction keep and drop.

    kept: the wanted among the first ten, of those that a perfect veto would leave there;
    dropped: the share of the unwanted among the first ten that are gone. None where there are none.
    """
    by_name = {query.name: query for query in queries}
    rows = []
    for it in EXCLUSIONS:
        if it.unwanted not in by_name or language not in by_name[it.unwanted].texts:
            continue
        gone = _truth([it.unwanted], by_name, names)
        stay = _truth(it.wanted, by_name, names) & ~gone
        if not gone.any() or not stay.any():
            continue
        unwanted = by_name[it.unwanted].texts[language]
        rows.append(
            {"query": it.whole[language], "without": unwanted}
            | _excluded(searcher, it.whole[language], unwanted, stay, gone)
        )
    return rows


def _truth(
    wanted: Sequence[str], by_name: Mapping[str, LabelledQuery], names: Sequence[str]
) -> Flags:
    relevant = frozenset[str]().union(
        *(by_name[name].relevant for name in wanted if name in by_name)
    )
    return np.array([name in relevant for name in names], bool)


def _excluded(
    searcher: Searcher, whole: str, unwanted: str, stay: Flags, gone: Flags
) -> dict[str, object]:
    encoder, relevance = searcher.encoder, searcher.relevance
    _, matrix = searcher.index.snapshot()
    vectors: Embeddings = encoder.encode_texts([whole, unwanted])  # (2, d)
    scores = matrix @ vectors.T  # (n, 2)
    looks = relevance.evidence(vectors[0], scores[:, 0], "text", whole)
    parts = relevance.evidence(vectors[1], scores[:, 1], "text", unwanted)
    left, vetoed = without(looks, parts)
    before = np.argsort(-looks, kind="stable")
    perfect = before[~gone[before]][:PLACES]
    by_veto = np.argsort(-left, kind="stable")
    firsts = {
        "veto": by_veto[~vetoed[by_veto]][:PLACES],
        "subtraction": np.argsort(scores[:, 1] - scores[:, 0], kind="stable")[:PLACES],
    }
    possible, undone = int(stay[perfect].sum()), int(gone[before[:PLACES]].sum())
    return {
        way: {
            "kept": min(int(stay[first].sum()) / possible, 1.0) if possible else None,
            "dropped": max(1 - int(gone[first].sum()) / undone, 0.0) if undone else None,
        }
        for way, first in firsts.items()
    }
