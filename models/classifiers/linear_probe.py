"""Label from examples: logistic regression on frozen embeddings.

One model serves any number of examples. With few examples the penalty on the weights reduces
logistic regression to the difference of the class means (nearest class mean). With many, the
examples dominate. The text of the label takes part as one more example, which weighs less the more
photos there are, and as a feature, so that a text that fits no example is unlearned.

Unlabelled photos serve as weak negatives: together they weigh as much as the positives, so the few
that have the label do little harm (Elkan & Noto 2008, "Learning Classifiers from Only Positive and
Unlabeled Data").
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from models.interfaces import Embeddings, FittedProbe, Proportion, Shares

Rows = npt.NDArray[np.float64]

# Measured with pocket on tiny-imagenet's validation part, Intel's scenes and 280 photos of everyday
# things. Each value is on a broad plateau.
PENALTY = 1.0  # inverse strength, as scikit-learn counts it
WORD_SCALE = 0.5  # of the feature that says how well a photo fits the words
WORD_WEIGHT = 1.0  # the words are one example...
WORD_FIT = 3.0  # ...that fits them so many standard deviations better than a photo at random

FOLDS = 5
FEWEST_EXAMPLES = 4  # examples of either kind, below which a share would say nothing
# Also measured: while there are few examples, three guesses stand beside what they say.
NEW_PHOTOS_REACH = (0.65, 0.8, 0.95)  # of the score of what was learned from, or, if that is less,
BEST_OF_ALBUM = 0.995  # of this quantile of the album, for an example is always nearest to itself
RAREST = 0.005  # share of the album below which a label is not told from a rarer one
LOWEST_CUT = 0.5  # standard deviations above the mean of the album, unless examples lie below
STEEPNESS = 2.0  # of the probability, per standard deviation of the album's scores
ALL_ALIKE = 1e-6


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """Logistic probabilities along one direction, 0.5 at the threshold."""

    weights: Rows
    """(d,)"""
    bias: float

    def probabilities(self, embeddings: Embeddings) -> Shares:
        """Return (n,) float32 in [0, 1]."""
        logits = embeddings @ self.weights.astype(np.float32) + np.float32(self.bias)
        shares: Shares = (0.5 + 0.5 * np.tanh(logits / 2)).astype(np.float32)
        return shares


@dataclass(frozen=True, slots=True)
class _Line:
    """Scores along a direction, standardised over the album."""

    weights: Rows
    bias: float

    def scores(self, rows: Rows) -> Rows:
        scores: Rows = rows @ self.weights + self.bias
        return scores


def fit_probe(
    positives: Embeddings,
    negatives: Embeddings,
    unlabelled: Embeddings,
    text: npt.NDArray[np.float32] | None = None,
) -> FittedProbe:
    """Learn a label from examples, deterministically.

    Args:
        positives: (p, d) photos that have it, p >= 1 unless there is `text`.
        negatives: (q, d) photos that have not, may be none.
        unlabelled: (u, d) unlabelled photos of the album, as what photos look like, may be none.
            About 1,500 drawn evenly are enough.
        text: (d,) unit direction of the label's text.

    Returns:
        The probe with its threshold, which is always 0.5. Recall is of held-out positives, and
        precision of held-out examples of both kinds. The frequency of the label in the album is
        unknown, so this is no promise about the album.

    Raises:
        ValueError: neither positives nor text.
    """
    if not len(positives) and text is None:
        raise ValueError("a label needs an example or words")
    p, q, u = (rows.astype(np.float64) for rows in (positives, negatives, unlabelled))
    text_row = None if text is None else text.astype(np.float64)
    line = _fit(p, q, u, text_row)
    held_positive, held_negative, background = _held_back(p, q, u, text_row)
    if not len(held_positive):  # too few to hold one back
        held_negative, background = line.scores(q), line.scores(u)
    cut = _cut(line.scores(p), held_positive, np.concatenate([held_negative, background]))
    precision = recall = None
    if len(held_positive) >= FEWEST_EXAMPLES:
        hits, false_hits = int((held_positive >= cut).sum()), int((held_negative >= cut).sum())
        recall = Proportion.of(hits, len(held_positive))
        if len(held_negative) >= FEWEST_EXAMPLES and hits + false_hits:
            precision = Proportion.of(hits, hits + false_hits)
    probe = LinearProbe(STEEPNESS * line.weights, STEEPNESS * (line.bias - cut))
    return FittedProbe(probe, 0.5, precision, recall)


def _fit(p: Rows, q: Rows, u: Rows, text: Rows | None) -> _Line:
    """Fit the direction of the label, with scores standardised over the album."""
    album = np.concatenate([u, q])
    if not len(album):  # nothing to compare with: what is nearer to the examples than no photo
        album = np.zeros((1, (p if text is None else text).shape[-1]))
    # A model's embeddings lie in a narrow cone. Centred, all models are comparable.
    centre = album.mean(axis=0)
    radius = _or_one(math.sqrt(float(((album - centre) ** 2).sum(axis=1).mean())))
    features = [(rows - centre) / radius for rows in (p, q, u)]
    if text is not None:
        spread = _or_one(float((album @ text).std()))
        text_direction = WORD_SCALE / spread * text  # (d,): WORD_SCALE for each standard deviation
        features = [
            np.column_stack([features_of, (rows - centre) @ text_direction])
            for features_of, rows in zip(features, (p, q, u), strict=True)
        ]
        text_example = np.zeros((1, len(text) + 1))
        text_example[0, -1] = WORD_SCALE * WORD_FIT
        features.append(text_example)
    x_positive, x_negative, x_unlabelled, *x_text = features
    if not len(x_negative) + len(x_unlabelled):
        x_unlabelled = np.zeros((1, x_positive.shape[1]))
    x = np.concatenate([x_positive, *x_text, x_negative, x_unlabelled]).astype(
        np.float32
    )  # half the time
    weight = np.ones(len(x))
    labels = np.zeros(len(x))
    labels[: len(x_positive) + len(x_text)] = 1
    if x_text:
        weight[len(x_positive)] = WORD_WEIGHT
    if len(x_unlabelled):
        weight[-len(x_unlabelled) :] = weight[labels == 1].sum() / len(x_unlabelled)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough for photos
        model = LogisticRegression(C=PENALTY, max_iter=100).fit(x, labels, sample_weight=weight)
    weights = model.coef_[0].astype(np.float64)
    direction = weights[: p.shape[1]] / radius
    if text is not None:
        direction = direction + weights[-1] * text_direction
    direction = direction / _or_one(float(np.linalg.norm(direction)))
    direction = direction / _or_one(float((album @ direction).std()))
    return _Line(direction, -float(centre @ direction))


def _or_one(spread: float) -> float:
    """Replace a spread by 1 if it is only rounding error."""
    return spread if spread > ALL_ALIKE else 1.0


def _held_back(p: Rows, q: Rows, u: Rows, text: Rows | None) -> tuple[Rows, Rows, Rows]:
    """Score every example by a model that was fitted without it.

    Neighbours are held out together: they are often of one burst and would leak into each other.
    Returns empty arrays for fewer than two positives.
    """
    folds = min(FOLDS, len(p))
    if folds < 2:
        return np.empty(0), np.empty(0), np.empty(0)
    groups = (p, q, u)
    scores = [np.zeros(len(rows)) for rows in groups]
    for fold in range(folds):
        held_out = [np.arange(len(rows)) * folds // max(1, len(rows)) == fold for rows in groups]
        remaining = [rows[~mask] for rows, mask in zip(groups, held_out, strict=True)]
        line = _fit(remaining[0], remaining[1], remaining[2], text)
        for rows, mask, group_scores in zip(groups, held_out, scores, strict=True):
            group_scores[mask] = line.scores(rows[mask])
    return scores[0], scores[1], scores[2]


def _cut(positives: Rows, held_back: Rows, background: Rows) -> float:
    """Choose the score threshold: about where precision x recall is highest.

    The frequency of the label is not needed: recall² over the share of the album that gets the
    label is precision x recall up to a constant (Lee & Liu 2003, "Learning with Positive and
    Unlabeled Examples Using Weighted Logistic Regression"). The maximum of a few examples is noisy,
    so this is the mean of all cuts, weighted by their quality.

    Args:
        positives: (p,) training scores of the positives, which are too high.
        held_back: (p,) held-out scores of the positives, may be none.
        background: (n,) scores of photos that may or may not have the label.
    """
    levels = [float(positives.mean())] if len(positives) else []
    if len(background):
        levels.append(float(np.quantile(background, BEST_OF_ALBUM)))
    level = min((candidate for candidate in levels if candidate > 0), default=0.0)
    guesses = level * np.array(NEW_PHOTOS_REACH)
    cuts = np.sort(np.concatenate([held_back, guesses]))
    recall = 1 - np.arange(len(cuts)) / len(cuts)
    n = max(1, len(background))
    share = (len(background) - np.searchsorted(np.sort(background), cuts)) / n
    quality = recall**2 / (share + RAREST)
    best = float(np.average(cuts, weights=(quality / quality.max()) ** 2))
    if len(positives):  # each fold measures with a line of its own, which may reach higher
        best = min(best, float(positives.mean()))
    # Where nothing tells the examples from the album, giving the label to all photos is "best".
    return max(best, min(LOWEST_CUT, float(guesses[0])))
