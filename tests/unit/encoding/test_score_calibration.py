"""Calibrated scores of vectors whose truth is known, the query bank, and fusion with texts.

The words of `Words` are directions of their own, so that a photo can be made to show some of them.
"""

from __future__ import annotations

import numpy as np
import pytest

from album.domain.languages import HANGUL
from album.encoding.chance import Chance
from album.encoding.score_calibration import (
    MAYBE,
    SURE,
    SURE_P,
    VETO,
    ScoreCalibrator,
    without,
)
from album.encoding.score_scale import cut
from models.prompts import EVERYDAY_WORDS
from tests.support.embeddings import ENGLISH, SHOWN, D, Matrix, Words, direction, photos_of, unit
from tests.support.fakes import FakeEncoder


@pytest.fixture
def album(tmp_path):
    def of(vectors: np.ndarray) -> tuple[ScoreCalibrator, Matrix]:
        index = Matrix(tmp_path, vectors)
        return ScoreCalibrator(Words(), index, tmp_path), index

    return of


def log_odds_of(calibrator: ScoreCalibrator, index: Matrix, text: str) -> np.ndarray:
    query = direction(ENGLISH.get(text, text))
    return calibrator.calibrate(query, index.vectors @ query, "text", text).log_odds


def test_present_things_match_and_absent_ones_do_not(album):
    calibrator, index = album(photos_of(*SHOWN))

    for row, text in enumerate(SHOWN[:20]):
        log_odds = log_odds_of(calibrator, index, text)
        assert log_odds.argmax() == row
        assert np.flatnonzero(log_odds >= MAYBE).tolist() == [row]
    for text, _ in EVERYDAY_WORDS[1::7][:20]:
        assert (log_odds_of(calibrator, index, text) < MAYBE).all(), text


def test_korean_words_are_compared_with_korean_words(album):
    calibrator, index = album(photos_of(*SHOWN))
    korean = dict(EVERYDAY_WORDS)
    text = korean[SHOWN[3]]
    english = np.tile(index.vectors[3], (len(EVERYDAY_WORDS), 1))  # "all fit this photo"
    calibrator.query_bank.words["en"] = english

    log_odds = log_odds_of(calibrator, index, text)

    assert HANGUL.search(text)
    assert np.flatnonzero(log_odds >= MAYBE).tolist() == [3]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_tiny_album_matches_only_what_it_has(album, n):
    calibrator, index = album(photos_of(*SHOWN[:n]))

    assert log_odds_of(calibrator, index, SHOWN[0])[0] >= MAYBE
    assert (log_odds_of(calibrator, index, "giraffe") < MAYBE).all()


def test_half_of_an_album_can_be_relevant(album):
    dogs = ["dog"] * 60
    calibrator, index = album(photos_of(*dogs, *SHOWN[10:70]))

    log_odds = log_odds_of(calibrator, index, "dog")

    assert (log_odds[:60] >= MAYBE).mean() > 0.9
    assert (log_odds[60:] < MAYBE).all()


def test_photo_like_every_word_matches_none(tmp_path):
    axis = direction("what all words have in common")

    class Cone(Words):
        def encode_texts(self, texts):
            return unit(super().encode_texts(texts) + 0.6 * axis)

    encoder = Cone()
    index = Matrix(tmp_path, np.vstack([photos_of(*SHOWN), axis]))
    calibrator = ScoreCalibrator(encoder, index, tmp_path)

    for text, _ in EVERYDAY_WORDS[1::7][:20]:
        query = encoder.encode_texts([text])[0]
        cosines = index.vectors @ query
        assert cosines.argmax() == len(SHOWN)
        assert calibrator.calibrate(query, cosines, "text", text).log_odds[-1] < MAYBE


def test_equal_photos_get_equal_log_odds(album):
    vectors = np.repeat(photos_of("dog", "sea"), 6, axis=0)
    calibrator, index = album(vectors)

    log_odds = log_odds_of(calibrator, index, "dog")

    assert len(set(log_odds[:6].tolist())) == 1
    assert log_odds[0] >= MAYBE > log_odds[6]


def test_all_photos_equal_is_no_reason_to_fail(album):
    calibrator, index = album(np.repeat(photos_of("dog"), 50, axis=0))

    assert (log_odds_of(calibrator, index, "dog") >= MAYBE).all()
    assert (log_odds_of(calibrator, index, "sea") < MAYBE).all()


@pytest.mark.parametrize("kind", ["text", "picture"])
def test_zero_rows_and_nan_scores_stay_finite(album, kind):
    vectors = photos_of(*SHOWN[:9])
    vectors[4] = 0
    calibrator, index = album(vectors)
    query = direction("dog")
    scores = index.vectors @ query
    scores[2] = np.nan

    log_odds = calibrator.calibrate(query, scores, kind, "dog").log_odds

    assert log_odds.dtype == np.float32
    assert np.isfinite(log_odds).all()
    assert calibrator.calibrate(query, scores[:0], kind, "dog").log_odds.shape == (0,)


def test_log_odds_rise_with_the_cosine(album):
    calibrator, _ = album(np.repeat(photos_of("dog"), 40, axis=0))
    scores = np.linspace(-0.2, 0.6, 40, dtype=np.float32)

    for kind in ("text", "picture"):
        log_odds = calibrator.calibrate(direction("sea"), scores, kind, "sea").log_odds
        assert (np.diff(log_odds) >= 0).all()


def test_chance_maximum_stays_below_the_cut():
    chance = Chance(low=2.0, high=3.0, high_of_few=3.0)
    noise = np.random.default_rng(0).standard_normal(10_000).astype(np.float32) - np.float32(0.9)

    assert noise.max() < cut(noise, chance)
    few = np.append(noise, np.float32([9.0] * 8))
    assert np.flatnonzero(few >= cut(few, chance)).tolist() == list(range(10_000, 10_008))


def test_sure_photos_have_nine_tenths(album):
    calibrator, _ = album(np.repeat(photos_of("dog"), 40, axis=0))
    scores = np.linspace(-0.2, 0.6, 40, dtype=np.float32)
    logits = calibrator.calibrate(direction("sea"), scores, "text", "sea").logits
    scores = scores[: np.searchsorted(logits, 3.0)]  # others are sure wherever the cut is
    calibrator, _ = album(np.repeat(photos_of("dog"), len(scores), axis=0))

    calibrated = calibrator.calibrate(direction("sea"), scores, "text", "sea")

    order = np.argsort(calibrated.log_odds)
    assert (np.diff(calibrated.logits[order]) >= 0).all()
    logit = np.interp(SURE, calibrated.log_odds[order], calibrated.logits[order])
    assert 1 / (1 + np.exp(-logit)) == pytest.approx(SURE_P, abs=0.02)


def test_only_what_chance_beats_is_absent(album):
    calibrator, index = album(photos_of(*SHOWN))

    for text in SHOWN[:20]:
        query = direction(text)
        assert not calibrator.calibrate(query, index.vectors @ query, "text", text).is_absent
    opposite = unit(-index.vectors.mean(axis=0))
    assert calibrator.calibrate(opposite, index.vectors @ opposite).is_absent


def test_no_other_picture_is_absent_unless_far(album):
    shared = direction("what all these photos have in common")
    calibrator, index = album(unit(photos_of(*SHOWN) + shared))
    far = -shared

    assert calibrator.calibrate(far, index.vectors @ far, "picture").is_absent
    near = index.vectors[3]
    assert not calibrator.calibrate(near, index.vectors @ near, "picture").is_absent


def test_same_picture_is_sure_and_unrelated_is_not(album):
    vectors = photos_of(*SHOWN)
    calibrator, _ = album(vectors)
    almost = unit(vectors[7] + 0.1 * unit(np.random.default_rng(1).standard_normal(D)))

    log_odds = calibrator.calibrate(almost, vectors @ almost, "picture").log_odds

    assert log_odds[7] >= SURE
    assert (np.delete(log_odds, 7) < MAYBE).all()


def test_unwanted_photos_are_vetoed_and_doubtful_ones_lose(album):
    vectors = photos_of("dog", "cat", *SHOWN[20:60])
    calibrator, _ = album(vectors)
    query = direction("cat")

    shows = calibrator.calibrate(query, vectors @ query, text="cat").log_odds >= VETO
    left, vetoed = without(np.float32([3, 3, 3, 3]), np.float32([VETO, VETO - 0.1, -4.5, -9]))

    assert np.flatnonzero(shows).tolist() == [1]
    assert vetoed.tolist() == [True, False, False, False]
    assert left[1] < left[2] == left[3] == 3


# Classes


class TwoTongues(Words):
    """All Korean texts have something in common, so that the two languages are of two levels."""

    def encode_texts(self, texts):
        rows = super().encode_texts(texts)
        korean = np.array([bool(HANGUL.search(text)) for text in texts], np.float32)
        return unit(rows + 0.8 * korean[:, None] * direction("what Korean has in common"))


def slow_log_odds(
    calibrator: ScoreCalibrator, vectors: np.ndarray, query, korean: float
) -> np.ndarray:
    """(n,) of one class, asked of an album of these photos alone."""
    parts = []
    for share, language in ((1 - korean, "en"), (korean, "ko")):
        words = calibrator.query_bank.words[language].astype(np.float64)
        cosines = vectors @ words.T
        mean, spread = cosines.mean(axis=1), cosines.std(axis=1)
        level = mean + spread * np.log(np.exp((cosines - mean[:, None]) / spread[:, None]).mean(1))
        means = words @ words.mean(axis=0)
        general = 0.2 * np.clip((query @ words.mean(axis=0) - means.mean()) / means.std(), -3, 3)
        parts.append(share * np.stack(np.broadcast_arrays(level, np.median(spread), general)))
    level, spread, general = sum(parts)
    z_score = (vectors @ query - level) / spread + general
    english, other = (calibrator.chance(language) for language in ("en", "ko"))
    high = (1 - korean) * english.high + korean * other.high
    high_of_few = (1 - korean) * english.high_of_few + korean * other.high_of_few
    shown = 1.5 * (z_score - cut(z_score.astype(np.float32), Chance(0, high, 0)))
    return (shown + 1.77 * (z_score - high_of_few) - 0.85) / 2 + 0.5


@pytest.mark.parametrize(("block", "best_each"), [(16_384, 1_000), (11, 25)])
def test_class_log_odds_match_single_queries(tmp_path, monkeypatch, block, best_each):
    monkeypatch.setattr("album.encoding.class_calibration.BLOCK_ROWS", block)
    monkeypatch.setattr("album.encoding.score_scale.BEST_EACH", best_each)
    axis = direction("what Korean has in common")
    vectors = unit(photos_of(*SHOWN) + np.linspace(0, 1, len(SHOWN))[:, None] * axis)
    encoder, index = TwoTongues(), Matrix(tmp_path, vectors)
    calibrator = ScoreCalibrator(encoder, index, tmp_path)
    queries = encoder.encode_texts(["dog", "바다", "house"])
    korean = np.float32([0, 1, 0.25])
    told: list[tuple[int, int]] = []

    classes = calibrator.calibrate_classes(queries, korean, lambda *it: told.append(it))

    rows = np.arange(len(vectors))
    for c, query in enumerate(queries):
        found = classes.row_log_odds(rows, vectors, np.full(len(rows), c))
        assert found == pytest.approx(
            slow_log_odds(calibrator, vectors, query, korean[c]), abs=2e-3
        )
        assert found.dtype == np.float32
    assert told[-1] == (len(vectors), len(vectors))
    assert len(told) == -(-len(vectors) // block)


@pytest.mark.parametrize("n", [0, 1, 6, len(SHOWN)])
@pytest.mark.parametrize("best_each", [1_000, 2])
def test_image_log_odds_match_one_more_photo(tmp_path, monkeypatch, n, best_each):
    monkeypatch.setattr("album.encoding.score_scale.BEST_EACH", best_each)
    monkeypatch.setattr("album.encoding.score_scale.BEST_MOST", 3)
    vectors = photos_of(*SHOWN[:n]) if n else np.empty((0, D), np.float32)
    encoder = TwoTongues()
    calibrator = ScoreCalibrator(encoder, Matrix(tmp_path, vectors), tmp_path)
    queries = encoder.encode_texts(["giraffe", "바다"])
    korean = np.float32([0, 1])
    others = photos_of("giraffe", "바다", "sofa", seed=5)
    classes = calibrator.calibrate_classes(queries, korean)

    for c in (0, 1):
        found = classes.image_log_odds(others, np.full(3, c))
        for row, other in enumerate(others):
            with_it = np.vstack([vectors, other])
            expected = slow_log_odds(calibrator, with_it, queries[c], korean[c])[-1]
            # Its own spread counts in the median there, and not here; and k may be one more.
            assert found[row] == pytest.approx(expected, rel=0.25, abs=0.5)
            assert (found[row] >= MAYBE) == (expected >= MAYBE)


def test_encoder_without_everyday_words_still_ranks(tmp_path):
    encoder = FakeEncoder()
    names = ("red", "green", "blue", "yellow", "black")
    index = Matrix(tmp_path, encoder.encode_texts(names))
    calibrator = ScoreCalibrator(encoder, index, tmp_path)

    for row, name in enumerate(names):
        query = encoder.encode_texts([name])[0]
        log_odds = calibrator.calibrate(query, index.vectors @ query, "text", name).log_odds
        assert log_odds.argmax() == row
        assert np.isfinite(log_odds).all()


def test_everyday_words_are_short_and_each_stands_once():
    assert 400 <= len(EVERYDAY_WORDS) <= 600
    for column in (0, 1):
        words = [pair[column] for pair in EVERYDAY_WORDS]
        assert len(set(words)) == len(words)
        assert all(word == word.strip() and 0 < len(word) <= 24 for word in words)
    assert all(HANGUL.search(korean) and english.isascii() for english, korean in EVERYDAY_WORDS)
