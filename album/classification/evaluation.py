"""How well classes decide about photos that people labelled: confusion, accuracy, calibration."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from album.classification.class_list import parse_classes
from album.classification.trained_classifiers import TrainedHeads
from album.classification.zero_shot import PhotoClassifier
from album.domain.classification import NONE, Classification
from album.domain.labels import SortOptions
from album.domain.photo import LabelScore
from album.errors import QueryError
from album.storage.labels import LabelStore
from models.interfaces import Classifiers, Proportion

BINS = 10
MOST_CLASSES = 100  # of a report; a longer list is cut down to the classes that occur
MOST_LOGITS = 1_000_000  # that a temperature is fitted on
HOT = 10.0  # a temperature at which no probability is so small that it is lost

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
    """Their mean probability; 0 where there are none."""
    accuracy: float


@dataclass(frozen=True, slots=True)
class ClassReport:
    """How n photos with known labels were sorted into c classes."""

    labels: tuple[str, ...]
    confusion: npt.NDArray[np.int64]
    """(c, c + 1): rows are what people say, columns what was decided; the last is none of these."""
    accuracy: Proportion
    precision: tuple[Proportion | None, ...]
    """(c,) of what was called so, how much is; None where nothing was."""
    recall: tuple[Proportion | None, ...]
    """(c,) of what is so, how much was found; None where nothing is."""
    bins: tuple[CalibrationBin, ...]
    ece: float
    """Expected calibration error in [0, 1] (Naeini et al. 2015)."""
    best_temperature: float | None
    """At which the probabilities could be believed most; None for a trained head, and for a model
    whose classes answer each for itself."""

    @property
    def photos(self) -> int:
        """n"""
        return int(self.confusion.sum())


class ClassEvaluation:
    """Holds decisions against the labels that people gave."""

    def __init__(
        self,
        labels: LabelStore,
        classifier: PhotoClassifier,
        heads: TrainedHeads,
        classifiers: Classifiers,
    ) -> None:
        self._labels = labels
        self._classifier = classifier
        self._heads = heads
        self._classifiers = classifiers

    def of_words(
        self,
        classes: str,
        options: SortOptions | None = None,
        photo_ids: Sequence[int] | None = None,
    ) -> ClassReport:
        """Evaluate a list of classes.

        Args:
            classes: the list, one class a line.
            options: how it decides.
            photo_ids: the photos to use; None: all. Of these, those count that a person gave
                exactly one label of the list, by its label or one of its synonyms.

        Raises:
            QueryError: the list cannot be used, or too few photos are labelled.
            ModelLoadingError: no model came in time.
        """
        options = options or SortOptions()
        specs = parse_classes(classes)
        truth = self._truth([[name.text for name in spec.names] for spec in specs], photo_ids)
        ids = list(truth)
        best = self._classifier.sort_photos(classes, replace(options, strictness=-math.inf), ids)
        decided = best.winners
        if options.strictness != -math.inf:
            decided = self._classifier.sort_photos(classes, options, ids).winners
        right = _right(best, truth)
        temperature = self._best_temperature(classes, options, best, right)
        return _report(best, right, decided, temperature)

    def of_head(
        self, name: str, threshold: float = 0.5, photo_ids: Sequence[int] | None = None
    ) -> ClassReport:
        """The same for a trained classifier.

        Raises:
            QueryError: too few photos are labelled, or it reads vectors of another model than the
                one in use.
            ModelError: there is none of this name.
        """
        classes = self._heads.sort(name, []).labels
        names = [[label, label.replace("_", " ")] for label in classes]  # as folders are called
        truth = self._truth(names, photo_ids)
        best = self._heads.sort(name, list(truth), threshold=0.0)
        decided = np.where(best.probabilities < threshold, NONE, best.winners)
        return _report(best, _right(best, truth), decided, None)

    def _truth(
        self, names: Sequence[Sequence[str]], photo_ids: Sequence[int] | None
    ) -> dict[int, int]:
        """By photo the class that a person gave it, of c lists of names; by rising photo."""
        class_of: dict[str, int] = {}
        for first in (True, False):  # what a class is called outweighs the synonyms of others
            for c, synonyms in enumerate(names):
                for name in synonyms[:1] if first else synonyms[1:]:
                    class_of.setdefault(_folded(name), c)
        found: dict[int, set[int]] = {}
        for summary in self._labels.summaries():
            c = class_of.get(_folded(summary.label), NONE)
            if c != NONE and "person" in summary.giver_counts:
                for photo_id in self._labels.examples(summary.label)[0].tolist():
                    found.setdefault(photo_id, set()).add(c)
        wanted = found.keys() if photo_ids is None else found.keys() & set(photo_ids)
        truth = {it: min(found[it]) for it in sorted(wanted) if len(found[it]) == 1}
        _check(len(truth), len(set(truth.values())))
        return truth

    def _best_temperature(
        self, classes: str, options: SortOptions, sorting: Classification, right: Rows
    ) -> float | None:
        """None where each class answers for itself: there no softmax is to be believed."""
        n = len(right)
        most = max(2, MOST_LOGITS // len(sorting.labels))
        rows = np.linspace(0, n, min(n, most), endpoint=False).astype(np.intp)
        hot = replace(options, temperature=HOT, strictness=-math.inf)
        verdicts = self._classifier.classify_photos(sorting.photo_ids[rows].tolist(), classes, hot)
        shares = np.array(
            [
                [score.probability for score in sorted(verdict.scores, key=_by(sorting.labels))]
                for verdict in verdicts
            ]
        )  # (n, c)
        if not np.allclose(shares.sum(axis=1), 1, atol=1e-3):
            return None
        # The logarithms of a softmax are its logits, but for a constant in each row.
        logits = HOT * np.log(np.maximum(shares, np.finfo(np.float32).tiny))
        return self._classifiers.best_temperature(logits.astype(np.float32), right[rows])


def _by(labels: Sequence[str]) -> Callable[[LabelScore], int]:
    place = {label: c for c, label in enumerate(labels)}
    return lambda score: place[score.label]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()


def _check(photos: int, classes: int) -> None:
    if photos < 2 or classes < 2:
        raise QueryError(
            "To see how well this decides, give photos of at least two of the classes their label "
            "by hand first."
        )


def _right(sorting: Classification, truth: Mapping[int, int]) -> Rows:
    """(n,) the class that each sorted photo is of.

    Raises:
        QueryError: the labelled photos are not encoded yet.
    """
    right = np.array([truth[photo_id] for photo_id in sorting.photo_ids.tolist()], np.intp)
    _check(len(right), len(np.unique(right)))
    return right


def _report(
    sorting: Classification, right: Rows, decided: Rows, best_temperature: float | None
) -> ClassReport:
    """Count.

    Args:
        sorting: the most probable class of each photo, whether or not it reaches its threshold.
        right: (n,) the class that it is of.
        decided: (n,) what it was taken for in the end, or `NONE`.
        best_temperature: as of the report.
    """
    c = len(sorting.labels)
    kept = np.arange(c)
    if c > MOST_CLASSES:
        kept = np.union1d(right, decided[decided != NONE])
    place = np.full(c + 1, len(kept))  # the last, which NONE names too, is none of these
    place[kept] = np.arange(len(kept))
    confusion = np.zeros((len(kept), len(kept) + 1), np.int64)
    np.add.at(confusion, (place[right], place[decided]), 1)
    hits = np.diagonal(confusion)
    bins = _bins(sorting.probabilities, sorting.winners == right)
    return ClassReport(
        labels=tuple(sorting.labels[i] for i in kept),
        confusion=confusion,
        accuracy=Proportion.of(int(hits.sum()), len(right)),
        precision=_estimates(hits, confusion[:, :-1].sum(axis=0)),
        recall=_estimates(hits, confusion.sum(axis=1)),
        bins=bins,
        ece=sum(it.count * abs(it.confidence - it.accuracy) for it in bins) / len(right),
        best_temperature=best_temperature,
    )


def _bins(confidence: Floats, correct: npt.NDArray[np.bool_]) -> tuple[CalibrationBin, ...]:
    bins = []
    of = np.clip(np.ceil(confidence.astype(np.float64) * BINS).astype(np.intp) - 1, 0, BINS - 1)
    for b in range(BINS):
        inside = of == b
        count = int(inside.sum())
        means = (float(it[inside].mean()) if count else 0.0 for it in (confidence, correct))
        bins.append(CalibrationBin(b / BINS, (b + 1) / BINS, count, *means))
    return tuple(bins)


def _estimates(
    hits: npt.NDArray[np.int64], of: npt.NDArray[np.int64]
) -> tuple[Proportion | None, ...]:
    return tuple(
        Proportion.of(k, n) if n else None for k, n in zip(hits.tolist(), of.tolist(), strict=True)
    )
