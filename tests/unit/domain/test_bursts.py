"""Photos of one moment: found by time and look, shown as one."""

from __future__ import annotations

import itertools

import numpy as np

from album.domain.bursts import ALIKE, GAP_MS, bursts_of, first_of_each


def looks(*angles: float) -> np.ndarray:
    """(n, 2) unit vectors; the cosine of two is that of the angle between them."""
    return np.array([[np.cos(it), np.sin(it)] for it in angles], dtype=np.float32)


def groups(bursts: np.ndarray) -> list[list[int]]:
    return [np.flatnonzero(bursts == first).tolist() for first in np.unique(bursts)]


APART = float(np.arccos(ALIKE)) + 0.01
NEAR = float(np.arccos(ALIKE)) - 0.01


def test_similar_photos_seconds_apart_form_a_burst():
    times = np.array([0, GAP_MS, 2 * GAP_MS, 3 * GAP_MS + 1])

    found = bursts_of(times, np.ones(4, bool), looks(0, 0, 0, 0))

    assert groups(found) == [[0, 1, 2], [3]]


def test_what_looks_otherwise_is_no_burst_however_quick():
    assert groups(bursts_of(np.zeros(2, np.int64), np.ones(2, bool), looks(0, APART))) == [[0], [1]]


def test_a_series_may_drift_from_neighbour_to_neighbour():
    found = bursts_of(np.array([0, 1, 2]), np.ones(3, bool), looks(0, NEAR, 2 * NEAR))

    assert groups(found) == [[0, 1, 2]]


def test_the_order_of_the_rows_does_not_matter():
    times = np.array([9_000_000, 1000, 9_001_000, 0])

    found = bursts_of(times, np.ones(4, bool), looks(1, 0, 1, 0))

    assert groups(found) == [[0, 2], [1, 3]]
    assert found[0] == 0  # named after its first photo in time
    assert found[1] == 3


def test_file_time_forms_no_burst():
    times = np.array([0, 1000, 500, 0])
    known = np.array([True, True, False, False])

    assert groups(bursts_of(times, known, looks(0, 0, 0, 0))) == [[0, 1], [2], [3]]


def test_an_album_of_no_photo_has_no_burst():
    none = np.empty(0, np.int64)

    assert len(bursts_of(none, np.empty(0, bool), np.empty((0, 4), np.float32))) == 0


def test_first_photo_represents_its_burst():
    bursts = np.array([0, 0, 2, 0, 4, 4])
    rows = np.array([4, 1, 2, 0, 5])

    kept, counts = first_of_each(rows, bursts)

    assert rows[kept].tolist() == [4, 1, 2]
    assert counts.tolist() == [2, 2, 1]


def test_bursts_match_slow_reference():
    rng = np.random.default_rng(4)
    times = rng.integers(0, 300_000, 400)
    known = rng.random(400) < 0.8
    matrix = looks(*rng.uniform(0, 1, 400))

    found = bursts_of(times, known, matrix)

    order = [row for row in np.argsort(times, kind="stable") if known[row]]
    expected = np.arange(400)
    for before, row in itertools.pairwise(order):
        if times[row] - times[before] <= GAP_MS and matrix[row] @ matrix[before] >= ALIKE:
            expected[row] = expected[before]
    assert found.tolist() == expected.tolist()
