"""The album adds no error of its own to what the model sees."""

from __future__ import annotations

import pytest

from tests.benchmarks.precision import LABELLED, LANGUAGES, POINTS, precision, precisions


@pytest.fixture(scope="module")
def measured() -> dict[str, tuple[float, float]]:
    if not LABELLED.is_dir():
        pytest.skip("no labelled photos beside this checkout")
    return precisions()


@pytest.mark.parametrize("language", LANGUAGES)
def test_album_finds_as_well_as_plain_open_clip(measured, language):
    ours, plain = measured[language]

    assert plain > 10  # chance is about 3: the plain way itself works
    assert ours >= plain - POINTS


def test_precision_counts_at_most_ten_photos():
    ranks = [[f"{n}.jpg" for n in range(20)]] * 2

    assert precision(ranks[:1], [{"0.jpg", "5.jpg"}]) == 50  # the second place is wrong
    assert precision(ranks[:1], [{f"{n}.jpg" for n in range(5, 30)}]) == 50
    assert precision(ranks, [{"0.jpg"}, {"1.jpg"}]) == 50
