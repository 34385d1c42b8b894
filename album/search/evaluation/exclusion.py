"""Evaluation of exclusions, such as "animal, but no dog"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from album.search.evaluation.labelled_queries import LabelledQuery, Language
from album.search.evaluation.metrics import PLACES, Names, mean, named, rank_all
from album.search.ranking import Ids, Ranker


@dataclass(frozen=True)
class Exclusion:
    """A query for a whole without a part of it."""

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


def judge_exclusions(
    ranker: Ranker, queries: Sequence[LabelledQuery], names: Names, language: Language
) -> dict[str, Any]:
    """Measure what vetoes and vector subtractions keep and drop.

    kept: the wanted among the first ten, of those that a perfect veto would leave there.
    dropped: the share of the unwanted among the first ten that are gone. Both None where there are
    none.
    """
    by_name = {query.name: query for query in queries}
    rows = []
    for exclusion in EXCLUSIONS:
        unwanted = by_name.get(exclusion.unwanted)
        if unwanted is None or language not in unwanted.texts:
            continue
        relevant = [by_name[name].relevant for name in exclusion.wanted if name in by_name]
        stay = frozenset[str]().union(*relevant) - unwanted.relevant
        whole, part = exclusion.whole[language], unwanted.texts[language]
        if figures := _judge(ranker, names, whole, part, stay, unwanted.relevant):
            rows.append({"query": whole, "without": part} | figures)
    return {
        "rows": rows,
        "mean": {
            way: {
                figure: mean([row[way][figure] for row in rows if row[way][figure] is not None])
                for figure in ("kept", "dropped")
            }
            for way in ("veto", "subtraction")
        },
    }


def _judge(
    ranker: Ranker,
    names: Names,
    whole: str,
    unwanted: str,
    stay: frozenset[str],
    gone: frozenset[str],
) -> dict[str, Any] | None:
    """Compare both ways with a perfect veto.

    None without wanted or unwanted photos.
    """
    ranking, part = rank_all(ranker, whole), rank_all(ranker, unwanted)
    order, places = np.argsort(ranking.photo_ids), np.argsort(part.photo_ids)
    ids = ranking.photo_ids[order]
    is_gone = named(ranking.photo_ids, names, gone)
    if not is_gone.any() or not named(ids, names, stay).any():
        return None
    lost = part.scores[places] - ranking.scores[order]
    possible = _count(ranking.photo_ids[~is_gone], names, stay)
    undone = int(is_gone[:PLACES].sum())
    ways = {
        "veto": rank_all(ranker, whole, unwanted).photo_ids,
        "subtraction": ids[np.argsort(lost, kind="stable")],
    }
    return {
        way: {
            "kept": min(_count(hits, names, stay) / possible, 1.0) if possible else None,
            "dropped": max(1 - _count(hits, names, gone) / undone, 0.0) if undone else None,
        }
        for way, hits in ways.items()
    }


def _count(photo_ids: Ids, names: Names, wanted: frozenset[str]) -> int:
    """Count wanted photos among the first ten."""
    return int(named(photo_ids[:PLACES], names, wanted).sum())
