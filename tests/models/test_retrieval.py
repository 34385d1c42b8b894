"""Recall@K by counting, against the full matrix and every order of what is tied."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest

from models.evaluation.retrieval import Ranks, Retrieval, chance, rank_pairs


def grid(rng: np.random.Generator, rows: int, width: int = 6) -> np.ndarray:
    """Rows of small whole numbers: their products are exact, and many are equal."""
    return rng.integers(-2, 3, (rows, width)).astype(np.float32)


def unit(rng: np.random.Generator, rows: int, width: int = 16) -> np.ndarray:
    found = rng.standard_normal((rows, width)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def owners(rng: np.random.Generator, images: int, texts: int) -> np.ndarray:
    """Each image has a text, most have several, in no order."""
    rest = rng.integers(0, images, texts - images)
    return rng.permutation(np.concatenate([np.arange(images), rest]))


def recall_slowly(scores: Sequence[float], mine: Sequence[bool], k: int) -> float:
    """The share of all orders with falling scores in which one of mine is among the first k.

    Of a group that scores the same, only the size and how many are mine matter.
    """
    missed = 1.0
    for score in sorted(set(scores), reverse=True):
        group = [own for one, own in zip(scores, mine, strict=True) if one == score]
        places = min(k, len(group))
        missed *= math.comb(len(group) - sum(group), places) / math.comb(len(group), places)
        k -= places
    return 1 - missed


def slowly(scores: np.ndarray, image_of_text: np.ndarray, k: int) -> tuple[float, float]:
    """Recall@K from images to texts and back, from the whole matrix (n, m)."""
    n, m = scores.shape
    of_images = [recall_slowly(scores[i], image_of_text == i, k) for i in range(n)]
    of_texts = [recall_slowly(scores[:, j], np.arange(n) == image_of_text[j], k) for j in range(m)]
    return float(np.mean(of_images)), float(np.mean(of_texts))


def recalls(found: Retrieval, k: int) -> tuple[float, float]:
    return found.image_to_text.recall(k), found.text_to_image.recall(k)


@pytest.mark.parametrize("make", [grid, unit])
@pytest.mark.parametrize("block", [(1, 1), (3, 5), (7, 1000), (250, 8192)])
def test_counting_in_blocks_agrees_with_the_full_matrix(make, block):
    rng = np.random.default_rng(3)
    images, texts, image_of_text = make(rng, 23), make(rng, 71), owners(rng, 23, 71)

    found = rank_pairs(images, texts, image_of_text, block)

    scores = images.astype(np.float64) @ texts.astype(np.float64).T
    for k in (1, 2, 5, 10, 23, 71):
        assert recalls(found, k) == pytest.approx(slowly(scores, image_of_text, k), abs=1e-12)


def test_mean_over_ties_equals_mean_over_all_orders():
    scores, mine = [3, 2, 2, 2, 2, 1], [False, True, False, True, False, True]
    ranks = Ranks(np.array([1]), np.array([2]), np.array([2]))

    for k in range(1, 7):
        orders = [
            order
            for order in itertools.permutations(range(6))
            if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
        ]
        share = np.mean([any(mine[i] for i in order[:k]) for order in orders])
        assert ranks.recall(k) == pytest.approx(share)
        assert recall_slowly(scores, mine, k) == pytest.approx(share)


def test_image_counts_best_caption_and_caption_its_image():
    images = np.eye(2, dtype=np.float32)
    texts = np.array([[0.9, 0.1], [0.2, 0.7], [0.3, 0.8], [0.6, 0.4]], np.float32)

    found = rank_pairs(images, texts, np.array([0, 0, 1, 1]))

    assert found.image_to_text.above.tolist() == [0, 0]
    assert found.text_to_image.above.tolist() == [0, 1, 0, 1]
    assert recalls(found, 1) == (1.0, 0.5)


def test_uninformative_model_scores_like_chance():
    rng = np.random.default_rng(4)
    image_of_text = owners(rng, 12, 40)
    same = np.full((1, 8), 1 / math.sqrt(8), np.float32)

    found = rank_pairs(same.repeat(12, axis=0), same.repeat(40, axis=0), image_of_text)

    for k in (1, 5, 10):
        assert recalls(found, k) == pytest.approx(recalls(chance(image_of_text, 12), k))
    assert found.image_to_text.median() == chance(image_of_text, 12).image_to_text.median()


def test_chance_is_what_the_binomial_coefficients_say():
    image_of_text = np.array([0, 0, 0, 1, 2, 2, 2, 2])

    random = chance(image_of_text, 3)

    for k in (1, 5, 8):
        expected = [1 - math.comb(8 - own, k) / math.comb(8, k) for own in (3, 1, 4)]
        assert random.image_to_text.within(k) == pytest.approx(expected)
        assert random.text_to_image.recall(k) == pytest.approx(min(k / 3, 1))


def test_chance_is_what_shuffled_pairs_score_on_average():
    rng = np.random.default_rng(5)
    image_of_text = owners(rng, 10, 30)
    random = chance(image_of_text, 10)

    scored = [
        recalls(rank_pairs(unit(rng, 10), unit(rng, 30), image_of_text), 5) for _ in range(300)
    ]

    assert np.mean(scored, axis=0) == pytest.approx(recalls(random, 5), abs=0.02)


def test_scores_that_differ_by_rounding_alone_are_ties():
    images = np.array([[1.0], [1.0 + 2e-7]], np.float32)
    texts = np.array([[1.0], [1.0]], np.float32)

    found = rank_pairs(images, texts, np.array([0, 1]))

    assert found.text_to_image.level.tolist() == [1, 1]
    assert recalls(found, 1) == (0.5, 0.5)


def test_median_rank_is_where_recall_reaches_half():
    zero, one = np.zeros(5, np.int64), np.ones(5, np.int64)

    assert Ranks(np.array([0, 9, 3, 100, 4]), zero, one).median() == 5
    assert Ranks(zero, zero, one).median() == 1
    assert chance(np.arange(101), 101).text_to_image.median() == 51
    assert chance(np.arange(100), 100).image_to_text.median() == 50


def test_image_without_text_is_a_value_error():
    rng = np.random.default_rng(6)

    with pytest.raises(ValueError, match="needs a text"):
        rank_pairs(unit(rng, 3), unit(rng, 3), np.array([0, 0, 2]))
    with pytest.raises(ValueError, match="do not fit"):
        rank_pairs(unit(rng, 3), unit(rng, 3), np.array([0, 1]))


def test_memory_is_bounded_for_many_pairs():
    rng = np.random.default_rng(7)
    images, texts = unit(rng, 4_000, 8), unit(rng, 20_000, 8)
    image_of_text = np.arange(20_000) % 4_000

    tracemalloc.start()
    rank_pairs(images, texts, image_of_text, block=(100, 1_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 4_000_000  # the whole matrix would be 320 MB, its rows alone 80 kB each


def test_progress_ends_at_the_last_image():
    rng = np.random.default_rng(8)
    seen = []

    rank_pairs(
        unit(rng, 7),
        unit(rng, 7),
        np.arange(7),
        (3, 3),
        lambda done, total: seen.append((done, total)),
    )

    assert seen == [(3, 7), (6, 7), (7, 7)]
