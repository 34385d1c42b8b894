"""Themes are named by the words that most of their photos show, or honestly by none."""

from __future__ import annotations

import numpy as np
import pytest

from album.encoding.score_calibration import ScoreCalibrator
from album.organizing.theme_names import ThemeName, name_themes
from models.prompts import EVERYDAY_WORDS
from tests.support.embeddings import Matrix, Words, unit
from tests.support.themes import photos_of_words

WORDS = ["dog", "car", "mountain", "cake", "bridge", "flower"]
KOREAN = dict(EVERYDAY_WORDS)


def named(tmp_path, vectors, truth, k, **options) -> list[ThemeName]:
    calibrator = ScoreCalibrator(Words(), Matrix(tmp_path, vectors), tmp_path)
    labels = np.asarray(truth, np.uint8)
    return name_themes(calibrator, labels, k, options.get("reads_korean", True))


@pytest.mark.parametrize("reads_korean", [True, False])
def test_theme_has_the_word_of_its_photos(tmp_path, reads_korean):
    vectors, truth = photos_of_words(WORDS, 40)

    names = named(tmp_path, vectors, truth, len(WORDS), reads_korean=reads_korean)

    assert [name.in_language("en")[0] for name in names] == WORDS
    assert [name.in_language("ko")[0] for name in names] == [KOREAN[word] for word in WORDS]
    assert not any(name.guesses for name in names)


def test_theme_of_two_things_has_two_words(tmp_path):
    vectors, truth = photos_of_words(WORDS, 40)
    snow, _ = photos_of_words(["snow"], 40, seed=5)
    vectors[truth == 0] = unit(vectors[truth == 0] + snow)

    names = named(tmp_path, vectors, truth, len(WORDS))

    assert sorted(names[0].in_language("en")) == ["dog", "snow"]


def test_word_names_one_theme_only(tmp_path):
    """Two themes show dogs: the second has another name, or none that is sure."""
    vectors, truth = photos_of_words([*WORDS, "dog"], 40)

    names = named(tmp_path, vectors, truth, len(WORDS) + 1)

    words = [word for name in names for word in (*name.words, *name.guesses)]
    assert len(words) == len(set(words))
    assert sum("dog" in name.in_language("en") for name in names) == 1


def test_theme_without_a_word_says_so(tmp_path):
    vectors, truth = photos_of_words(WORDS, 40)
    strays = unit(np.random.default_rng(9).standard_normal((40, vectors.shape[1])))
    vectors = np.concatenate([vectors, strays])
    truth = np.append(truth, np.full(40, len(WORDS)))

    names = named(tmp_path, vectors, truth, len(WORDS) + 1)

    assert names[-1].words == ()
    assert len(names[-1].guesses) <= 3
    assert all(name.words for name in names[:-1])


def test_mixed_theme_has_guesses_only(tmp_path):
    """A third of its photos shows each of three things."""
    vectors, truth = photos_of_words([*WORDS, "boat", "cat", "hat"], 30)
    truth = np.minimum(truth, len(WORDS))

    names = named(tmp_path, vectors, truth, len(WORDS) + 1)

    assert names[-1].words == ()
    assert set(names[-1].in_language("en")) <= {"boat", "cat", "hat"}
    assert names[-1].guesses


def test_empty_theme_has_no_name(tmp_path):
    vectors, truth = photos_of_words(WORDS, 20)

    assert named(tmp_path, vectors, truth, len(WORDS) + 1)[-1] == ThemeName()
