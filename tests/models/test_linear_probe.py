"""A label out of examples, from one photo to thousands."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.classifiers.linear_probe import _cut, fit_probe
from models.interfaces import Proportion

D = 32
NONE = np.zeros((0, D), np.float32)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def photos(n: int, topic: int | None = None, seed: int = 0, cone=0.0, clear=8.0) -> np.ndarray:
    """(n, D) unit rows: noise, with a share of one topic; `cone` is what all photos have."""
    rows = np.random.default_rng([seed, 99 if topic is None else topic]).normal(size=(n, D))
    if topic is not None:
        rows[:, topic] += clear
    rows[:, -1] += cone
    return unit(rows)


def words(topic: int) -> np.ndarray:
    return np.eye(D, dtype=np.float32)[topic]


def found(fitted, rows) -> float:
    """Share of the rows that get the label."""
    return float((fitted.probe.probabilities(rows) >= fitted.threshold).mean())


ALBUM = np.concatenate([photos(300), photos(30, topic=1), photos(30, topic=2)])


def test_one_example_separates_similar_photos_from_others():
    fitted = fit_probe(photos(1, topic=1, seed=5), NONE, ALBUM)

    assert found(fitted, photos(50, topic=1, seed=6)) > 0.5
    assert found(fitted, photos(50, topic=2, seed=6)) == 0
    assert found(fitted, photos(300, seed=6)) < 0.05
    assert fitted.precision is None
    assert fitted.recall is None


def test_words_alone_find_photos():
    fitted = fit_probe(NONE, NONE, ALBUM, words(1))

    assert found(fitted, photos(50, topic=1, seed=6)) > 0.9
    assert found(fitted, photos(300, seed=6)) < 0.05


def test_text_and_negatives_are_enough():
    both = unit(photos(40, topic=1) + photos(40, topic=2, seed=3))

    fitted = fit_probe(NONE, both[:20], np.concatenate([ALBUM, both[20:]]), words(1))

    assert found(fitted, photos(50, topic=1, seed=6)) > 0.8
    assert found(fitted, both) < found(fit_probe(NONE, NONE, ALBUM, words(1)), both)


def test_words_help_where_one_example_says_too_little():
    odd = unit(photos(1, topic=1, seed=5) + photos(1, topic=2, seed=5))
    right, wrong = photos(50, topic=1, seed=6), photos(50, topic=2, seed=6)

    alone = fit_probe(odd, NONE, ALBUM).probe
    helped = fit_probe(odd, NONE, ALBUM, words(1)).probe

    def lead(probe):
        return probe.probabilities(right).mean() - probe.probabilities(wrong).mean()

    assert lead(helped) > lead(alone) + 0.3


def test_words_that_fit_no_example_are_unlearned():
    right, misnamed = photos(50, topic=1, seed=6), photos(50, topic=2, seed=6)

    def share(examples, of):
        probe = fit_probe(photos(examples, topic=1, seed=5), NONE, ALBUM, words(2)).probe
        return float(probe.probabilities(of).mean())

    assert share(1, misnamed) > share(5, misnamed) > share(40, misnamed)
    assert share(40, misnamed) < 0.1
    assert share(40, right) > 0.6


def test_few_examples_give_nearest_class_mean():
    p = photos(3, topic=1, seed=5)

    line = fit_probe(p, NONE, ALBUM).probe.weights

    toward = p.mean(axis=0) - ALBUM.mean(axis=0)
    assert line @ toward / np.linalg.norm(line) / np.linalg.norm(toward) > 0.95


def test_many_examples_separate_what_class_means_cannot():
    """The classes differ in a weak direction, beside which a strong one is noise."""

    def make(n, side, seed):
        rows = np.random.default_rng([seed, side + 1]).normal(size=(n, D)) * 0.3
        rows[:, 0] = np.random.default_rng([seed, side + 1, 1]).normal(size=n) * 5 + 2 * side
        rows[:, 1] = side
        return unit(rows)

    p, q = make(2000, 1, 0), make(2000, -1, 0)
    fitted = fit_probe(p, q, NONE)

    def mistakes(score):
        return float((score(make(500, 1, 1)) < 0).mean() + (score(make(500, -1, 1)) >= 0).mean())

    centre = (p.mean(axis=0) + q.mean(axis=0)) / 2
    by_means = mistakes(lambda rows: (rows - centre) @ (p.mean(axis=0) - q.mean(axis=0)))
    assert mistakes(lambda rows: fitted.probe.probabilities(rows) - 0.5) < by_means / 2


def test_negative_example_excludes_similar_photos():
    between = unit(photos(20, topic=1, seed=5) + photos(20, topic=2, seed=5))
    p = photos(3, topic=1, seed=7)

    before = fit_probe(p, NONE, ALBUM).probe.probabilities(between[5:]).mean()
    after = fit_probe(p, between[:5], ALBUM).probe.probabilities(between[5:]).mean()

    assert after < before / 2


@pytest.mark.parametrize("examples", [1, 6])
def test_probe_is_equal_for_a_narrow_cone(examples):
    def shares(cone):
        album = np.concatenate([photos(300, cone=cone), photos(30, topic=1, cone=cone)])
        fitted = fit_probe(photos(examples, topic=1, seed=5, cone=cone), NONE, album)
        return [
            found(fitted, photos(200, topic=topic, seed=6, cone=cone)) for topic in (1, 2, None)
        ]

    assert shares(60.0) == pytest.approx(shares(0.0), abs=0.1)
    assert photos(2, cone=60.0)[0] @ photos(2, cone=60.0)[1] > 0.98


def test_the_same_examples_give_the_same_answer():
    q = photos(4, topic=2, seed=8)
    first, again = (
        fit_probe(photos(5, topic=1, seed=5), q, ALBUM, words(1)).probe.probabilities(ALBUM)
        for _ in range(2)
    )

    assert np.array_equal(first, again)


@pytest.mark.parametrize(
    ("p", "q", "u", "text"),
    [
        (photos(3, topic=1), NONE, NONE, None),  # the whole album has it
        (photos(1, topic=1), NONE, NONE, words(1)),
        (photos(1, topic=1), photos(1, topic=2), NONE, None),
        (photos(1, topic=1), photos(1, topic=1), NONE, None),  # contradictory
        (photos(6, topic=1), photos(6, topic=1), photos(20), words(1)),  # and often so
        (photos(1, topic=1), NONE, photos(4), None),
        (np.repeat(photos(1), 5, axis=0), NONE, np.repeat(photos(1), 9, axis=0), words(1)),
        (NONE, photos(1, topic=2), NONE, words(1)),
    ],
)
def test_probabilities_are_finite_for_few_or_odd_examples(p, q, u, text):
    fitted = fit_probe(p, q, u, text)

    shares = fitted.probe.probabilities(ALBUM)
    assert shares.shape == (len(ALBUM),)
    assert shares.dtype == np.float32
    assert ((shares >= 0) & (shares <= 1)).all()


def test_one_example_finds_its_kind_among_five_photos():
    two, three = photos(2, topic=1, clear=30), photos(3, topic=2, clear=30)

    fitted = fit_probe(two[:1], NONE, np.concatenate([two[1:], three]))

    assert found(fitted, two) == 1
    assert found(fitted, three) == 0


def test_neither_examples_nor_words_is_refused():
    with pytest.raises(ValueError, match="example or words"):
        fit_probe(NONE, photos(3), ALBUM)


def test_precision_and_recall_need_four_examples_each():
    p, q = photos(4, topic=1, seed=5), photos(4, topic=2, seed=5)

    assert fit_probe(p[:3], q, ALBUM).recall is None
    assert fit_probe(p, NONE, ALBUM).recall is not None
    assert fit_probe(p, q[:3], ALBUM).precision is None
    measured = fit_probe(p, q, ALBUM)
    for estimate in (measured.precision, measured.recall):
        assert estimate is not None
        assert 0 <= estimate.low < estimate.value <= estimate.high <= 1


def test_precision_and_recall_are_of_held_out_examples():
    """Examples that have nothing in common cannot be told from others, though it knows each."""
    mixed = photos(40, seed=11)
    fitted = fit_probe(mixed[:20], mixed[20:], photos(300, seed=12))

    seen = found(fitted, mixed[:20])
    assert fitted.recall is not None
    assert fitted.recall.value < seen - 0.2
    assert fitted.recall.high < 0.95


@pytest.mark.parametrize(("k", "n"), [(0, 4), (1, 5), (4, 4), (70, 100)])
def test_interval_is_that_of_wilson(k, n):
    """Wilson's interval, by trying every share."""
    shares = np.linspace(0, 1, 100_001)[1:-1]
    unsurprised = shares[abs(k / n - shares) <= 1.959964 * np.sqrt(shares * (1 - shares) / n)]

    estimate = Proportion.of(k, n)

    assert estimate.value == k / n
    assert estimate.low == pytest.approx(unsurprised.min(), abs=2e-5)
    assert estimate.high == pytest.approx(unsurprised.max(), abs=2e-5)


def test_cut_maximizes_precision_times_recall_approximately():
    """By trying every photo of an album in which it is known who has the label."""
    rng = np.random.default_rng(4)
    has_it, has_not = rng.normal(3, 1, 400), rng.normal(0, 1, 4000)
    album = np.concatenate([has_it, has_not])

    def goodness(cut):
        given = (album >= cut).sum()
        return (has_it >= cut).sum() / max(1, given) * (has_it >= cut).mean()

    cut = _cut(np.full(40, 3.5), rng.normal(3, 1, 40), album)

    assert goodness(cut) > 0.93 * max(goodness(candidate) for candidate in album)


def test_indistinguishable_label_is_not_given_to_all_photos():
    rng = np.random.default_rng(4)

    cut = _cut(rng.normal(2, 1, 40), rng.normal(0, 1, 40), rng.normal(0, 1, 1000))

    assert cut >= 0.5


def test_thousands_of_examples_are_learned_from():
    p, q = photos(3000, topic=1, seed=5), photos(3000, topic=2, seed=5)

    fitted = fit_probe(p, q, ALBUM, words(1))

    assert found(fitted, photos(200, topic=1, seed=6)) > 0.9
    assert found(fitted, photos(200, topic=2, seed=6)) < 0.02
    assert fitted.recall is not None
    assert fitted.recall.high - fitted.recall.low < 0.05
    assert math.isfinite(fitted.threshold)
