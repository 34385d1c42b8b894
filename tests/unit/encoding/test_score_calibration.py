"""Relevance on vectors whose truth is known, the background it rests on, and fusion with texts.

The words of `Words` are directions of their own, so that a photo can be made to show some of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from album.domain.languages import HANGUL
from album.encoding.query_background import ASKED_AGAIN, QueryBank, _level
from album.encoding.score_calibration import MAYBE, SURE, VETO, ScoreCalibrator, cut, without
from album.search.fusion import RANKED, WRITTEN, fuse, ranks
from models.prompts import EVERYDAY_WORDS
from tests.support.fakes import FakeEncoder

D = 64


class Words:
    """Each text is a direction drawn by its characters; both languages of a pair are one."""

    model_id = "words"
    dim = D
    image_size = 32
    logit_scale = 50.0
    languages = ()

    def __init__(self) -> None:
        self.asked = 0

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += len(texts)
        return np.stack([direction(ENGLISH.get(text, text)) for text in texts])

    def encode_images(self, images):
        raise NotImplementedError


class Matrix:
    """An index of given vectors."""

    model_id = "words"

    def __init__(self, folder: Path, vectors: np.ndarray) -> None:
        self.path = folder / "words.npy"
        self.ids = np.arange(1, len(vectors) + 1)
        self.vectors = vectors

    def snapshot(self):
        return self.ids, self.vectors


def direction(text: str) -> np.ndarray:
    seed = int.from_bytes(text.encode()[-16:], "big")
    return unit(np.random.default_rng(seed).standard_normal(D))


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def photos_of(*texts: str, seed: int = 0) -> np.ndarray:
    """(n, D): one photo of each text, half of it noise."""
    noise = unit(np.random.default_rng(seed).standard_normal((len(texts), D)))
    return unit(np.stack([direction(text) for text in texts]) + 0.7 * noise)


@pytest.fixture
def album(tmp_path):
    def of(vectors: np.ndarray) -> tuple[ScoreCalibrator, Matrix]:
        index = Matrix(tmp_path, vectors)
        return ScoreCalibrator(Words(), index, tmp_path), index

    return of


def evidence_of(relevance: ScoreCalibrator, index: Matrix, text: str) -> np.ndarray:
    query = direction(ENGLISH.get(text, text))
    return relevance.evidence(query, index.vectors @ query, "text", text)


ENGLISH = {korean: english for english, korean in EVERYDAY_WORDS}
SHOWN = [english for english, _ in EVERYDAY_WORDS[::7]]


def test_what_is_there_is_found_and_what_is_not_there_is_not(album):
    relevance, index = album(photos_of(*SHOWN))

    for row, text in enumerate(SHOWN[:20]):
        evidence = evidence_of(relevance, index, text)
        assert evidence.argmax() == row
        assert np.flatnonzero(evidence >= MAYBE).tolist() == [row]
    for text, _ in EVERYDAY_WORDS[1::7][:20]:
        assert (evidence_of(relevance, index, text) < MAYBE).all(), text


def test_korean_words_are_compared_with_korean_words(album):
    relevance, index = album(photos_of(*SHOWN))
    korean = dict(EVERYDAY_WORDS)
    text = korean[SHOWN[3]]
    english = np.tile(index.vectors[3], (len(EVERYDAY_WORDS), 1))  # "all fit this photo"
    relevance.background.words["en"] = english

    evidence = evidence_of(relevance, index, text)

    assert HANGUL.search(text)
    assert np.flatnonzero(evidence >= MAYBE).tolist() == [3]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_tiny_album_says_what_it_has_and_what_it_has_not(album, n):
    relevance, index = album(photos_of(*SHOWN[:n]))

    assert evidence_of(relevance, index, SHOWN[0])[0] >= MAYBE
    assert (evidence_of(relevance, index, "giraffe") < MAYBE).all()


def test_half_of_an_album_can_be_relevant(album):
    dogs = ["dog"] * 60
    relevance, index = album(photos_of(*dogs, *SHOWN[10:70]))

    evidence = evidence_of(relevance, index, "dog")

    assert (evidence[:60] >= MAYBE).mean() > 0.9
    assert (evidence[60:] < MAYBE).all()


def test_a_photo_that_fits_every_word_is_no_hit_for_any(tmp_path):
    axis = direction("what all words have in common")

    class Cone(Words):
        def encode_texts(self, texts):
            return unit(super().encode_texts(texts) + 0.6 * axis)

    encoder = Cone()
    index = Matrix(tmp_path, np.vstack([photos_of(*SHOWN), axis]))
    relevance = ScoreCalibrator(encoder, index, tmp_path)

    for text, _ in EVERYDAY_WORDS[1::7][:20]:
        query = encoder.encode_texts([text])[0]
        cosines = index.vectors @ query
        assert cosines.argmax() == len(SHOWN)
        assert relevance.evidence(query, cosines, "text", text)[-1] < MAYBE


def test_equal_photos_get_equal_evidence(album):
    vectors = np.repeat(photos_of("dog", "sea"), 6, axis=0)
    relevance, index = album(vectors)

    evidence = evidence_of(relevance, index, "dog")

    assert len(set(evidence[:6].tolist())) == 1
    assert evidence[0] >= MAYBE > evidence[6]


def test_all_photos_equal_is_no_reason_to_fail(album):
    relevance, index = album(np.repeat(photos_of("dog"), 50, axis=0))

    assert (evidence_of(relevance, index, "dog") >= MAYBE).all()
    assert (evidence_of(relevance, index, "sea") < MAYBE).all()


@pytest.mark.parametrize("kind", ["text", "picture"])
def test_rows_of_zeros_and_broken_scores_never_become_nan(album, kind):
    vectors = photos_of(*SHOWN[:9])
    vectors[4] = 0
    relevance, index = album(vectors)
    query = direction("dog")
    scores = index.vectors @ query
    scores[2] = np.nan

    evidence = relevance.evidence(query, scores, kind, "dog")

    assert evidence.dtype == np.float32
    assert np.isfinite(evidence).all()
    assert relevance.evidence(query, scores[:0], kind, "dog").shape == (0,)


def test_a_better_cosine_is_never_less_evidence_for_photos_of_one_background(album):
    relevance, _ = album(np.repeat(photos_of("dog"), 40, axis=0))
    scores = np.linspace(-0.2, 0.6, 40, dtype=np.float32)

    for kind in ("text", "picture"):
        assert (np.diff(relevance.evidence(direction("sea"), scores, kind, "sea")) >= 0).all()


def test_what_chance_finds_among_more_photos_is_not_relevant():
    rng = np.random.default_rng(0)
    for n in (5, 100, 10_000, 1_000_000):
        noise = rng.standard_normal(n).astype(np.float32) - np.float32(0.5)
        assert noise.max() < cut(noise)
    few = np.append(noise, np.float32([9.0] * 8))
    assert np.flatnonzero(few >= cut(few)).tolist() == list(range(n, n + 8))


def test_a_picture_of_the_same_is_sure_and_an_unrelated_one_is_not(album):
    vectors = photos_of(*SHOWN)
    relevance, _ = album(vectors)
    almost = unit(vectors[7] + 0.1 * unit(np.random.default_rng(1).standard_normal(D)))

    evidence = relevance.evidence(almost, vectors @ almost, "picture")

    assert evidence[7] >= SURE
    assert (np.delete(evidence, 7) < MAYBE).all()


def test_unwanted_photos_are_vetoed_and_doubtful_ones_lose(album):
    vectors = photos_of("dog", "cat", *SHOWN[20:60])
    relevance, _ = album(vectors)
    query = direction("cat")

    shows = relevance.shows(query, vectors @ query, text="cat")
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


def slow_evidence(
    relevance: ScoreCalibrator, vectors: np.ndarray, query, korean: float
) -> np.ndarray:
    """(n,) of one class, asked of an album of these photos alone."""
    parts = []
    for share, language in ((1 - korean, "en"), (korean, "ko")):
        words = relevance.background.words[language].astype(np.float64)
        cosines = vectors @ words.T
        mean, spread = cosines.mean(axis=1), cosines.std(axis=1)
        level = mean + spread * np.log(np.exp((cosines - mean[:, None]) / spread[:, None]).mean(1))
        means = words @ words.mean(axis=0)
        general = 0.2 * np.clip((query @ words.mean(axis=0) - means.mean()) / means.std(), -3, 3)
        parts.append(share * np.stack(np.broadcast_arrays(level, np.median(spread), general)))
    level, spread, general = sum(parts)
    x = (vectors @ query - level) / spread + general
    return 1.5 * (x - cut(x.astype(np.float32)))


@pytest.mark.parametrize(("block", "best_each"), [(16_384, 1_000), (11, 25)])
def test_classes_are_judged_as_one_query_after_the_other_would_be(
    tmp_path, monkeypatch, block, best_each
):
    monkeypatch.setattr("album.encoding.score_calibration.BLOCK_ROWS", block)
    monkeypatch.setattr("album.encoding.score_calibration.BEST_EACH", best_each)
    axis = direction("what Korean has in common")
    vectors = unit(photos_of(*SHOWN) + np.linspace(0, 1, len(SHOWN))[:, None] * axis)
    encoder, index = TwoTongues(), Matrix(tmp_path, vectors)
    relevance = ScoreCalibrator(encoder, index, tmp_path)
    queries = encoder.encode_texts(["dog", "바다", "house"])
    korean = np.float32([0, 1, 0.25])
    told: list[tuple[int, int]] = []

    classes = relevance.of_classes(queries, korean, lambda *it: told.append(it))

    rows = np.arange(len(vectors))
    for c, query in enumerate(queries):
        found = classes.of_rows(rows, vectors, np.full(len(rows), c))
        assert found == pytest.approx(slow_evidence(relevance, vectors, query, korean[c]), abs=2e-3)
        assert found.dtype == np.float32
    assert told[-1] == (len(vectors), len(vectors))
    assert len(told) == -(-len(vectors) // block)


@pytest.mark.parametrize("n", [0, 1, 6, len(SHOWN)])
@pytest.mark.parametrize("best_each", [1_000, 2])
def test_another_picture_is_judged_as_one_more_photo_of_the_album(
    tmp_path, monkeypatch, n, best_each
):
    monkeypatch.setattr("album.encoding.score_calibration.BEST_EACH", best_each)
    monkeypatch.setattr("album.encoding.score_calibration.BEST_MOST", 3)
    vectors = photos_of(*SHOWN[:n]) if n else np.empty((0, D), np.float32)
    encoder = TwoTongues()
    relevance = ScoreCalibrator(encoder, Matrix(tmp_path, vectors), tmp_path)
    queries = encoder.encode_texts(["giraffe", "바다"])
    korean = np.float32([0, 1])
    others = photos_of("giraffe", "바다", "sofa", seed=5)
    classes = relevance.of_classes(queries, korean)

    for c in (0, 1):
        found = classes.of_others(others, np.full(3, c))
        for row, other in enumerate(others):
            with_it = np.vstack([vectors, other])
            expected = slow_evidence(relevance, with_it, queries[c], korean[c])[-1]
            # Its own spread counts in the median there, and not here; and k may be one more.
            assert found[row] == pytest.approx(expected, rel=0.25, abs=0.5)
            assert (found[row] >= MAYBE) == (expected >= MAYBE)


# The background


def test_levels_are_those_of_the_slow_obvious_way():
    cosines = np.random.default_rng(0).normal(0.2, 0.05, (20, 500)).astype(np.float32)
    mean, spread = cosines.mean(1), cosines.std(1)
    slow = mean + spread * np.log(np.exp((cosines - mean[:, None]) / spread[:, None]).mean(1))

    level, scatter = _level(cosines.copy())

    assert np.allclose(level, slow, atol=1e-5)
    assert np.allclose(scatter, spread, atol=1e-6)


def test_the_background_is_kept_beside_the_matrix_and_grows_with_it(tmp_path):
    vectors = photos_of(*SHOWN * 4)
    index = Matrix(tmp_path, vectors[:200])
    first = QueryBank(Words(), index, tmp_path)
    levels = first.levels("en", 200)
    (file,) = tmp_path.glob("words.background.*.npy")

    assert np.load(file).shape == (200, 6)
    assert np.load(file).dtype == np.float32
    index.ids, index.vectors = np.arange(1, 261), vectors[:260]
    again = QueryBank(Words(), index, tmp_path)
    asked = []
    ask = again._ask
    again._ask = lambda rows: asked.append(len(rows)) or ask(rows)  # type: ignore[method-assign]
    grown = again.levels("en", 260)

    assert asked == [60 + ASKED_AGAIN]
    assert np.allclose(grown.level[:200], levels.level, atol=1e-6)
    assert np.load(file).shape == (260, 6)


@pytest.mark.parametrize("damage", [b"", b"not an array", "fewer"])
def test_the_everyday_words_are_encoded_once_for_a_model(tmp_path, damage):
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


def test_who_judges_the_same_photos_shares_their_background(tmp_path):
    encoder, index = Words(), Matrix(tmp_path, photos_of(*SHOWN))

    first, second = (ScoreCalibrator(encoder, index, tmp_path) for _ in range(2))
    other = ScoreCalibrator(encoder, Matrix(tmp_path, photos_of(*SHOWN[:5])), tmp_path)

    assert first.background is second.background
    assert other.background is not first.background


def test_photos_that_were_removed_take_their_background_along(tmp_path):
    vectors = photos_of(*SHOWN)
    index = Matrix(tmp_path, vectors)
    background = QueryBank(Words(), index, tmp_path)
    before = background.levels("ko", len(vectors)).level

    index.ids, index.vectors = np.delete(index.ids, 3), np.delete(vectors, 3, axis=0)
    after = background.levels("ko", len(vectors) - 1).level
    fresh = QueryBank(Words(), index, tmp_path).levels("ko", len(vectors) - 1).level

    assert np.allclose(after, np.delete(before, 3), atol=1e-6)
    assert np.allclose(fresh, after, atol=1e-6)


@pytest.mark.parametrize("harm", ["cut", "other shape", "NaN", "other words"])
def test_a_file_that_cannot_be_used_is_made_again(tmp_path, harm, monkeypatch):
    index = Matrix(tmp_path, photos_of(*SHOWN * 3))
    right = QueryBank(Words(), index, tmp_path).levels("en", 3 * len(SHOWN)).level
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
        monkeypatch.setattr("album.encoding.query_background.EVERYDAY_WORDS", EVERYDAY_WORDS[:100])

    again = QueryBank(Words(), index, tmp_path).levels("en", 3 * len(SHOWN)).level

    assert len(list(tmp_path.glob("words.background.*.npy"))) == 1
    assert np.isfinite(again).all()
    assert np.allclose(again, right, atol=1e-6) == (harm != "other words")
    assert np.allclose(again[0], right[0], atol=1e-6) == (harm != "other words")


def test_rows_that_are_being_added_count_as_usual_photos(tmp_path):
    index = Matrix(tmp_path, photos_of(*SHOWN))
    background = QueryBank(Words(), index, tmp_path)
    n = len(SHOWN)

    right, more, fewer = (background.levels("en", number) for number in (n, n + 2, n - 2))

    assert np.array_equal(more.level[:n], right.level)
    assert (more.level[n:] == np.median(more.level[:n])).all()
    assert np.array_equal(fewer.level, more.level[: n - 2])


def test_an_encoder_that_knows_no_everyday_word_still_finds_by_its_own(tmp_path):
    encoder = FakeEncoder()
    names = ("red", "green", "blue", "yellow", "black")
    index = Matrix(tmp_path, encoder.encode_texts(names))
    relevance = ScoreCalibrator(encoder, index, tmp_path)

    for row, name in enumerate(names):
        query = encoder.encode_texts([name])[0]
        evidence = relevance.evidence(query, index.vectors @ query, "text", name)
        assert evidence.argmax() == row
        assert np.isfinite(evidence).all()


def test_everyday_words_are_short_and_each_stands_once():
    assert 400 <= len(EVERYDAY_WORDS) <= 600
    for column in (0, 1):
        words = [pair[column] for pair in EVERYDAY_WORDS]
        assert len(set(words)) == len(words)
        assert all(word == word.strip() and 0 < len(word) <= 24 for word in words)
    assert all(HANGUL.search(korean) and english.isascii() for english, korean in EVERYDAY_WORDS)


# Fusion with what is written


def fused(evidence, text_ids=(), coverage=()):
    return fuse(
        np.array(evidence, np.float32),
        np.arange(10, 10 + len(evidence)),
        np.array(text_ids, np.int64),
        np.array(coverage, np.float32),
    )


def test_all_the_words_make_sure_and_outweigh_no_sure_look():
    evidence, _ = fused([3.0, 0.2, -8.0, -0.5], [12, 11], [1.0, 1.0])

    assert evidence[0] == 3
    assert evidence[1] > evidence[2] == WRITTEN >= MAYBE
    assert evidence[3] == np.float32(-0.5)


def test_some_of_the_words_help_only_what_was_near_already():
    evidence, _ = fused([-0.4, -0.4, -5.0], [10, 12], [0.6, 0.6])

    assert evidence[0] >= MAYBE > evidence[1]
    assert evidence[2] == -5


def test_photos_found_by_their_texts_alone_stand_in_the_order_of_these():
    evidence, points = fused([-9, -9, -9, -9], [13, 11, 10], [1.0, 1.0, 1.0])

    order = np.lexsort((-points, -evidence))

    assert order.tolist() == [3, 1, 0, 2]


def test_texts_of_photos_outside_the_index_are_passed_over():
    evidence, points = fused([1.0, 0.5], [99, 10, 3], [1.0, 1.0, 1.0])
    nothing, _ = fused([1.0, 0.5])

    assert evidence.tolist() == [2.5, 0.5]
    assert nothing.tolist() == [1.0, 0.5]
    assert points.dtype == evidence.dtype == np.float32
    assert fused([])[0].shape == (0,)
    assert fused([], [3], [1.0])[1].shape == (0,)


def test_ranks_are_those_of_a_sort():
    evidence = np.random.default_rng(0).integers(0, 4000, 2 * RANKED).astype(np.float32)
    slow = np.array([(evidence > value).sum() + 1 for value in evidence[:50]])

    places = ranks(evidence)

    assert np.array_equal(places[:50], np.minimum(slow, RANKED + 1))
    assert ranks(np.zeros(3, np.float32)).tolist() == [1, 1, 1]
