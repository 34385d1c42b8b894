"""Deciding: which class a photo belongs to, whoever decides: words, examples, a trained classifier.

way = TextClasses("cat | 고양이\\ndog", SortOptions())
deciding.sorting(way)      # the whole album
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from album.classification.evaluation import ClassReport
from album.domain.classification import NONE, Classification, Prediction
from album.domain.labels import LabelPlan, SortOptions
from album.domain.photo import LabelScore
from album.errors import QueryError, UnreadableImageError
from album.service import Album

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TextClasses:
    """Classes written one a line."""

    classes: str
    options: SortOptions = field(default_factory=SortOptions)


@dataclass(frozen=True, slots=True)
class ExampleLabel:
    """One label, taught by pointing at photos."""

    label: str
    words: str = ""
    two_stage: bool = False


@dataclass(frozen=True, slots=True)
class TrainedClassifier:
    """A classifier that was trained on a folder."""

    name: str
    threshold: float = 0.5
    """In [0, 1]: below it a photo is none of these."""


LabelSource = TextClasses | ExampleLabel | TrainedClassifier


class Deciding:
    """Asks whoever decides, and answers in the same nouns."""

    def __init__(self, album: Album) -> None:
        self._album = album

    def of_files(
        self, way: LabelSource, files: Sequence[Path]
    ) -> list[Prediction | UnreadableImageError]:
        """What image files show that need not be in the album; why, where one cannot be read.

        Raises:
            QueryError: the classes cannot be used, or a taught label was asked.
            ModelError: there is no such trained classifier.
        """
        if isinstance(way, TextClasses):
            return self._album.classifier.classify_files(files, way.classes, way.options)
        if isinstance(way, TrainedClassifier):
            return self._album.heads.classify_files(way.name, files, way.threshold)
        raise QueryError("A label taught by examples is for photos of the album: add these first.")

    def of_photos(self, way: LabelSource, photo_ids: Sequence[int]) -> list[Prediction]:
        """The same for photos of the album, in their order.

        Raises:
            PhotoNotFoundError: one is not there, or not encoded yet.
            QueryError, ModelError: as of `of_files`.
        """
        if isinstance(way, TextClasses):
            return self._album.classifier.classify_photos(photo_ids, way.classes, way.options)
        if isinstance(way, TrainedClassifier):
            return self._album.heads.classify_photos(way.name, photo_ids, way.threshold)
        ids, shares, threshold = self._taught(way, photo_ids)
        share_of = dict(zip(ids.tolist(), shares.tolist(), strict=True))
        return [
            Prediction((LabelScore(way.label, share),), none=share < threshold)
            for share in (share_of.get(photo_id, 0.0) for photo_id in photo_ids)
        ]

    def sorting(
        self,
        way: LabelSource,
        photo_ids: Sequence[int] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Classification:
        """Sort photos of the album; None: all of it.

        Raises:
            QueryError, ModelError: as of `of_files`.
        """
        if isinstance(way, TextClasses):
            return self._album.classifier.sort_photos(
                way.classes, way.options, photo_ids, on_progress
            )
        if isinstance(way, TrainedClassifier):
            return self._album.heads.sort(way.name, photo_ids, way.threshold, on_progress)
        ids, shares, threshold = self._taught(way, photo_ids)
        winners = np.where(shares >= threshold, 0, NONE).astype(np.intp)
        return Classification((way.label,), ids, winners, shares)

    def plan(self, way: LabelSource, photo_ids: Sequence[int] | None = None) -> LabelPlan:
        """What labels would be given to photos of the album; None: to all of it.

        Raises:
            QueryError, ModelError: as of `of_files`.
        """
        labelling = self._album.labelling
        if isinstance(way, TextClasses):
            return labelling.plan_words(way.classes, way.options, photo_ids=photo_ids)
        if isinstance(way, TrainedClassifier):
            return labelling.plan_head(way.name, threshold=way.threshold, photo_ids=photo_ids)
        return labelling.plan_examples(
            way.label, way.words, two_stage=way.two_stage, photo_ids=photo_ids
        )

    def report(self, way: LabelSource, photo_ids: Sequence[int] | None = None) -> ClassReport:
        """How right it is about photos that people labelled; None: about all of them.

        Raises:
            QueryError: too few are labelled, or a taught label was asked.
            ModelError: there is no such trained classifier.
        """
        evaluation = self._album.class_evaluation
        if isinstance(way, TextClasses):
            return evaluation.of_words(way.classes, way.options, photo_ids)
        if isinstance(way, TrainedClassifier):
            return evaluation.of_head(way.name, way.threshold, photo_ids)
        raise QueryError("A label taught by examples tells how right it is when it has learned.")

    def _taught(
        self, way: ExampleLabel, photo_ids: Sequence[int] | None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], float]:
        taught = self._album.teacher.teach(way.label, way.words, two_stage=way.two_stage)
        wanted = None if photo_ids is None else np.unique(np.array(photo_ids, np.int64))
        ids, shares, threshold = self._album.teacher.answers(taught.rule, wanted)
        is_it, is_not = self._album.labels.examples(way.label)
        shares = np.where(np.isin(ids, is_it), 1.0, shares)  # people know better than any rule
        return ids, np.where(np.isin(ids, is_not), 0.0, shares).astype(np.float32), threshold
