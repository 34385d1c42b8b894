"""Labelling: dry runs of label sources, applying and undoing them, and automatic labels."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from album.classification.label_sources import LabelSource, SourceServices, source_of
from album.domain.classification import Classification
from album.domain.labels import LabelChange, LabelPlan, LabelRule, PlannedLabel
from album.encoding.active_encoder import ActiveEncoder
from album.errors import AlbumError, QueryError
from album.storage.auto_label_progress import AutoLabelProgress, RuleCursor
from album.storage.label_edits import LabelEdits
from models.errors import ModelError

log = logging.getLogger(__name__)

NEW_AT_ONCE: Final = 2000
"""Photos after which new automatic labels are written and closing is noticed."""

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Matches = tuple[Ids, Floats]
"""The photos of one label, most probable first, and their probabilities in [0, 1]."""


class Labelling:
    """Gives labels by rules: planned first, written in one transaction, undone in one."""

    def __init__(self, services: SourceServices, active: ActiveEncoder) -> None:
        self._services = services
        self._labels = services.labels
        self.edits = LabelEdits(services.labels)
        """Giving to many photos, renaming and merging."""
        self._progress = AutoLabelProgress(services.labels.database)
        self._active = active
        self._catching_up = threading.Lock()
        self._warned: set[str] = set()

    # Dry runs

    def plan(
        self,
        source: LabelSource,
        *,
        only: Sequence[str] = (),
        photo_ids: Sequence[int] | None = None,
    ) -> LabelPlan:
        """Plan the labels that a source would give.

        Args:
            source: what decides.
            only: the labels to give, none for all classes of the source.
            photo_ids: the photos to look at, None for the whole album.

        Raises:
            QueryError: the source cannot be used, or lacks one of `only`.
            ModelError: its trained classifier is gone or damaged.
        """
        cursor = self._cursor()
        classification = source.predict(self._services, photo_ids)
        rules = source.rules(classification.labels, only)
        return self._plan(rules, classification, cursor)

    def plan_again(self, label: str) -> LabelPlan:
        """Plan a label over the whole album by the rule that it has.

        Raises:
            QueryError: it has no rule, or the rule has nothing to go by any more.
            ModelError: its trained classifier is gone or damaged.
        """
        rule = self._labels.rule(label)
        cursor = self._cursor()
        return self._plan([rule], source_of(rule).predict(self._services), cursor)

    # Written

    def apply(self, plan: LabelPlan, *, living: bool = False) -> LabelChange:
        """Write a plan in one transaction.

        Args:
            plan: the dry run. What a person said since outweighs it.
            living: new photos get the labels, too. Then a plan that gives none is written as well.

        Raises:
            QueryError: there is nothing to write.
            AlbumError: nothing is left to write, or more than can be stored.
        """
        if not (plan.additions or plan.removals or living) or not plan.labels:
            raise QueryError("There is nothing to write: no photo would get or lose a label.")
        return self._labels.apply(plan, living=living)

    def undo(self, act_id: int) -> LabelChange:
        """Undo one change.

        Raises:
            AlbumError: there is no such change, or it was undone before.
        """
        return self._labels.undo(act_id)

    # Automatic labels

    def living(self, label: str, on: bool) -> LabelRule:
        """Set whether new photos get a label by its rule.

        Raises:
            QueryError: the label has no rule.
        """
        return self._labels.set_living(label, on)

    def catch_up(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Give new photos their automatic labels.

        A rule that fails is tried again next time and does not stop the others.

        Returns:
            How many labels were given.
        """
        given = 0
        with self._catching_up:
            model_id = self._active.model_id
            if model_id is None or not self._progress.pending_rules(model_id):
                return 0
            try:
                model_id = self._active.current().encoder.model_id  # loads it where needed
            except (AlbumError, ModelError) as error:
                log.warning("new photos do not get their living labels: %s", error)
                return 0
            for cursor, rules in self._progress.pending_rules(model_id).items():
                for source, group in self._by_source(rules).items():
                    try:
                        given += self._label_new(source, group, cursor, model_id, stopped)
                    except (AlbumError, ModelError) as error:
                        self._warn_once(group[0].label, str(error))
        return given

    def _by_source(self, rules: Iterable[LabelRule]) -> dict[LabelSource, list[LabelRule]]:
        """Group rules that one source decides, so that it predicts once for all of them."""
        groups: dict[LabelSource, list[LabelRule]] = {}
        for rule in rules:
            try:
                groups.setdefault(source_of(rule), []).append(rule)
            except AlbumError as error:
                self._warn_once(rule.label, str(error))
        return groups

    def _label_new(
        self,
        source: LabelSource,
        rules: list[LabelRule],
        cursor: RuleCursor,
        model_id: str,
        stopped: Callable[[], bool],
    ) -> int:
        """Give labels to the photos behind the cursor of their rules."""
        given, is_behind = 0, True
        while is_behind and not stopped():
            photo_ids, next_cursor = self._progress.new_photos(cursor, model_id, NEW_AT_ONCE)
            is_behind = len(photo_ids) == NEW_AT_ONCE and cursor[0] == model_id
            answers: list[tuple[LabelRule, list[tuple[int, float]]]] = [
                (rule, []) for rule in rules
            ]
            if len(photo_ids):
                matches = _matches(source.predict(self._services, photo_ids.tolist()), rules)
                answers = [
                    (rule, list(zip(ids.tolist(), probabilities.tolist(), strict=True)))
                    for rule, (ids, probabilities) in zip(rules, matches, strict=True)
                ]
            given += self._progress.add_labels(answers, cursor, next_cursor)
            cursor = next_cursor
        return given

    def _warn_once(self, label: str, problem: str) -> None:
        line = f"{label}: {problem}"
        if line not in self._warned:
            self._warned.add(line)
            log.warning("new photos do not get a living label: %s", line)

    # Plans

    def _cursor(self) -> tuple[str, int]:
        """Return the last vector before a plan: photos that come later are not in it."""
        model_id = self._active.current().encoder.model_id
        return model_id, self._progress.last_seq(model_id)

    def _plan(
        self, rules: Sequence[LabelRule], classification: Classification, cursor: tuple[str, int]
    ) -> LabelPlan:
        matches = _matches(classification, rules)
        looked_at = classification.photo_ids
        labels = [
            self._plan_label(rule, *photos, looked_at)
            for rule, photos in zip(rules, matches, strict=True)
        ]
        none = len(looked_at) - sum(len(ids) for ids, _ in matches)
        return LabelPlan(tuple(labels), none, *cursor)

    def _plan_label(
        self, rule: LabelRule, ids: Ids, probabilities: Floats, looked_at: Ids
    ) -> PlannedLabel:
        by_person, by_rule, refused = self._labels.photo_ids_by_giver(rule.label)
        is_labelled, is_refused = np.isin(ids, by_rule), np.isin(ids, refused)
        is_new = ~(is_labelled | is_refused | np.isin(ids, by_person))
        return PlannedLabel(
            rule,
            adds=ids[is_new],
            probabilities=probabilities[is_new],
            takes=np.setdiff1d(by_rule[np.isin(by_rule, looked_at)], ids),
            kept=int(np.isin(by_person, looked_at).sum()),
            refused=int(is_refused.sum()),
            again=ids[is_labelled],
            again_probabilities=probabilities[is_labelled],
        )


def _matches(classification: Classification, rules: Sequence[LabelRule]) -> list[Matches]:
    """Return the photos of each rule, none where its class is gone from the classification."""
    columns = {label: c for c, label in enumerate(classification.labels)}
    return [
        classification.photos_in_class(columns.get(name, len(columns)))
        for name in (rule.definition.get("class", classification.labels[0]) for rule in rules)
    ]
