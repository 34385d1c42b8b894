"""RulePredictions: what the rules of labels say of photos, whatever the rules are made of."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from album.classification.few_shot import FewShotLearner
from album.classification.trained_classifiers import TrainedHeads
from album.classification.zero_shot import PhotoClassifier
from album.domain.classification import Classification
from album.domain.labels import LabelRule, SortOptions, checked_rule

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Matches = tuple[Ids, Floats]
"""The photos that a rule says yes to, the surest first, and how probable it is."""

NONE_FOUND: Final[Matches] = np.empty(0, np.int64), np.empty(0, np.float32)


class PredictionSet:
    """What was answered to one question, which may be that of many rules."""

    def __init__(self, looked_at: Ids, of_class: Callable[[str | None], Matches]) -> None:
        """`looked_at` are the ids of all photos that were looked at, rising."""
        self.looked_at = looked_at
        self._of_class = of_class

    @classmethod
    def of(cls, sorting: Classification) -> PredictionSet:
        """Those of a list of classes, or of a trained classifier."""
        columns = {label: c for c, label in enumerate(sorting.labels)}

        def of_class(name: str | None) -> Matches:
            return sorting.photos_in_class(columns[name]) if name in columns else NONE_FOUND

        return cls(sorting.photo_ids, of_class)

    def found(self, rule: LabelRule) -> Matches:
        """(n,) photos that a rule says yes to, and their probabilities."""
        return self._of_class(rule.definition.get("class"))

    def pairs(self, rule: LabelRule) -> list[tuple[int, float]]:
        """The same as (photo id, probability)."""
        ids, probabilities = self.found(rule)
        return list(zip(ids.tolist(), probabilities.tolist(), strict=True))


class RulePredictions:
    """Asks whoever decides: classes made of words, examples, or a trained classifier."""

    def __init__(
        self, classifier: PhotoClassifier, teacher: FewShotLearner, heads: TrainedHeads
    ) -> None:
        self._classifier = classifier
        self._teacher = teacher
        self._heads = heads

    def of_rule(self, rule: LabelRule, photo_ids: Sequence[int] | None) -> PredictionSet:
        """What a rule says of photos, and with it all others of the same question.

        Args:
            rule: it may come from a file of somebody else's.
            photo_ids: the photos to look at; None: the whole album.

        Raises:
            AlbumError: the rule cannot be understood, or has nothing to go by any more.
            ModelError: its classifier is gone or damaged.
        """
        rule = checked_rule(rule.label, rule.kind, dict(rule.definition), rule.living)
        of = rule.definition
        if rule.kind == "words":
            strictness = -math.inf if of["strictness"] is None else of["strictness"]
            options = SortOptions(of["temperature"], strictness, of["wording"])
            classes = "\n".join(of["classes"])
            return PredictionSet.of(self._classifier.sort_photos(classes, options, photo_ids))
        if rule.kind == "model":
            return PredictionSet.of(self._heads.sort(of["head"], photo_ids, of["threshold"]))
        chosen = None if photo_ids is None else np.array(photo_ids, dtype=np.int64)
        ids, probabilities, threshold = self._teacher.answers(rule, chosen)
        yes = np.flatnonzero(probabilities >= threshold)
        yes = yes[np.argsort(-probabilities[yes], kind="stable")]
        return PredictionSet(ids, lambda _: (ids[yes], probabilities[yes]))


def by_question(rules: Sequence[LabelRule]) -> list[list[LabelRule]]:
    """Rules that are classes of one list, or of one trained classifier, are asked together."""
    groups: dict[str, list[LabelRule]] = {}
    for rule in rules:
        question = {key: value for key, value in rule.definition.items() if key != "class"}
        own = rule.label if rule.kind == "examples" else ""
        key = json.dumps([rule.kind, own, question], sort_keys=True)
        groups.setdefault(key, []).append(rule)
    return list(groups.values())
