"""Figures that compare models: what is chosen on which queries, and counted how."""

from __future__ import annotations

import numpy as np
import pytest

from album.search.evaluation.metrics import JudgedSearch
from album.search.evaluation.transfer import transfer_figures


def judged(scores, truth, split="tune", shown=0, right=0, sure=0, likeness=None) -> JudgedSearch:
    return JudgedSearch(
        "a",
        split,
        relevant=sum(truth),
        right_in_10=sum(truth),
        shown=shown,
        right_shown=right,
        sure=sure,
        right_sure=min(sure, right),
        scores=np.array(scores, np.float32),
        truth=np.array(truth, bool),
        likeness=np.array(likeness or [0.1] * len(scores), np.float32),
    )


OTHERS = [0.001 * n for n in range(40, 0, -1)]
"""Cosines of photos that are wrong: thresholds lie among many photos."""


def test_fixed_cosine_comes_from_the_other_half():
    low = judged([0.5, 0.4, 0.3, *OTHERS], [1, 1, 1, *[0] * 40], "tune")  # best at 0.3
    high = judged([0.9, 0.8, 0.4, *OTHERS], [1, 1, 0, *[0] * 40], "held-back")  # best at 0.8

    fixed = transfer_figures([low, high])["fixed"]

    assert fixed["f1"] == pytest.approx((0 + 2 * 2 / (3 + 2)) / 2)
    assert fixed["f1_in_hindsight"] == pytest.approx((1 + 2 * 2 / (3 + 2)) / 2)


def test_fixed_cosine_is_missing_without_another_half():
    fixed = transfer_figures([judged([0.4, 0.3, *OTHERS], [1, 1, *[0] * 40])])["fixed"]

    assert fixed["f1"] is None
    assert fixed["f1_in_hindsight"] == 1


def test_strict_cosine_shows_no_more_absent_things():
    present = judged([0.9, 0.5, *OTHERS], [1, 1, *[0] * 40], shown=1, right=1)
    absent = [judged([top, *OTHERS], [0] * 41, shown=shown) for top, shown in ((0.95, 1), (0.6, 0))]

    fixed = transfer_figures([present, *absent])["fixed"]

    assert (fixed["f1_in_hindsight"], fixed["absent_shown_in_hindsight"]) == (1, 2)
    assert fixed["f1_as_strict"] == pytest.approx(2 / 3)  # above 0.6, so that one photo is missed


def test_absent_and_sure_photos_are_counted():
    figures = transfer_figures(
        [
            judged([0.9, 0.8], [1, 1], shown=2, right=2, sure=2),
            judged([0.7, 0.1], [0, 0], shown=2, sure=1),
            judged([0.2, 0.1], [0, 0]),
        ]
    )

    assert (figures["queries"], figures["absent_queries"], figures["absent_shown"]) == (1, 2, 1)
    assert (figures["sure"], figures["right_among_sure"]) == (3, pytest.approx(2 / 3))
    assert figures["fixed"]["absent_shown_in_hindsight"] == 0


def test_probabilities_are_compared_with_the_truth():
    likeness = [1.0, 0.95, 0.9, 0.85, 0.6, 0.49]

    rows = transfer_figures(
        [judged([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [1, 1, 0, 1, 0, 1], likeness=likeness)]
    )["reliability"]

    assert [(row["from"], row["to"]) for row in rows] == [
        (0.5, 0.7),
        (0.7, 0.8),
        (0.8, 0.9),
        (0.9, 1.0),
    ]
    assert [row["photos"] for row in rows] == [1, 0, 1, 3]
    assert [row["right"] for row in rows] == [0, None, 1, pytest.approx(2 / 3)]
