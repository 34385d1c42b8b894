"""Statistics of photos' cosines with everyday words, and their cache."""

from __future__ import annotations

import numpy as np
import pytest

from album.encoding.query_bank import RECOMPUTED_ROWS, QueryBank, _level
from album.encoding.score_calibration import ScoreCalibrator
from models.prompts import EVERYDAY_WORDS
from tests.support.embeddings import SHOWN, Matrix, Words, photos_of


def test_levels_match_the_slow_way():
    cosines = np.random.default_rng(0).normal(0.2, 0.05, (20, 500)).astype(np.float32)
    mean, spread = cosines.mean(1), cosines.std(1)
    slow = mean + spread * np.log(np.exp((cosines - mean[:, None]) / spread[:, None]).mean(1))

    level, scatter = _level(cosines.copy())

    assert np.allclose(level, slow, atol=1e-5)
    assert np.allclose(scatter, spread, atol=1e-6)


def test_query_bank_is_cached_and_grows(tmp_path):
    vectors = photos_of(*SHOWN * 4)
    index = Matrix(tmp_path, vectors[:200])
    first = QueryBank(Words(), index, tmp_path)
    levels = first.stats("en", 200)
    (file,) = tmp_path.glob("words.background.*.npy")

    assert np.load(file).shape == (200, 6)
    assert np.load(file).dtype == np.float32
    index.ids, index.vectors = np.arange(1, 261), vectors[:260]
    again = QueryBank(Words(), index, tmp_path)
    asked = []
    ask = again.image_stats
    again.image_stats = lambda rows: asked.append(len(rows)) or ask(rows)  # type: ignore[method-assign]
    grown = again.stats("en", 260)

    assert asked == [60 + RECOMPUTED_ROWS]
    assert np.allclose(grown.level[:200], levels.level, atol=1e-6)
    assert np.load(file).shape == (260, 6)


@pytest.mark.parametrize("damage", [b"", b"not an array", "fewer"])
def test_everyday_words_are_encoded_once_per_model(tmp_path, damage):
    encoder, index = Words(), Matrix(tmp_path, photos_of(*SHOWN))
    first = QueryBank(encoder, index, tmp_path).words
    asked = encoder.asked
    again = QueryBank(encoder, index, tmp_path).words

    assert encoder.asked == asked == 2 * len(EVERYDAY_WORDS)
    assert np.array_equal(again["ko"], first["ko"])
    assert np.array_equal(again["en"], first["en"])
    (file,) = tmp_path.glob("words.words.*.npy")
    if damage == "fewer":
        np.save(file, np.stack([first["en"][:9], first["ko"][:9]]))
    else:
        file.write_bytes(damage)
    assert np.array_equal(QueryBank(encoder, index, tmp_path).words["ko"], first["ko"])
    assert encoder.asked == 2 * asked


def test_calibrators_of_one_index_share_its_query_bank(tmp_path):
    encoder, index = Words(), Matrix(tmp_path, photos_of(*SHOWN))

    first, second = (ScoreCalibrator(encoder, index, tmp_path) for _ in range(2))
    other = ScoreCalibrator(encoder, Matrix(tmp_path, photos_of(*SHOWN[:5])), tmp_path)

    assert first.query_bank is second.query_bank
    assert other.query_bank is not first.query_bank


def test_removed_photos_leave_the_query_bank(tmp_path):
    vectors = photos_of(*SHOWN)
    index = Matrix(tmp_path, vectors)
    background = QueryBank(Words(), index, tmp_path)
    before = background.stats("ko", len(vectors)).level

    index.ids, index.vectors = np.delete(index.ids, 3), np.delete(vectors, 3, axis=0)
    after = background.stats("ko", len(vectors) - 1).level
    fresh = QueryBank(Words(), index, tmp_path).stats("ko", len(vectors) - 1).level

    assert np.allclose(after, np.delete(before, 3), atol=1e-6)
    assert np.allclose(fresh, after, atol=1e-6)


@pytest.mark.parametrize("harm", ["cut", "other shape", "NaN", "other words"])
def test_unusable_cache_file_is_rebuilt(tmp_path, harm, monkeypatch):
    index = Matrix(tmp_path, photos_of(*SHOWN * 3))
    right = QueryBank(Words(), index, tmp_path).stats("en", 3 * len(SHOWN)).level
    (file,) = tmp_path.glob("words.background.*.npy")
    table = np.load(file)
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    elif harm == "other shape":
        np.save(file, table[:, :5])
    elif harm == "NaN":
        table[3, 0] = np.nan
        np.save(file, table)
    else:
        monkeypatch.setattr("album.encoding.query_bank.EVERYDAY_WORDS", EVERYDAY_WORDS[:100])

    again = QueryBank(Words(), index, tmp_path).stats("en", 3 * len(SHOWN)).level

    assert len(list(tmp_path.glob("words.background.*.npy"))) == 1
    assert np.isfinite(again).all()
    assert np.allclose(again, right, atol=1e-6) == (harm != "other words")
    assert np.allclose(again[0], right[0], atol=1e-6) == (harm != "other words")


def test_rows_being_added_count_as_median_photos(tmp_path):
    index = Matrix(tmp_path, photos_of(*SHOWN))
    background = QueryBank(Words(), index, tmp_path)
    n = len(SHOWN)

    right, more, fewer = (background.stats("en", number) for number in (n, n + 2, n - 2))

    assert np.array_equal(more.level[:n], right.level)
    assert (more.level[n:] == np.median(more.level[:n])).all()
    assert np.array_equal(fewer.level, more.level[: n - 2])
