"""Figures of rankings whose right answers are known.

A query with relevant photos is judged by its first ten hits and by the cut-off (hits that are sure
or maybe). One without any is judged by whether it has such hits at all. The best single cosine
threshold is compared with it, chosen on the queries of the other split.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from album.search.evaluation.labelled_queries import LabelledQuery, Language, Split
from album.search.query import Look, Query
from album.search.ranking import Flags, Floats, Ids, Ranker, Ranking
from album.search.request import SearchRequest

PLACES = 10
RESAMPLES = 2000
THRESHOLDS = 200

Names = Mapping[int, str]
"""Names of photos by id, as a table of queries writes them."""


@dataclass(frozen=True)
class JudgedSearch:
    """One query and its right and wrong hits."""

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
    """(n,) cosines, best hit first, for the fixed thresholds."""
    truth: Flags
    """(n,) relevant photos, in the order of `scores`."""
    likeness: Floats
    """(n,) probabilities that the photos show the query, in the order of `scores`."""

    @property
    def f1(self) -> float:
        """Return 2 right / (shown + relevant).

        0 where both are 0.
        """
        return f1(self.right_shown, self.shown, self.relevant)

    def f1_at(self, threshold: float) -> float:
        """Return the F1 of a cosine threshold."""
        shown = self.scores >= threshold
        return f1(int((shown & self.truth).sum()), int(shown.sum()), self.relevant)

    def shows_at(self, threshold: float) -> bool:
        """Return whether a cosine threshold shows any photo."""
        return bool((self.scores >= threshold).any())

    def as_json(self, threshold: float) -> dict[str, Any]:
        """Return the figures of this query beside those of a cosine threshold."""
        return {
            "query": self.text,
            "relevant": self.relevant,
            "right_in_10": self.right_in_10,
            "shown": self.shown,
            "right_shown": self.right_shown,
            "sure": self.sure,
            "f1": self.f1 if self.relevant else None,
            "fixed_f1": self.f1_at(threshold) if self.relevant else None,
            "fixed_shown": int((self.scores >= threshold).sum()),
        }


def rank_all(ranker: Ranker, text: str, *unwanted: str) -> Ranking:
    """Rank all photos for plain words, without filters.

    Each photo of a burst is ranked.
    """
    query = Query(text, groups=((Look(text),),), unwanted=unwanted)
    return ranker.rank(SearchRequest(text, rest=True), query, group_bursts=False)


def judge(query: LabelledQuery, language: Language, ranker: Ranker, names: Names) -> JudgedSearch:
    """Rank a query and count its right hits."""
    text = query.texts[language]
    ranking = rank_all(ranker, text)
    truth = named(ranking.photo_ids, names, query.relevant)
    return JudgedSearch(
        text,
        query.split,
        relevant=int(truth.sum()),
        right_in_10=int(truth[:PLACES].sum()),
        shown=ranking.maybe_end,
        right_shown=int(truth[: ranking.maybe_end].sum()),
        sure=ranking.sure_end,
        right_sure=int(truth[: ranking.sure_end].sum()),
        scores=ranking.scores,
        truth=truth,
        likeness=ranking.likeness,
    )


def judge_all(
    ranker: Ranker, queries: Sequence[LabelledQuery], names: Names, language: Language
) -> list[JudgedSearch]:
    """Judge the queries that have a text in this language."""
    return [judge(query, language, ranker, names) for query in queries if language in query.texts]


def named(photo_ids: Ids, names: Names, wanted: Collection[str]) -> Flags:
    """Flag (m,) photos whose name is wanted."""
    return np.array([names.get(photo_id) in wanted for photo_id in photo_ids.tolist()], bool)


def f1(right: int, shown: int, relevant: int) -> float:
    """Return 2 right / (shown + relevant), 0 where both are 0."""
    return 2 * right / (shown + relevant) if shown + relevant else 0.0


def best_threshold(queries: Sequence[JudgedSearch], above: float = -1.0) -> float:
    """Return the cosine of the highest mean F1 of present queries.

    It is larger than `above`.
    """
    present = [query for query in queries if query.relevant]
    scores = np.sort(
        np.concatenate([query.scores for query in present] or [np.ones(1, np.float32)])
    )
    # Thresholds that matter lie in the tail: from half of all scores up to the highest.
    shares = np.geomspace(0.5, 1 / len(scores), THRESHOLDS)
    lowest = np.nextafter(np.float32(above), np.float32(2))
    candidates = np.unique(
        np.maximum(scores[((1 - shares) * (len(scores) - 1)).astype(int)], lowest)
    )
    means = [
        float(np.mean([query.f1_at(float(t)) for query in present] or [0])) for t in candidates
    ]
    return float(candidates[int(np.argmax(means))])


def totals(queries: Sequence[JudgedSearch], threshold: float) -> dict[str, Any]:
    """Return mean figures of queries beside those of a cosine threshold."""
    present = [query for query in queries if query.relevant]
    absent = [query for query in queries if not query.relevant]
    ours = np.array([query.f1 for query in present])
    fixed = np.array([query.f1_at(threshold) for query in present])
    low, high = interval(ours - fixed)
    relevant = sum(query.relevant for query in present)
    sure = sum(query.sure for query in queries)
    return {
        "queries": len(present),
        "absent_queries": len(absent),
        "precision_at_10": mean([query.right_in_10 / PLACES for query in present]),
        "precision_at_relevant": mean(
            [query.right_in_10 / min(PLACES, query.relevant) for query in present]
        ),
        "recall_at_10": mean([query.right_in_10 / query.relevant for query in present]),
        "cut_off": {
            "precision": mean(
                [query.right_shown / query.shown for query in present if query.shown]
            ),
            "recall": mean([query.right_shown / query.relevant for query in present]),
            "f1": mean(list(ours)),
            "f1_of_all_photos_together": f1(
                sum(query.right_shown for query in present),
                sum(query.shown for query in present),
                relevant,
            ),
            "false_hit_rate": mean([float(query.shown > 0) for query in absent]),
            "right_among_sure": sum(query.right_sure for query in queries) / sure if sure else None,
        },
        "fixed_threshold": {
            "cosine": threshold,
            "f1": mean(list(fixed)),
            "f1_of_all_photos_together": f1(
                sum(int(query.truth[query.scores >= threshold].sum()) for query in present),
                sum(int((query.scores >= threshold).sum()) for query in present),
                relevant,
            ),
            "false_hit_rate": mean([float(query.shows_at(threshold)) for query in absent]),
        },
        "f1_gain": {"mean": mean(list(ours - fixed)), "low": low, "high": high},
    }


def mean(values: Sequence[float] | Flags) -> float | None:
    """Return the mean, or None of no values."""
    return float(np.mean(values)) if len(values) else None


def interval(gains: npt.NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return the 95 % bootstrap interval (Efron 1979), with a fixed seed."""
    if not len(gains):
        return None, None
    drawn = np.random.default_rng(0).integers(0, len(gains), (RESAMPLES, len(gains)))
    low, high = np.quantile(gains[drawn].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
