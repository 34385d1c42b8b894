"""Accuracy, calibration error and the best temperature, against the slow obvious way."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.evaluation import calibration
from models.evaluation.calibration import (
    best_logit_scale,
    expected_calibration_error,
    halves,
    predict,
    reliability,
    with_best_scale,
)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def problem() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """200 images of 9 classes that are told apart more often than not."""
    rng = np.random.default_rng(1)
    classes = unit(rng.standard_normal((9, 12)))
    labels = rng.integers(0, 9, 200)
    return unit(classes[labels] + 0.5 * rng.standard_normal((200, 12))), classes, labels


def probabilities_slowly(images, classes, scale) -> list[list[float]]:
    found = []
    for image in images.astype(np.float64):
        weights = [math.exp(scale * float(image @ each)) for each in classes.astype(np.float64)]
        found.append([weight / sum(weights) for weight in weights])
    return found


def nll_slowly(images, classes, labels, scale) -> float:
    rows = probabilities_slowly(images, classes, scale)
    return -sum(math.log(row[label]) for row, label in zip(rows, labels, strict=True)) / len(rows)


@pytest.mark.parametrize("block_scores", [1, 40, 1 << 20])
def test_answers_agree_with_the_full_softmax(problem, monkeypatch, block_scores):
    monkeypatch.setattr(calibration, "BLOCK_SCORES", block_scores)
    images, classes, labels = problem

    given = predict(images, classes, labels, 7.0)

    rows = probabilities_slowly(images, classes, 7.0)
    assert given.confidence == pytest.approx([max(row) for row in rows], abs=1e-5)
    assert given.nll.mean() == pytest.approx(nll_slowly(*problem, 7.0), abs=1e-5)
    for k in (1, 5):
        best = [sorted(range(9), key=lambda i: -row[i])[:k] for row in rows]
        right = [label in first for label, first in zip(labels, best, strict=True)]
        assert given.ranks.within(k).tolist() == right
    assert given.correct.mean() == pytest.approx(np.mean(np.argmax(rows, axis=1) == labels))
    assert 0.4 < given.correct.mean() < 0.95  # neither everything nor nothing is right


def test_classes_of_one_name_are_each_half_right():
    classes = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    images = np.array([[1, 0], [1, 0], [0, 1]], np.float32)

    given = predict(images, classes, np.array([0, 1, 2]), 10.0)

    assert given.correct.tolist() == [0.5, 0.5, 1.0]


def test_a_huge_scale_overflows_nothing(problem):
    given = predict(*problem, 1e6)

    assert np.isfinite(given.nll).all()
    assert given.confidence == pytest.approx(1, abs=0.01)


def test_calibration_error_is_the_mean_gap_over_bins():
    rng = np.random.default_rng(2)
    confidence = np.concatenate([rng.random(500), [1.0, 0.2, 1 / 15]])
    correct = (rng.random(503) < confidence**2).astype(np.float64)

    bins = reliability(confidence, correct)

    expected = 0.0
    for i in range(15):
        inside = [j for j, c in enumerate(confidence) if i / 15 < c <= (i + 1) / 15]
        if inside:
            gap = abs(np.mean(confidence[inside]) - np.mean(correct[inside]))
            expected += len(inside) / 503 * gap
    assert expected_calibration_error(bins) == pytest.approx(expected)
    assert expected > 0.1
    assert sum(each.count for each in bins) == 503


def test_bin_includes_its_upper_end_only():
    bins = reliability(np.array([0.25, 0.5, 0.75, 1.0, 0.51]), np.ones(5), bins=4)

    assert [each.count for each in bins] == [1, 1, 2, 1]


def test_calibrated_predictions_have_no_calibration_error():
    confidence = np.full(10, 0.5)
    correct = np.tile([0.0, 1.0], 5)

    assert expected_calibration_error(reliability(confidence, correct)) == 0


def test_best_scale_has_the_highest_likelihood(problem):
    best = best_logit_scale(*problem)

    least = nll_slowly(*problem, best)
    for other in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
        assert nll_slowly(*problem, best * other) > least
    assert 1 < best < 100


def test_best_scale_of_correct_predictions_is_the_bound():
    directions = np.eye(3, dtype=np.float32)

    best = best_logit_scale(directions, directions, np.arange(3))

    assert best == pytest.approx(calibration.HIGHEST_SCALE, rel=1e-3)


def test_the_best_scale_of_noise_trusts_nothing():
    rng = np.random.default_rng(3)
    images, classes = unit(rng.standard_normal((400, 12))), unit(rng.standard_normal((9, 12)))

    assert best_logit_scale(images, classes, rng.integers(0, 9, 400)) < 2


def test_best_scale_is_fitted_and_measured_on_halves(problem):
    images, classes, labels = problem
    first, second = halves(len(labels))

    own, best = with_best_scale(*problem, 100.0)

    assert not set(first) & set(second)
    assert sorted([*first, *second]) == list(range(200))
    assert own.logit_scale == 100
    assert best.logit_scale == best_logit_scale(images[first], classes, labels[first])
    slow = nll_slowly(images[second], classes, labels[second], best.logit_scale)
    assert best.nll == pytest.approx(slow, abs=1e-5)
    assert best.nll < own.nll
    assert best.ece < own.ece
    assert best.accuracy == own.accuracy  # a temperature changes no order
    assert own.mean_confidence > own.accuracy
