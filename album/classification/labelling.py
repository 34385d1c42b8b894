"""Labelling: dry runs of rules over the album, applying and undoing them, and living labels."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from album.classification.few_shot import FewShotLearner
from album.classification.rule_predictions import (
    Floats,
    Ids,
    PredictionSet,
    RulePredictions,
    by_question,
)
from album.classification.trained_classifiers import TrainedHeads
from album.classification.zero_shot import PhotoClassifier
from album.domain.classification import Classification
from album.domain.labels import (
    LabelChange,
    LabelPlan,
    LabelRule,
    PlannedLabel,
    RuleKind,
    SortOptions,
    label_name,
)
from album.encoding.active_encoder import ActiveEncoder
from album.errors import AlbumError, QueryError
from album.storage.auto_label_progress import AutoLabelProgress, RuleCursor
from album.storage.labels import LabelStore
from models.errors import ModelError

log = logging.getLogger(__name__)

NEW_AT_ONCE: Final = 2000
"""Photos after which what living labels found is written, and closing is noticed."""


class Labelling:
    """Gives labels by rules: planned first, written in one transaction, undone in one."""

    def __init__(
        self,
        labels: LabelStore,
        classifier: PhotoClassifier,
        teacher: FewShotLearner,
        heads: TrainedHeads,
        active: ActiveEncoder,
    ) -> None:
        self._labels = labels
        self._living = AutoLabelProgress(labels.database)
        self._classifier = classifier
        self._answers = RulePredictions(classifier, teacher, heads)
        self._heads = heads
        self._active = active
        self._catching_up = threading.Lock()
        self._warned: set[str] = set()

    # Dry runs

    def plan_words(
        self,
        classes: str,
        options: SortOptions | None = None,
        *,
        only: Sequence[str] = (),
        photo_ids: Sequence[int] | None = None,
    ) -> LabelPlan:
        """A dry run of classes out of words: each photo's best class, if it is not "none of these".

        Args:
            classes: the list, one class a line.
            options: how it decides.
            only: the labels that are to be given; none: all of the list.
            photo_ids: the photos to look at; None: the whole album.

        Raises:
            QueryError: the list cannot be used, or lacks one of `only`.
        """
        options = options or SortOptions()
        clock = self._clock()
        sorting = self._classifier.sort_photos(classes, options, photo_ids)
        finite = np.isfinite(options.strictness)
        definition = {
            "classes": [line.strip() for line in classes.splitlines() if line.strip()],
            "temperature": options.temperature,
            "strictness": options.strictness if finite else None,
            "wording": options.wording,
        }
        return self._plan(
            _rules_of(sorting, "words", definition, only), PredictionSet.of(sorting), clock
        )

    def plan_examples(
        self,
        label: str,
        words: str = "",
        *,
        two_stage: bool = False,
        photo_ids: Sequence[int] | None = None,
    ) -> LabelPlan:
        """A dry run of a label that was taught by examples.

        Raises:
            QueryError: there are no examples.
        """
        definition = {"words": words, "two_stage": two_stage, "threshold": None}
        rule = LabelRule(label_name(label), "examples", definition)
        clock = self._clock()
        return self._plan([rule], self._answers.of_rule(rule, photo_ids), clock)

    def plan_head(
        self,
        head: str,
        *,
        threshold: float = 0.5,
        only: Sequence[str] = (),
        photo_ids: Sequence[int] | None = None,
    ) -> LabelPlan:
        """A dry run of a classifier that was trained on a folder of photos.

        Raises:
            QueryError: it reads vectors of another model than the one in use, or lacks one of
                `only`.
            ModelError: there is none of this name.
        """
        clock = self._clock()
        sorting = self._heads.sort(head, photo_ids, threshold)
        rules = _rules_of(sorting, "model", {"head": head, "threshold": threshold}, only)
        return self._plan(rules, PredictionSet.of(sorting), clock)

    def plan_again(self, label: str) -> LabelPlan:
        """A dry run of the rule that the label has already, over the whole album.

        Raises:
            QueryError: it has none, or it cannot be asked any more.
            ModelError: its classifier is gone.
        """
        rule = self._labels.rule(label)
        clock = self._clock()
        return self._plan([rule], self._answers.of_rule(rule, None), clock)

    # Written

    def apply(self, plan: LabelPlan, *, living: bool = False) -> LabelChange:
        """Write a plan in one transaction.

        Args:
            plan: as it was shown; what a person said since goes before it.
            living: new photos get the labels, too; then also a plan that gives none is written.

        Raises:
            QueryError: there is nothing to write.
            AlbumError: nothing is left to write, or more than can be kept.
        """
        if not (plan.photos or plan.removals or living) or not plan.labels:
            raise QueryError("There is nothing to write: no photo would get or lose a label.")
        return self._labels.apply(plan, living=living)

    def undo(self, act_id: int) -> LabelChange:
        """Put back what was written at once.

        Raises:
            AlbumError: there is no such act, or it was undone before.
        """
        return self._labels.undo(act_id)

    # Living labels

    def living(self, label: str, on: bool) -> LabelRule:
        """Have new photos get a label by its rule, or not any more.

        Raises:
            QueryError: the label has no rule.
        """
        return self._labels.set_living(label, on)

    def catch_up(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Ask the living rules about the photos that are new; how many labels were given.

        A rule that cannot be asked now is tried again next time and does not stop the others.
        """
        given = 0
        with self._catching_up:
            model_id = self._active.model_id
            if model_id is None or not self._living.pending_rules(model_id):
                return 0
            try:
                model_id = self._active.current().encoder.model_id  # loaded now, where it was not
            except (AlbumError, ModelError) as error:
                log.warning("new photos do not get their living labels: %s", error)
                return 0
            for seen, rules in self._living.pending_rules(model_id).items():
                for together in by_question(rules):
                    try:
                        given += self._ask_about_new(together, seen, model_id, stopped)
                    except (AlbumError, ModelError) as error:
                        self._warn_once(together[0].label, str(error))
        return given

    def _ask_about_new(
        self, rules: list[LabelRule], seen: RuleCursor, model_id: str, stopped: Callable[[], bool]
    ) -> int:
        """Ask rules that have one question in common about the photos that they have not seen."""
        given, behind = 0, True
        while behind and not stopped():
            photo_ids, now_seen = self._living.new_photos(seen, model_id, NEW_AT_ONCE)
            behind = len(photo_ids) == NEW_AT_ONCE and seen[0] == model_id
            answers: list[tuple[LabelRule, list[tuple[int, float]]]] = [(it, []) for it in rules]
            if len(photo_ids):
                asked = self._answers.of_rule(rules[0], photo_ids.tolist())
                answers = [(rule, asked.pairs(rule)) for rule in rules]
            given += self._living.add_labels(answers, seen, now_seen)
            seen = now_seen
        return given

    def _warn_once(self, label: str, problem: str) -> None:
        line = f"{label}: {problem}"
        if line not in self._warned:
            self._warned.add(line)
            log.warning("new photos do not get a living label: %s", line)

    # How it is done

    def _clock(self) -> tuple[str, int]:
        """The vectors that there are before a question: who comes later, was not asked about."""
        model_id = self._active.current().encoder.model_id
        return model_id, self._living.last_seq(model_id)

    def _plan(
        self, rules: Sequence[LabelRule], asked: PredictionSet, clock: tuple[str | None, int]
    ) -> LabelPlan:
        found = [asked.found(rule) for rule in rules]
        labels = [
            self._planned(rule, *it, asked.looked_at) for rule, it in zip(rules, found, strict=True)
        ]
        none = len(asked.looked_at) - sum(len(ids) for ids, _ in found)
        return LabelPlan(tuple(labels), none, *clock)

    def _planned(
        self, rule: LabelRule, ids: Ids, probabilities: Floats, looked_at: Ids
    ) -> PlannedLabel:
        by_person, by_rule, refused = self._labels.photo_ids_by_giver(rule.label)
        has, wrong = np.isin(ids, by_rule), np.isin(ids, refused)
        new = ~(has | wrong | np.isin(ids, by_person))
        return PlannedLabel(
            rule,
            adds=ids[new],
            probabilities=probabilities[new],
            takes=np.setdiff1d(by_rule[np.isin(by_rule, looked_at)], ids),
            kept=int(np.isin(by_person, looked_at).sum()),
            refused=int(wrong.sum()),
            again=ids[has],
            again_probabilities=probabilities[has],
        )


def _rules_of(
    sorting: Classification, kind: RuleKind, definition: Mapping[str, Any], only: Sequence[str]
) -> list[LabelRule]:
    """A rule for each class, or for those that were chosen."""
    chosen = list(dict.fromkeys(only)) or sorting.labels
    for name in chosen:
        if name not in sorting.labels:
            raise QueryError(f"“{name}” is none of the classes: choose one of them.")
    return [LabelRule(label_name(it), kind, {**definition, "class": it}) for it in chosen]
