"""Every photo has a place near what it is like, and none lies on another."""

from __future__ import annotations

import numpy as np
import pytest

from album.organizing import map_layout
from album.organizing.clustering import flat_positions
from album.organizing.map_layout import SCALE, MapLayout
from tests.support.themes import photos_of_words

WORDS = ["dog", "car", "mountain", "cake", "bridge", "flower"]


@pytest.fixture(scope="module")
def layout():
    landmarks, _ = photos_of_words(WORDS, 12)
    return MapLayout(landmarks.astype(np.float16), flat_positions(landmarks, landmarks[::12]))


def test_photos_are_placed_among_their_like(layout):
    vectors, truth = photos_of_words(WORDS, 50, seed=3)
    _, of_landmarks = photos_of_words(WORDS, 12)

    places = layout.place(np.arange(len(vectors)), vectors) / SCALE

    far = np.linalg.norm(places[:, None] - layout.positions[None], axis=2)
    assert np.mean(of_landmarks[far.argmin(axis=1)] == truth) > 0.9


def test_no_photo_lies_on_another(layout):
    """Not even copies of one photo do."""
    vectors = np.repeat(photos_of_words(WORDS, 1)[0], 50, axis=0)

    places = layout.place(np.arange(1, len(vectors) + 1), vectors)

    assert len(np.unique(places, axis=0)) == len(places)


def test_place_depends_on_nothing_else(layout, monkeypatch):
    vectors, _ = photos_of_words(WORDS, 10, seed=4)
    ids = np.arange(100, 160)
    together = layout.place(ids, vectors)
    monkeypatch.setattr(map_layout, "BLOCK_ROWS", 7)

    np.testing.assert_array_equal(layout.place(ids, vectors), together)
    np.testing.assert_array_equal(layout.place(ids[20:21], vectors[20:21]), together[20:21])


@pytest.mark.parametrize("landmarks", [0, 1, 2])
def test_few_landmarks_are_enough(landmarks):
    vectors, _ = photos_of_words(WORDS, 2)
    layout = MapLayout(
        vectors[:landmarks].astype(np.float16),
        flat_positions(vectors[:landmarks], vectors[:1]).reshape(-1, 2),
    )

    places = layout.place(np.arange(len(vectors)), vectors)

    assert places.shape == (len(vectors), 2)


def test_broken_vector_has_a_place(layout):
    vectors, _ = photos_of_words(WORDS, 1)
    vectors[0] = np.nan

    assert layout.place(np.arange(len(vectors)), vectors).shape == (len(vectors), 2)
