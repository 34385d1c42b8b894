"""Themes are found where they are, the same ones each time, and duplicates make none."""

from __future__ import annotations

import numpy as np
import pytest

from album.organizing import clustering
from album.organizing.clustering import ALIKE, cluster, flat_positions, nearest_centre, theme_count
from tests.support.embeddings import unit
from tests.support.themes import photos_of_words

WORDS = ["dog", "car", "mountain", "cake", "bridge", "flower", "bird", "book", "train", "cat",
         "hat", "snow"]  # fmt: skip


def purity(labels, truth) -> float:
    """Share of photos whose theme is mostly of their word."""
    most = sum(np.bincount(truth[labels == one]).max() for one in np.unique(labels))
    return most / len(truth)


@pytest.mark.parametrize(
    ("photos", "themes"), [(60, 6), (120, 12), (400, 12), (3_000, 21), (20_000, 30), (10**6, 30)]
)
def test_number_of_themes_grows_with_the_album(photos, themes):
    assert theme_count(photos) == themes


def test_themes_are_those_that_are_there():
    vectors, truth = photos_of_words(WORDS, 40)

    clusters = cluster(vectors)

    labels, distances = nearest_centre(vectors, clusters.centres)
    assert len(clusters.centres) == theme_count(len(vectors))
    assert purity(labels, truth) > 0.95
    assert distances.min() >= 0
    sizes = np.bincount(labels)
    assert sizes.tolist() == sorted(sizes.tolist(), reverse=True)


def test_same_album_has_the_same_themes():
    vectors, _ = photos_of_words(WORDS, 20)

    first, second = cluster(vectors), cluster(vectors)

    np.testing.assert_allclose(first.centres, second.centres, atol=1e-5)
    np.testing.assert_array_equal(first.landmarks, second.landmarks)


def test_burst_makes_no_theme_of_its_own():
    """Half of the album is one photo taken a hundred times."""
    vectors, _ = photos_of_words(WORDS, 10)
    rng = np.random.default_rng(1)
    burst = unit(vectors[0] + 0.02 * rng.standard_normal((120, vectors.shape[1])))
    assert (burst @ burst.T).min() > ALIKE

    clusters = cluster(np.concatenate([vectors, burst]))

    labels, _ = nearest_centre(vectors, clusters.centres)
    of_burst, _ = nearest_centre(burst, clusters.centres)
    assert len(np.unique(of_burst)) == 1
    assert of_burst[0] in labels[1:10]  # other dogs are with it
    assert len(clusters.landmarks) <= len(vectors) + 1


def test_copies_of_one_photo_are_one_theme():
    vectors = np.repeat(photos_of_words(["dog"], 1)[0], 80, axis=0)

    clusters = cluster(vectors)

    assert clusters.centres.shape == (1, vectors.shape[1])
    assert clusters.landmarks.tolist() == [0]


def test_broken_vector_spoils_no_theme():
    vectors, truth = photos_of_words(WORDS, 20)
    vectors[7] = np.nan

    clusters = cluster(vectors)

    labels, distances = nearest_centre(vectors, clusters.centres)
    assert np.isfinite(clusters.centres).all()
    assert np.isfinite(distances).all()
    assert purity(labels, truth) > 0.9


def test_large_album_is_sampled(monkeypatch):
    monkeypatch.setattr(clustering, "SAMPLED", 100)
    vectors, truth = photos_of_words(WORDS, 50)

    clusters = cluster(vectors)

    labels, _ = nearest_centre(vectors, clusters.centres)
    assert purity(labels, truth) > 0.7
    assert len(clusters.landmarks) <= 100


def test_assignment_equals_the_plain_one(monkeypatch):
    monkeypatch.setattr(clustering, "BLOCK_ROWS", 7)
    vectors, _ = photos_of_words(WORDS, 3)
    centres = vectors[::5].copy()

    labels, distances = nearest_centre(vectors, centres)

    plain = ((vectors[:, None] - centres[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(labels, plain.argmin(axis=1))
    np.testing.assert_allclose(distances, plain.min(axis=1), atol=1e-5)


@pytest.mark.parametrize("photos", [1, 2, 4, 5, 36])
def test_positions_are_in_the_map(photos):
    vectors, _ = photos_of_words(WORDS, 3)

    positions = flat_positions(vectors[:photos], vectors[:3])

    assert positions.shape == (photos, 2)
    assert positions.min() >= 0
    assert positions.max() <= 1


def test_like_photos_lie_together_on_the_map():
    vectors, truth = photos_of_words(WORDS, 20)

    positions = flat_positions(vectors, cluster(vectors).centres)

    far = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    np.fill_diagonal(far, np.inf)
    assert np.mean(truth[far.argmin(axis=1)] == truth) > 0.95
