"""What chance gives irrelevant queries, estimated with decoys."""

from __future__ import annotations

import numpy as np
import pytest

from album.encoding.chance import DECOYS, SAMPLED, TYPICAL, Chance, decoys_of, spread_rows
from album.encoding.score_calibration import ScoreCalibrator
from tests.support.embeddings import SHOWN, D, Matrix, Words, photos_of, unit


def test_decoys_are_as_varied_as_words():
    rng = np.random.default_rng(1)
    scale = np.linspace(0.2, 2, 8)
    words = unit(rng.standard_normal((500, 8)) * scale + 0.3).astype(np.float32)

    decoys = decoys_of(words)

    assert decoys.shape == (DECOYS, 8)
    assert decoys.dtype == np.float32
    assert np.linalg.norm(decoys, axis=1) == pytest.approx(np.ones(DECOYS), abs=1e-5)
    assert np.array_equal(decoys, decoys_of(words))
    assert np.allclose(decoys.mean(axis=0), words.mean(axis=0), atol=0.1)
    assert np.corrcoef(decoys.std(axis=0), words.std(axis=0))[0, 1] > 0.95


def test_nine_of_ten_random_queries_stay_below_chance(tmp_path):
    rng = np.random.default_rng(2)
    encoder = Words()
    index = Matrix(tmp_path, photos_of(*SHOWN * 4))
    calibrator = ScoreCalibrator(encoder, index, tmp_path)
    words = calibrator.query_bank.words["en"]
    drawn = rng.standard_normal((300, len(words))).astype(np.float32)
    queries = unit(words.mean(axis=0) + drawn @ (words - words.mean(axis=0)) / len(words) ** 0.5)

    chance = calibrator.chance("en")
    best = np.array(
        [
            (calibrator.calibrate(query, index.vectors @ query).logits.max() + 0.85) / 1.77
            + chance.high
            for query in queries.astype(np.float32)
        ]
    )

    assert 0.84 <= (best < chance.high).mean() <= 0.96
    assert 0.15 <= (best < chance.low).mean() <= 0.35


def test_chance_rises_with_the_album():
    best = np.linspace(1, 2, DECOYS).astype(np.float32)

    small, few = Chance.of_decoys(best, 100, 100), Chance.of_decoys(best, 10, 10)
    large = Chance.of_decoys(best, 100, 10_000)

    assert large.high == pytest.approx(small.high + 0.9)
    assert large.low == pytest.approx(small.low + 0.9)
    assert few.high == pytest.approx(small.high + 0.45)  # counts as 100 photos
    assert few.high_of_few == pytest.approx(small.high)


@pytest.mark.parametrize("n", [1, 7, SAMPLED, SAMPLED + 1, 200_000])
def test_sampled_rows_are_spread_and_distinct(n):
    rows = spread_rows(n)

    assert len(set(rows.tolist())) == len(rows) == min(n, SAMPLED)
    assert (rows[0], rows[-1]) == (0, n - 1)


def test_empty_album_has_typical_chance(tmp_path):
    index = Matrix(tmp_path, np.empty((0, D), np.float32))

    assert ScoreCalibrator(Words(), index, tmp_path).chance("ko") == TYPICAL


def test_chance_is_measured_again_for_new_photos(tmp_path):
    index = Matrix(tmp_path, photos_of(*SHOWN[:30]))
    calibrator = ScoreCalibrator(Words(), index, tmp_path)
    before = calibrator.chance("en")
    index.ids, index.vectors = np.arange(len(SHOWN)), photos_of(*SHOWN)

    assert calibrator.chance("en") != before
