"""Figures that compare the judgement of a search between models.

The constants of the judgement are the same for all models, so a figure that is good with one model
and bad with another says that the judgement does not carry over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from album.search.evaluation.labelled_queries import LabelledQuery, Language
from album.search.evaluation.metrics import (
    PLACES,
    JudgedSearch,
    Names,
    best_threshold,
    judge_all,
    mean,
)
from album.search.ranking import Ranker

PROBABILITIES = (0.5, 0.7, 0.8, 0.9, 1.0)
"""Ends of the intervals in which probabilities are compared with what is right."""


def transfer_rows(
    rankers: Iterable[Ranker],
    queries: Sequence[LabelledQuery],
    names: Names,
    languages: Sequence[Language],
) -> Iterator[dict[str, Any]]:
    """Yield the figures of each model and language."""
    for ranker in rankers:
        for language in languages:
            judged = judge_all(ranker, queries, names, language)
            model = {"model_id": ranker.active.encoder.model_id, "language": language}
            yield model | transfer_figures(judged)


def transfer_figures(judged: Sequence[JudgedSearch]) -> dict[str, Any]:
    """Return the figures of one model and language.

    The fixed cosine of a query is chosen on the other half of the queries, in both directions.
    `in_hindsight` is that of the best one for these very queries, and `as_strict` that of the best
    one that shows photos for no more of the absent things than the cut-off does.
    """
    present = [query for query in judged if query.relevant]
    absent = [query for query in judged if not query.relevant]
    best = best_threshold(judged)
    absent_shown = sum(query.shown > 0 for query in absent)
    highest = sorted((float(query.scores.max()) for query in absent), reverse=True)
    strict = best_threshold(judged, *highest[absent_shown : absent_shown + 1])
    other_half = {
        half: best_threshold([query for query in present if query.split != half])
        for half in {query.split for query in present}
    }
    sure = sum(query.sure for query in judged)
    return {
        "queries": len(present),
        "absent_queries": len(absent),
        "f1": mean([query.f1 for query in present]),
        "absent_shown": absent_shown,
        "fixed": {
            "f1": mean([query.f1_at(other_half[query.split]) for query in present])
            if len(other_half) > 1
            else None,
            "f1_in_hindsight": mean([query.f1_at(best) for query in present]),
            "f1_as_strict": mean([query.f1_at(strict) for query in present]),
            "absent_shown_in_hindsight": sum(query.shows_at(best) for query in absent),
        },
        "sure": sure,
        "right_among_sure": sum(query.right_sure for query in judged) / sure if sure else None,
        "precision_at_10": mean([query.right_in_10 / PLACES for query in present]),
        "reliability": _reliability(judged),
    }


def _reliability(judged: Sequence[JudgedSearch]) -> list[dict[str, Any]]:
    """Compare probabilities with the share of photos that are right, interval by interval."""
    likeness = np.concatenate([query.likeness for query in judged])
    truth = np.concatenate([query.truth for query in judged])
    rows = []
    for low, high in pairwise(PROBABILITIES):
        inside = (likeness >= low) & ((likeness < high) | (high == PROBABILITIES[-1]))
        right = truth[inside]
        rows.append({"from": low, "to": high, "photos": len(right), "right": mean(right)})
    return rows
