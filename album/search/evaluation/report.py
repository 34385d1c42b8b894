"""All figures of a search on labelled queries, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from album.search.evaluation.exclusion import judge_exclusions
from album.search.evaluation.labelled_queries import LabelledQuery, Language, Split
from album.search.evaluation.metrics import Names, best_threshold, judge_all, totals
from album.search.ranking import Ranker


def language_report(
    rankers: Mapping[str, Ranker],
    queries: Sequence[LabelledQuery],
    names: Names,
    language: Language,
    split: Split,
) -> dict[str, Any]:
    """Measure every ranker with the queries of one language.

    Args:
        rankers: "looks" and, to compare with it, "captions".
        queries: of any language.
        names: of the photos.
        language: of the queries to measure.
        split: the half to report. The fixed threshold is chosen on the other one.
    """
    judged = {way: judge_all(ranker, queries, names, language) for way, ranker in rankers.items()}
    other = {"tune": "held-back", "held-back": "tune"}.get(split)
    threshold = best_threshold([query for query in judged["looks"] if other in (None, query.split)])
    facts: dict[str, Any] = {}
    for way, results in judged.items():
        chosen = [query for query in results if split in ("all", query.split)]
        facts[way] = totals(chosen, threshold)
        facts[way]["per_query"] = [query.as_json(threshold) for query in chosen]
    if "captions" in judged:
        facts["lowered_by_captions"] = [
            captioned.text
            for bare, captioned in zip(judged["looks"], judged["captions"], strict=True)
            if captioned.right_in_10 < bare.right_in_10
        ]
    facts["exclusion"] = judge_exclusions(rankers["looks"], queries, names, language)
    return facts
