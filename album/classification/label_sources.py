"""Label sources: text classes, examples and trained classifiers behind one protocol.

    source = TextClasses("cat | 고양이\\ndog")
    source.sort(album.sources)                  # the class of each photo
    album.labelling.plan(source)                # the labels that it would give
    album.class_evaluation.evaluate(source)     # how often it is right

A further source is a class in this file, its place in `SOURCES`, and the parts of its rule in
`album.domain.labels`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, Self

import numpy as np
import numpy.typing as npt

from album.classification.class_list import parse_classes
from album.classification.few_shot import FewShotLearner
from album.classification.trained_classifiers import TrainedHeads
from album.classification.zero_shot import PhotoClassifier
from album.domain.classification import NONE, Classification, Prediction
from album.domain.labels import LabelRule, RuleKind, SortOptions, checked_rule, label_name
from album.domain.photo import LabelScore
from album.errors import QueryError, UnreadableImageError
from album.storage.labels import LabelStore

OnProgress = Callable[[int, int], None]
"""Called with how many are done and how many there are."""
FilePrediction = Prediction | UnreadableImageError
"""An error for a file that cannot be read."""

Ids = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SourceServices:
    """The services of an open album that sources predict with."""

    text: PhotoClassifier
    examples: FewShotLearner
    trained: TrainedHeads
    labels: LabelStore


class LabelSource(Protocol):
    """What decides which class a photo belongs to.

    Everything that predicts raises QueryError where the source cannot be used as it is written,
    ModelError where its trained classifier is gone or damaged, and ModelLoadingError where no
    model came in time.
    """

    kind: ClassVar[RuleKind]

    @classmethod
    def from_definition(cls, label: str, definition: dict[str, Any]) -> Self:
        """Make the source that the definition of a label's rule describes."""

    def definition(self) -> dict[str, Any]:
        """Return what its rules hold as JSON, without their class."""

    def rules(self, classes: Sequence[str], only: Sequence[str] = ()) -> list[LabelRule]:
        """Make a rule for each class.

        Args:
            classes: what it predicts.
            only: the classes to give as labels, none for all of them.

        Raises:
            QueryError: one of `only` is not among the classes.
        """
        chosen = list(dict.fromkeys(only)) or classes
        for name in chosen:
            if name not in classes:
                raise QueryError("“{name}” is none of the classes: choose one of them.", name=name)
        definition = self.definition()
        return [
            LabelRule(label_name(name), self.kind, {**definition, "class": name}) for name in chosen
        ]

    def classify_files(
        self, services: SourceServices, files: Sequence[Path]
    ) -> list[FilePrediction]:
        """Predict the classes of image files that need not be in the album."""

    def classify_photos(
        self, services: SourceServices, photo_ids: Sequence[int]
    ) -> list[Prediction]:
        """Predict the classes of photos, in their order.

        Raises:
            PhotoNotFoundError: one is not in the album, or not encoded yet.
        """

    def predict(
        self,
        services: SourceServices,
        photo_ids: Sequence[int] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Classification:
        """Classify photos of the album, None for all of it."""

    def sort(
        self,
        services: SourceServices,
        photo_ids: Sequence[int] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Classification:
        """Classify photos for people to look at."""
        return self.predict(services, photo_ids, on_progress)

    def class_names(self, services: SourceServices) -> list[list[str]]:
        """Return each class's label and its synonyms.

        Raises:
            QueryError: it has no list of classes to evaluate.
        """

    def decide(
        self, services: SourceServices, photo_ids: Sequence[int]
    ) -> tuple[Classification, Rows]:
        """Classify photos without and with "none of these".

        Returns:
            The most probable classes, and (n,) the classes after the threshold.
        """
        best = self.predict(services, photo_ids)
        return best, best.winners

    def logits(self, services: SourceServices, photo_ids: Sequence[int]) -> Floats | None:
        """Return (n, c + 1) logits, the last of none, or None without a temperature."""
        return None


@dataclass(frozen=True, slots=True)
class TextClasses(LabelSource):
    """Classes written one a line, see `class_list.parse_classes`."""

    classes: str
    options: SortOptions = field(default_factory=SortOptions)
    kind: ClassVar[RuleKind] = "words"

    @classmethod
    def from_definition(cls, label: str, definition: dict[str, Any]) -> Self:
        strictness = definition["strictness"]
        options = SortOptions(
            definition["temperature"],
            -math.inf if strictness is None else strictness,
            definition["wording"],
        )
        return cls("\n".join(definition["classes"]), options)

    def definition(self) -> dict[str, Any]:
        options = self.options
        return {
            "classes": [line.strip() for line in self.classes.splitlines() if line.strip()],
            "temperature": options.temperature,
            "strictness": options.strictness if math.isfinite(options.strictness) else None,
            "wording": options.wording,
        }

    def classify_files(
        self, services: SourceServices, files: Sequence[Path]
    ) -> list[FilePrediction]:
        return services.text.classify_files(files, self.classes, self.options)

    def classify_photos(
        self, services: SourceServices, photo_ids: Sequence[int]
    ) -> list[Prediction]:
        return services.text.classify_photos(photo_ids, self.classes, self.options)

    def predict(
        self,
        services: SourceServices,
        photo_ids: Sequence[int] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Classification:
        return services.text.sort_photos(self.classes, self.options, photo_ids, on_progress)

    def class_names(self, services: SourceServices) -> list[list[str]]:
        return [[name.text for name in spec.names] for spec in parse_classes(self.classes)]

    def decide(
        self, services: SourceServices, photo_ids: Sequence[int]
    ) -> tuple[Classification, Rows]:
        lenient = replace(self, options=replace(self.options, strictness=-math.inf))
        best = lenient.predict(services, photo_ids)
        decided = best if self == lenient else self.predict(services, photo_ids)
        return best, decided.winners

    def logits(self, services: SourceServices, photo_ids: Sequence[int]) -> Floats:
        return services.text.logits(photo_ids, self.classes, self.options)


@dataclass(frozen=True, slots=True)
class ExampleLabel(LabelSource):
    """One label, learned from photos that people marked."""

    label: str
    words: str = ""
    two_stage: bool = False
    threshold: float | None = None
    """In [0, 1]. None for the one that it learns."""
    kind: ClassVar[RuleKind] = "examples"

    @classmethod
    def from_definition(cls, label: str, definition: dict[str, Any]) -> Self:
        return cls(label, definition["words"], definition["two_stage"], definition["threshold"])

    def definition(self) -> dict[str, Any]:
        return {"words": self.words, "two_stage": self.two_stage, "threshold": self.threshold}

    def rules(self, classes: Sequence[str] = (), only: Sequence[str] = ()) -> list[LabelRule]:
        return [LabelRule(label_name(self.label), self.kind, self.definition())]

    def classify_files(
        self, services: SourceServices, files: Sequence[Path]
    ) -> list[FilePrediction]:
        raise QueryError("A label taught by examples is for photos of the album: add these first.")

    def classify_photos(
        self, services: SourceServices, photo_ids: Sequence[int]
    ) -> list[Prediction]:
        sorting = self.sort(services, photo_ids)
        rows = {photo_id: row for row, photo_id in enumerate(sorting.photo_ids.tolist())}
        predictions = []
        for photo_id in photo_ids:
            row = rows.get(photo_id)
            probability = 0.0 if row is None else float(sorting.probabilities[row])
            is_none = row is None or bool(sorting.winners[row] == NONE)
            predictions.append(Prediction((LabelScore(self.label, probability),), is_none))
        return predictions

    def predict(
        self,
        services: SourceServices,
        photo_ids: Sequence[int] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Classification:
        return self._classification(*self._probabilities(services, photo_ids))

    def sort(
        self,
        services: SourceServices,
        photo_ids: Sequence[int] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Classification:
        """Classify photos, where people's own labels outweigh what was learned."""
        ids, probabilities, threshold = self._probabilities(services, photo_ids)
        positives, negatives = services.labels.examples(label_name(self.label))
        probabilities = np.where(np.isin(ids, positives), np.float32(1), probabilities)
        probabilities = np.where(np.isin(ids, negatives), np.float32(0), probabilities)
        return self._classification(ids, probabilities, threshold)

    def class_names(self, services: SourceServices) -> list[list[str]]:
        raise QueryError("A label taught by examples tells how right it is when it has learned.")

    def _probabilities(
        self, services: SourceServices, photo_ids: Sequence[int] | None
    ) -> tuple[Ids, Floats, float]:
        (rule,) = self.rules()
        ids = None if photo_ids is None else np.array(photo_ids, np.int64)
        return services.examples.predict(rule, ids)

    def _classification(self, ids: Ids, probabilities: Floats, threshold: float) -> Classification:
        winners = np.where(probabilities >= threshold, 0, NONE).astype(np.intp)
        return Classification((self.label,), ids, winners, probabilities)


@dataclass(frozen=True, slots=True)
class TrainedClassifier(LabelSource):
    """A classifier that was trained on a folder of photos."""

    name: str
    threshold: float = 0.5
    """In [0, 1]: below it a photo is none of these."""
    kind: ClassVar[RuleKind] = "model"

    @classmethod
    def from_definition(cls, label: str, definition: dict[str, Any]) -> Self:
        return cls(definition["head"], definition["threshold"])

    def definition(self) -> dict[str, Any]:
        return {"head": self.name, "threshold": self.threshold}

    def classify_files(
        self, services: SourceServices, files: Sequence[Path]
    ) -> list[FilePrediction]:
        return services.trained.classify_files(self.name, files, self.threshold)

    def classify_photos(
        self, services: SourceServices, photo_ids: Sequence[int]
    ) -> list[Prediction]:
        return services.trained.classify_photos(self.name, photo_ids, self.threshold)

    def predict(
        self,
        services: SourceServices,
        photo_ids: Sequence[int] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Classification:
        return services.trained.sort(self.name, photo_ids, self.threshold, on_progress)

    def class_names(self, services: SourceServices) -> list[list[str]]:
        classes = services.trained.sort(self.name, []).labels
        return [[label, label.replace("_", " ")] for label in classes]  # as folders are called

    def decide(
        self, services: SourceServices, photo_ids: Sequence[int]
    ) -> tuple[Classification, Rows]:
        best = replace(self, threshold=0.0).predict(services, photo_ids)
        return best, np.where(best.probabilities < self.threshold, NONE, best.winners)


SOURCES: Final[dict[RuleKind, type[LabelSource]]] = {
    source.kind: source for source in (TextClasses, ExampleLabel, TrainedClassifier)
}


def source_of(rule: LabelRule) -> LabelSource:
    """Make the source that a rule was made from.

    Rules that are classes of one list, or of one trained classifier, have equal sources.

    Raises:
        AlbumError: the rule, which may come from a file, cannot be understood.
    """
    checked = checked_rule(rule.label, rule.kind, dict(rule.definition), rule.living)
    return SOURCES[checked.kind].from_definition(checked.label, dict(checked.definition))
