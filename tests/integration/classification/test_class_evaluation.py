"""How well classes decide, held against what people say."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from album.classification.label_sources import TextClasses, TrainedClassifier
from album.domain.labels import LabelPlan, LabelRule, PlannedLabel, SortOptions
from album.errors import QueryError
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from models.errors import ModelError
from models.interfaces import HeadCard
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder
from tests.support.images.make import make_photo
from tests.support.importing import take_in

CLASSES = "빨강 | red\nblue | 파랑\ngreen"
EVERYTHING = SortOptions(strictness=-math.inf)
SHADES = {
    "red": [(250, 10, 10), (230, 40, 20), (200, 30, 60), (150, 40, 110), (110, 20, 140)],
    "blue": [(10, 10, 250), (40, 20, 220), (90, 30, 190), (120, 20, 130)],
    "green": [(10, 170, 10), (40, 150, 40), (20, 120, 130)],
}


@pytest.fixture
def ids(album, tmp_path) -> dict[str, list[int]]:
    """By colour the photos of it; of some nobody could say what they are."""
    return _taken_in(album, tmp_path)


def _taken_in(album, tmp_path) -> dict[str, list[int]]:
    paths = [
        make_photo(tmp_path / "photos" / f"{colour}{n}.png", shade)
        for colour, shades in SHADES.items()
        for n, shade in enumerate(shades)
    ]
    take_in(album, paths)
    by_name = {photo.filename: photo.photo_id for photo in album.store.all_photos()}
    return {
        colour: [by_name[f"{colour}{n}.png"] for n in range(len(shades))]
        for colour, shades in SHADES.items()
    }


def give(album, ids, **labels: str) -> None:
    for colour, label in labels.items():
        album.labels.give(label, ids[colour])


def everyone(ids) -> list[int]:
    return [photo_id for colour in SHADES for photo_id in ids[colour]]


def test_decisions_are_counted_by_what_people_say(album, ids):
    give(album, ids, red="red", blue="파랑", green="GREEN")  # synonyms, and letters of any size

    report = album.class_evaluation.evaluate(TextClasses(CLASSES, EVERYTHING))

    sorting = album.classifier.sort_photos(CLASSES, EVERYTHING)
    taken_for = dict(zip(sorting.photo_ids.tolist(), sorting.winners.tolist(), strict=True))
    confusion = np.zeros((3, 4), np.int64)
    for row, colour in enumerate(SHADES):
        for photo_id in ids[colour]:
            confusion[row, taken_for[photo_id]] += 1
    assert report.labels == ("빨강", "blue", "green")
    assert np.array_equal(report.confusion, confusion)
    assert confusion.sum() == report.photos == 12
    assert 0 < report.accuracy.value < 1  # lest a count of nothing passes
    assert report.accuracy.value == np.trace(confusion) / 12
    assert report.accuracy.low < report.accuracy.value < report.accuracy.high
    for c in range(3):
        precision, recall = report.precision[c], report.recall[c]
        assert precision is not None
        assert recall is not None
        assert precision.value == confusion[c, c] / confusion[:, c].sum()
        assert recall.value == confusion[c, c] / confusion[c].sum()


def test_none_of_these_has_a_column_and_misses(album, ids):
    give(album, ids, red="red", blue="blue", green="green")

    strict = album.class_evaluation.evaluate(TextClasses(CLASSES, SortOptions(strictness=math.inf)))

    assert strict.confusion[:, -1].tolist() == [5, 4, 3]
    assert strict.accuracy.value == 0
    assert strict.precision == (None, None, None)
    assert all(recall is not None and recall.value == 0 for recall in strict.recall)
    everything = album.class_evaluation.evaluate(TextClasses(CLASSES, EVERYTHING))
    assert strict.bins == everything.bins  # of the best class, wanted or not


def test_calibration_is_that_of_the_slow_way(album, ids):
    give(album, ids, red="red", blue="blue", green="green")

    report = album.class_evaluation.evaluate(TextClasses(CLASSES, EVERYTHING))

    verdicts = album.classifier.classify_photos(everyone(ids), CLASSES, EVERYTHING)
    told = [c for c, colour in enumerate(SHADES) for _ in ids[colour]]
    names = ["빨강", "blue", "green"]
    error = 0.0
    for b in range(10):
        inside = [
            (verdict.scores[0].probability, verdict.scores[0].label == names[c])
            for verdict, c in zip(verdicts, told, strict=True)
            if b / 10 < verdict.scores[0].probability <= (b + 1) / 10
        ]
        it = report.bins[b]
        assert (it.low, it.high, it.count) == (b / 10, (b + 1) / 10, len(inside))
        if inside:
            confidence, accuracy = np.mean(inside, axis=0)
            assert it.confidence == pytest.approx(confidence, abs=1e-6)
            assert it.accuracy == pytest.approx(accuracy)
            error += len(inside) / 12 * abs(confidence - accuracy)
    assert report.ece == pytest.approx(error, abs=1e-6)
    assert error > 0.01


@pytest.mark.parametrize("bias", [None, -5.0])
def test_best_temperature_makes_labels_most_probable(album, ids, monkeypatch, bias):
    """The labels of people are most probable at that temperature, also by a sigmoid's model."""
    monkeypatch.setattr(album.active.current().encoder, "logit_bias", bias, raising=False)
    give(album, ids, red="red", blue="blue", green="green")

    best = album.class_evaluation.evaluate(TextClasses(CLASSES)).best_temperature

    def surprise(temperature):
        predictions = album.classifier.classify_photos(
            everyone(ids), CLASSES, SortOptions(temperature=temperature)
        )
        names = dict(zip(("빨강", "blue", "green"), ("red", "blue", "green"), strict=True))
        truth = {photo_id: colour for colour, photos in ids.items() for photo_id in photos}
        return -sum(
            math.log(score.probability)
            for photo_id, prediction in zip(everyone(ids), predictions, strict=True)
            for score in prediction.scores
            if names[score.label] == truth[photo_id]
        )

    assert surprise(best) < min(surprise(best * 1.1), surprise(best / 1.1))


def test_ambiguous_and_rule_labels_do_not_count(album, ids):
    """Photos of two of the classes and labels that a rule gave do not count."""
    give(album, ids, red="red", blue="blue")
    album.labels.give("blue", [ids["red"][0]])
    album.labels.give("Holiday", [ids["red"][1]])  # no class of the list
    adds = np.array(ids["green"], np.int64)
    planned = PlannedLabel(
        rule=LabelRule("green", "words", {}),
        adds=adds,
        probabilities=np.ones(len(adds), np.float32),
        takes=np.empty(0, np.int64),
        kept=0,
        refused=0,
    )
    album.labels.apply(LabelPlan((planned,)), living=False)

    report = album.class_evaluation.evaluate(TextClasses(CLASSES, EVERYTHING))

    assert report.confusion.sum(axis=1).tolist() == [4, 4, 0]
    assert report.recall[2] is None


def test_first_name_of_a_class_outweighs_synonyms(album, ids):
    """A class is what it is called first and only then its synonyms."""
    give(album, ids, red="red", blue="blue")

    report = album.class_evaluation.evaluate(TextClasses("warm | blue\nred\nblue", EVERYTHING))

    assert report.confusion.sum(axis=1).tolist() == [0, 5, 4]


def test_only_the_photos_asked_for_count(album, ids):
    give(album, ids, red="red", blue="blue", green="green")

    some = [*ids["red"][:2], *ids["blue"][:1], 99_999]

    assert album.class_evaluation.evaluate(TextClasses(CLASSES), photo_ids=some).photos == 3


@pytest.mark.parametrize("labels", [{}, {"red": "red"}, {"red": "Holiday", "blue": "Work"}])
def test_too_few_labelled_photos_are_one_sentence(album, ids, labels):
    give(album, ids, **labels)

    with pytest.raises(QueryError, match=r"two of the classes.*\.$"):
        album.class_evaluation.evaluate(TextClasses(CLASSES))


def test_long_list_reports_the_classes_that_occur(album, ids):
    give(album, ids, red="red", blue="blue")
    many = "\n".join(f"thing {n}" for n in range(200))

    report = album.class_evaluation.evaluate(TextClasses(f"{many}\nblue\nred", EVERYTHING))

    assert {"red", "blue"} <= set(report.labels)
    assert len(report.labels) < 20
    assert report.confusion.shape == (len(report.labels), len(report.labels) + 1)
    assert report.photos == 9


class ByBrightness:
    """A trained head that calls what is rather red so."""

    card = HeadCard(
        name="mine",
        classes=("dark_blue", "red"),
        photos=(5, 5),
        mode="features",
        backbone="clip",
        model_id="fake",
        accuracy=0.9,
        trained_at="2026-11-21T10:00:00",
    )
    image_size = 0

    def of_embeddings(self, embeddings):
        red = FakeEncoder().encode_texts(["red"])[0]
        shares = np.clip(0.5 + embeddings @ red / 2, 0, 1)
        return np.stack([1 - shares, shares], axis=1).astype(np.float32)

    def of_images(self, images):
        raise ModelError("It reads embeddings.")


class WithHead(DefaultClassifiers):
    def heads(self, folder: Path):
        return [ByBrightness.card]

    def load_head(self, folder: Path, name: str):
        if name != "mine":
            raise ModelError("There is no such classifier.")
        return ByBrightness()


def test_trained_head_is_evaluated_on_the_same_labels(tmp_path, towns):
    album = _album(tmp_path, towns, WithHead(), FakeEncoder())
    ids = _taken_in(album, tmp_path)
    give(album, ids, red="red", blue="Dark Blue")

    report = album.class_evaluation.evaluate(TrainedClassifier("mine"))
    strict = album.class_evaluation.evaluate(TrainedClassifier("mine", threshold=0.95))

    shares = ByBrightness().of_embeddings(_vectors(album, [*ids["blue"], *ids["red"]]))
    right = shares[np.arange(9), [0] * 4 + [1] * 5]
    assert report.labels == ("dark_blue", "red")
    assert report.accuracy.value == (right > 0.5).mean()
    assert strict.confusion[:, -1].sum() == (shares.max(axis=1) < 0.95).sum() > 0
    assert strict.bins == report.bins
    assert report.best_temperature is None
    with pytest.raises(ModelError, match="no such"):
        album.class_evaluation.evaluate(TrainedClassifier("yours"))
    album.close()


def _album(tmp_path, towns, classifiers, encoder) -> Album:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "places").symlink_to(towns)
    album = Album(tmp_path / "data", classifiers, FakeCaptioner(), decoder=DecodeHere())
    album.active.set_encoder(encoder, fill=False)
    return album


def _vectors(album, photo_ids):
    index = album.active.current().index
    return np.concatenate([index.vectors_of(np.array([it], np.int64)) for it in photo_ids])
