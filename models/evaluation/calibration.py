"""Zero-shot predictions and the calibration of their probabilities.

The probabilities are a softmax of cosines times `logit_scale`, CLIP's learned inverse temperature.
Calibration is measured as in Guo et al. 2017, "On Calibration of Modern Neural Networks": the
expected calibration error over 15 bins of equal width (Naeini et al. 2015), the negative
log-likelihood in nats, and the effect of the best temperature on held-out predictions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.evaluation.retrieval import SAME_SCORE, Ranks
from models.interfaces import Embeddings

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

BINS = 15
BLOCK_SCORES = 1 << 20
"""Scores in memory at once, for any n and c: a few times 8 MB in float64."""

LOWEST_SCALE, HIGHEST_SCALE = 1e-2, 1e4
"""Bounds of the search. Predictions without an error are best at infinity."""


@dataclass(frozen=True)
class ClassPredictions:
    """Predictions for n images among c classes."""

    ranks: Ranks
    """Rank of the right class by cosine, with ties for equal scores."""
    confidence: Floats
    """(n,) in [1 / c, 1]: the highest probability."""
    nll: Floats
    """(n,) >= 0, in nats: minus the logarithm of the probability of the right class."""

    @property
    def correct(self) -> Floats:
        """(n,) 1 for a right prediction, 0 for a wrong one, between for ties."""
        return self.ranks.within(1)


@dataclass(frozen=True)
class Bin:
    """Predictions with confidence in (low, high], with means 0 if empty."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Calibration figures of predictions at one scale."""

    logit_scale: float
    accuracy: float
    """In [0, 1]."""
    mean_confidence: float
    """In [0, 1], above the accuracy for an overconfident model."""
    ece: float
    """In [0, 1], over 15 bins."""
    nll: float
    """The mean, in nats."""


def predict(
    embeddings: Embeddings, classes: Embeddings, labels: Labels, logit_scale: float
) -> ClassPredictions:
    """Classify images by class directions and compare with the labels.

    Args:
        embeddings: (n, d), rows of L2 norm 1.
        classes: (c, d), rows of L2 norm 1.
        labels: (n,) in [0, c), the right classes.
        logit_scale: Factor of the cosines before the softmax, > 0.
    """
    n = len(labels)
    above, level = np.zeros(n, np.int64), np.zeros(n, np.int64)
    confidence, nll = np.zeros(n), np.zeros(n)
    for rows, cosines in _blocks(embeddings, classes):
        correct = cosines[np.arange(len(cosines)), labels[rows], None]  # (b, 1)
        above[rows] = (cosines > correct + SAME_SCORE).sum(axis=1)
        level[rows] = (np.abs(cosines - correct) <= SAME_SCORE).sum(axis=1) - 1
        best = cosines.max(axis=1)
        total = _total(cosines, best, logit_scale)
        confidence[rows] = 1 / total
        nll[rows] = np.log(total) + (best - correct[:, 0]) * logit_scale
    return ClassPredictions(Ranks(above, level, np.ones(n, np.int64)), confidence, nll)


def reliability(confidence: Floats, correct: Floats, bins: int = BINS) -> list[Bin]:
    """Group predictions into bins of equal width over (0, 1]."""
    bin_of = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)  # (n,)
    counts = np.bincount(bin_of, minlength=bins)
    confidences = np.bincount(bin_of, confidence, bins) / np.maximum(counts, 1)
    accuracies = np.bincount(bin_of, correct, bins) / np.maximum(counts, 1)
    return [
        Bin(i / bins, (i + 1) / bins, int(counts[i]), float(confidences[i]), float(accuracies[i]))
        for i in range(bins)
    ]


def expected_calibration_error(bins: list[Bin]) -> float:
    """Average |confidence - accuracy| over all predictions, in [0, 1]."""
    total = sum(bin_.count for bin_ in bins)
    return sum(bin_.count * abs(bin_.confidence - bin_.accuracy) for bin_ in bins) / max(total, 1)


def calibration(answers: ClassPredictions, logit_scale: float) -> Calibration:
    """Summarise predictions that were made at `logit_scale`."""
    return Calibration(
        logit_scale,
        float(answers.correct.mean()),
        float(answers.confidence.mean()),
        expected_calibration_error(reliability(answers.confidence, answers.correct)),
        float(answers.nll.mean()),
    )


def with_best_scale(
    embeddings: Embeddings, classes: Embeddings, labels: Labels, logit_scale: float
) -> tuple[Calibration, Calibration]:
    """Compare the model's scale with the best one on held-out images.

    The best scale is fitted on one half and both are measured on the other.

    Args:
        embeddings: (n, d), at least two rows of L2 norm 1.
        classes: (c, d), rows of L2 norm 1.
        labels: (n,) in [0, c), the right classes.
        logit_scale: The model's own.
    """
    fitted_on, measured_on = halves(len(labels))
    best = best_logit_scale(embeddings[fitted_on], classes, labels[fitted_on])
    held_out, held_out_labels = embeddings[measured_on], labels[measured_on]
    original, fitted = (
        calibration(predict(held_out, classes, held_out_labels, scale), scale)
        for scale in (logit_scale, best)
    )
    return original, fitted


def best_logit_scale(embeddings: Embeddings, classes: Embeddings, labels: Labels) -> float:
    """Fit the scale with the lowest negative log-likelihood, to six digits.

    The likelihood is convex in the scale. Its slope is the expected cosine under the softmax less
    the cosine of the right class. Bisecting on the sign of the slope finds the minimum, or the
    bound that is nearest to it.
    """
    low, high = LOWEST_SCALE, HIGHEST_SCALE
    while high / low > 1 + 1e-6:
        scale = math.sqrt(low * high)
        slope = 0.0
        for rows, cosines in _blocks(embeddings, classes):
            correct = cosines[np.arange(len(cosines)), labels[rows]]  # (b,)
            weights = np.exp((cosines - cosines.max(axis=1, keepdims=True)) * scale)  # (b, c)
            slope += float(((weights * cosines).sum(axis=1) / weights.sum(axis=1) - correct).sum())
        low, high = (low, scale) if slope > 0 else (scale, high)
    return math.sqrt(low * high)


def halves(n: int, seed: int = 0) -> tuple[Labels, Labels]:
    """Split range(n) into two sorted halves by a seed."""
    order = np.random.default_rng(seed).permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])


def _blocks(embeddings: Embeddings, classes: Embeddings) -> Iterator[tuple[slice, Floats]]:
    """Yield row slices with their cosines (b, c).

    In float64, so that an exponent of thousands stays exact.
    """
    step = max(1, BLOCK_SCORES // max(1, len(classes)))
    for start in range(0, len(embeddings), step):
        rows = slice(start, min(start + step, len(embeddings)))
        yield rows, (embeddings[rows] @ classes.T).astype(np.float64)


def _total(cosines: Floats, best: Floats, logit_scale: float) -> Floats:
    """Compute softmax denominators (b,) relative to the largest term, >= 1."""
    total: Floats = np.exp((cosines - best[:, None]) * logit_scale).sum(axis=1)
    return total
