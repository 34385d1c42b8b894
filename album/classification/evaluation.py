"""Evaluation of label sources on photos that people labelled: confusion, accuracy, calibration."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from album.classification.label_sources import LabelSource, SourceServices
from album.domain.classification import NONE, Classification
from album.errors import QueryError
from models.interfaces import Classifiers, Proportion

BINS = 10
MOST_CLASSES = 100  # of a report, in which a longer list is cut to the classes that occur
MOST_LOGITS = 1_000_000  # to fit a temperature on

Ids = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """The answers whose probability lies in (low, high]."""

    low: float
    high: float
    count: int
    confidence: float
    """Their mean probability, 0 where there are none."""
    accuracy: float


@dataclass(frozen=True, slots=True)
class ClassReport:
    """How predictions and labels of n photos agree, for c classes."""

    labels: tuple[str, ...]
    confusion: npt.NDArray[np.int64]
    """(c, c + 1): rows are labels, columns predictions, the last of them none of these."""
    accuracy: Proportion
    precision: tuple[Proportion | None, ...]
    """(c,), None where nothing was predicted to be of the class."""
    recall: tuple[Proportion | None, ...]
    """(c,), None where no photo has the label."""
    bins: tuple[CalibrationBin, ...]
    ece: float
    """Expected calibration error in [0, 1] (Naeini et al. 2015)."""
    best_temperature: float | None
    """The temperature that fits the labels best. None for a trained classifier."""

    @property
    def photos(self) -> int:
        """Return how many photos were counted."""
        return int(self.confusion.sum())


class ClassEvaluation:
    """Compares predictions with the labels that people gave."""

    def __init__(self, services: SourceServices, classifiers: Classifiers) -> None:
        self._services = services
        self._classifiers = classifiers

    def evaluate(self, source: LabelSource, photo_ids: Sequence[int] | None = None) -> ClassReport:
        """Evaluate a label source.

        Args:
            source: what decides.
            photo_ids: the photos to use, None for all. Of these, those count that a person gave
                exactly one of the classes, by its label or one of its synonyms.

        Raises:
            QueryError: the source cannot be used, or too few photos are labelled.
            ModelError: its trained classifier is gone or damaged.
            ModelLoadingError: no model came in time.
        """
        truth = self._truth(source.class_names(self._services), photo_ids)
        best, decided = source.decide(self._services, list(truth))
        labels = np.array([truth[photo_id] for photo_id in best.photo_ids.tolist()], np.intp)
        _check(len(labels), len(np.unique(labels)))  # some may not be encoded yet
        return _report(best, labels, decided, self._best_temperature(source, best, labels))

    def _truth(
        self, names: Sequence[Sequence[str]], photo_ids: Sequence[int] | None
    ) -> dict[int, int]:
        """Return the class that people gave each photo, by rising id."""
        class_of: dict[str, int] = {}
        for first in (True, False):  # a class's label outweighs the synonyms of others
            for c, synonyms in enumerate(names):
                for name in synonyms[:1] if first else synonyms[1:]:
                    class_of.setdefault(_folded(name), c)
        classes_of: dict[int, set[int]] = {}
        for summary in self._services.labels.summaries():
            c = class_of.get(_folded(summary.label), NONE)
            if c != NONE and "person" in summary.giver_counts:
                for photo_id in self._services.labels.examples(summary.label)[0].tolist():
                    classes_of.setdefault(photo_id, set()).add(c)
        wanted = classes_of.keys() if photo_ids is None else classes_of.keys() & set(photo_ids)
        truth = {
            photo_id: min(classes)
            for photo_id in sorted(wanted)
            if len(classes := classes_of[photo_id]) == 1
        }
        _check(len(truth), len(set(truth.values())))
        return truth

    def _best_temperature(
        self, source: LabelSource, classification: Classification, labels: Rows
    ) -> float | None:
        """Return the temperature that fits best, None where the source has no logits."""
        n = len(labels)
        most = max(2, MOST_LOGITS // len(classification.labels))
        rows = np.linspace(0, n, min(n, most), endpoint=False).astype(np.intp)
        logits = source.logits(self._services, classification.photo_ids[rows].tolist())
        return None if logits is None else self._classifiers.best_temperature(logits, labels[rows])


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()


def _check(photos: int, classes: int) -> None:
    if photos < 2 or classes < 2:
        raise QueryError(
            "To see how well this decides, give photos of at least two of the classes their label "
            "by hand first."
        )


def _report(
    classification: Classification, labels: Rows, decided: Rows, best_temperature: float | None
) -> ClassReport:
    """Count how predictions and labels agree.

    Args:
        classification: the most probable class of each photo, above its threshold or not.
        labels: (n,) the class that people gave it.
        decided: (n,) the class after the threshold, or `NONE`.
        best_temperature: see `ClassReport`.
    """
    c = len(classification.labels)
    kept = np.arange(c)
    if c > MOST_CLASSES:
        kept = np.union1d(labels, decided[decided != NONE])
    place = np.full(c + 1, len(kept))  # the last, which NONE names too, is none of these
    place[kept] = np.arange(len(kept))
    confusion = np.zeros((len(kept), len(kept) + 1), np.int64)
    np.add.at(confusion, (place[labels], place[decided]), 1)
    hits = np.diagonal(confusion)
    bins = _bins(classification.probabilities, classification.winners == labels)
    return ClassReport(
        labels=tuple(classification.labels[i] for i in kept),
        confusion=confusion,
        accuracy=Proportion.of(int(hits.sum()), len(labels)),
        precision=_proportions(hits, confusion[:, :-1].sum(axis=0)),
        recall=_proportions(hits, confusion.sum(axis=1)),
        bins=bins,
        ece=sum(each.count * abs(each.confidence - each.accuracy) for each in bins) / len(labels),
        best_temperature=best_temperature,
    )


def _bins(confidence: Floats, correct: npt.NDArray[np.bool_]) -> tuple[CalibrationBin, ...]:
    """Bin (n,) probabilities and whether they were right into `BINS` of the same width."""
    places = np.clip(np.ceil(confidence.astype(np.float64) * BINS).astype(np.intp) - 1, 0, BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    confidences, accuracies = (
        np.bincount(places, values, BINS) / np.maximum(counts, 1)
        for values in (confidence, correct)
    )
    columns = (counts.tolist(), confidences.tolist(), accuracies.tolist())
    return tuple(
        CalibrationBin(b / BINS, (b + 1) / BINS, *row)
        for b, row in enumerate(zip(*columns, strict=True))
    )


def _proportions(
    hits: npt.NDArray[np.int64], totals: npt.NDArray[np.int64]
) -> tuple[Proportion | None, ...]:
    return tuple(
        Proportion.of(k, n) if n else None
        for k, n in zip(hits.tolist(), totals.tolist(), strict=True)
    )
