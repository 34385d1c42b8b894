"""Log-odds of looks fused with what texts say."""

from __future__ import annotations

import numpy as np

from album.encoding.score_calibration import MAYBE
from album.search.fusion import FULL_MATCH_BONUS, RANKED, fuse, ranks


def fused(log_odds, text_ids=(), coverage=()):
    return fuse(
        np.array(log_odds, np.float32),
        np.arange(10, 10 + len(log_odds)),
        np.array(text_ids, np.int64),
        np.array(coverage, np.float32),
    )


def test_full_text_match_is_below_sure_looks():
    log_odds, _ = fused([3.0, 0.2, -8.0, -0.5], [12, 11], [1.0, 1.0])

    assert log_odds[0] == 3
    assert log_odds[1] > log_odds[2] == FULL_MATCH_BONUS >= MAYBE
    assert log_odds[3] == np.float32(-0.5)


def test_partial_text_match_raises_only_near_photos():
    log_odds, _ = fused([-0.4, -0.4, -5.0], [10, 12], [0.6, 0.6])

    assert log_odds[0] >= MAYBE > log_odds[1]
    assert log_odds[2] == -5


def test_text_only_hits_keep_the_text_order():
    log_odds, tie_break = fused([-9, -9, -9, -9], [13, 11, 10], [1.0, 1.0, 1.0])

    order = np.lexsort((-tie_break, -log_odds))

    assert order.tolist() == [3, 1, 0, 2]


def test_text_hits_outside_the_index_are_skipped():
    log_odds, tie_break = fused([1.0, 0.5], [99, 10, 3], [1.0, 1.0, 1.0])
    nothing, _ = fused([1.0, 0.5])

    assert log_odds.tolist() == [2.5, 0.5]
    assert nothing.tolist() == [1.0, 0.5]
    assert tie_break.dtype == log_odds.dtype == np.float32
    assert fused([])[0].shape == (0,)
    assert fused([], [3], [1.0])[1].shape == (0,)


def test_ranks_are_those_of_a_sort():
    log_odds = np.random.default_rng(0).integers(0, 4000, 2 * RANKED).astype(np.float32)
    slow = np.array([(log_odds > value).sum() + 1 for value in log_odds[:50]])

    places = ranks(log_odds)

    assert np.array_equal(places[:50], np.minimum(slow, RANKED + 1))
    assert ranks(np.zeros(3, np.float32)).tolist() == [1, 1, 1]
