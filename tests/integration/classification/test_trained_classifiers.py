"""Trained classifiers at work on files and on the album."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from album.classification import trained_classifiers
from album.classification.trained_classifiers import TrainedHeads
from album.domain.classification import NONE, Prediction
from album.errors import PhotoNotFoundError, QueryError, UnreadableImageError
from models.classifiers.factory import DefaultClassifiers
from models.errors import ModelError
from models.interfaces import HeadCard, Shares, TrainedHead
from tests.support.fakes import COLOURS, FakeEncoder
from tests.support.images.make import make_photo, make_text
from tests.support.importing import take_in

NAMES = ("빨강", "green", "blue")
PRIMARY = ("red", "green", "blue")


def write_head(folder: Path, name: str = "colours", turned: int = 0, **changes: object) -> Path:
    """A classifier of what `FakeEncoder` sees; `turned` gives its classes each other's names."""
    where = folder / name
    where.mkdir(parents=True, exist_ok=True)
    rows = FakeEncoder().encode_texts(PRIMARY)
    arrays = {"head.weight": np.roll(4 * rows, turned, 0), "head.bias": np.zeros(3, np.float32)}
    save_file(arrays, where / "head.safetensors")
    card = {
        "format": 1,
        "classes": NAMES,
        "photos": [5, 5, 5],
        "mode": "features",
        "backbone": "clip",
        "model_id": "fake",
        "d": 16,
        "accuracy": {"value": 1.0, "low": 0.8, "high": 1.0},
        "trained_at": f"2026-01-02T03:04:{turned:02d}+00:00",
        "sha256": hashlib.sha256((where / "head.safetensors").read_bytes()).hexdigest(),
    }
    (where / "card.json").write_text(json.dumps(card | changes))
    return where


class Seeing:
    """A classifier that looks at pictures: the nearest of three colours."""

    image_size = 32

    def __init__(self, card: HeadCard) -> None:
        self.card = card
        self.seen: list[Image.Image] = []

    def of_images(self, images: Sequence[Image.Image]) -> Shares:
        self.seen += images
        encoder = FakeEncoder()
        odds = np.exp(4 * encoder.encode_images(images) @ encoder.encode_texts(PRIMARY).T)
        return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)

    def of_embeddings(self, embeddings):
        raise AssertionError("it looks at pictures")


class WithSeeing(DefaultClassifiers):
    """Knows one classifier more, that looks at pictures."""

    card = HeadCard("seeing", NAMES, (5, 5, 5), "finetune", "resnet50", None, 1.0, "2026-01-02")

    def __init__(self) -> None:
        self.head = Seeing(self.card)

    def heads(self, folder: Path) -> list[HeadCard]:
        return [self.card, *super().heads(folder)]

    def load_head(self, folder: Path, name: str) -> TrainedHead:
        return self.head if name == "seeing" else super().load_head(folder, name)


@pytest.fixture
def photos(tmp_path) -> dict[str, Path]:
    return {
        name: make_photo(tmp_path / "in" / f"{name}.jpg", colour, (90, 70))
        for colour, (name, *_) in COLOURS.items()
        if name in ("red", "green", "blue", "grey", "yellow")
    }


@pytest.fixture
def filled(album, photos):
    """The album with five photos; their ids by colour."""
    ids = {}
    for name, path in photos.items():
        [ids[name]] = take_in(album, [path]).added
    write_head(album.heads.folder)
    return album, ids


@pytest.fixture
def seeing(filled) -> tuple[TrainedHeads, Seeing, dict[str, int]]:
    album, ids = filled
    classifiers = WithSeeing()
    heads = TrainedHeads(
        album.store, album.originals, album.active, classifiers, album.heads.folder, album.decoder
    )
    return heads, classifiers.head, ids


def winner(verdict: Prediction | UnreadableImageError) -> str:
    assert isinstance(verdict, Prediction)
    return "none" if verdict.none else verdict.scores[0].label


def test_files_get_the_trained_classes(filled, photos, tmp_path):
    album, _ = filled
    broken = make_text(tmp_path / "broken.jpg")

    red, bad, green, grey = album.heads.classify_files(
        "colours", [photos["red"], broken, photos["green"], photos["grey"]]
    )

    assert isinstance(bad, UnreadableImageError)
    assert [winner(it) for it in (red, green, grey)] == ["빨강", "green", "none"]
    assert {score.label for score in red.scores} == set(NAMES)
    probabilities = [score.probability for score in red.scores]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1)
    assert not any(
        verdict.none for verdict in album.heads.classify_files("colours", [photos["grey"]], 0.0)
    )


def test_photos_are_classified_by_their_stored_vectors(filled, photos, monkeypatch):
    album, ids = filled
    expected = album.heads.classify_files("colours", [photos["blue"], photos["red"]])
    monkeypatch.setattr(FakeEncoder, "encode_images", None)  # nothing is encoded again

    found = album.heads.classify_photos("colours", [ids["blue"], ids["red"]])

    assert [winner(it) for it in found] == ["blue", "빨강"]
    for one, other in zip(found, expected, strict=True):
        assert one.scores[0].probability == pytest.approx(other.scores[0].probability, abs=1e-3)
    with pytest.raises(PhotoNotFoundError, match="This photo is not in the album"):
        album.heads.classify_photos("colours", [ids["red"], 999])


def test_whole_album_or_some_photos_are_sorted(filled):
    album, ids = filled
    told: list[tuple[int, int]] = []

    sorting = album.heads.sort("colours", None, 0.8, lambda *it: told.append(it))

    assert sorting.labels == NAMES
    assert sorting.photo_ids.tolist() == sorted(ids.values())
    assert sorting.photos_in_class(0)[0].tolist() == [ids["red"]]
    assert sorting.photos_in_class(1)[0].tolist() == [ids["green"]]
    assert ids["grey"] in sorting.photos_in_class(NONE)[0]
    assert told[-1] == (5, 5)
    some = album.heads.sort("colours", [ids["blue"], 999, ids["red"], ids["blue"]])
    assert some.photo_ids.tolist() == sorted([ids["blue"], ids["red"]])
    assert some.photos_in_class(NAMES.index("blue"))[0].tolist() == [ids["blue"]]
    assert len(album.heads.sort("colours", []).photo_ids) == 0


def test_photo_is_none_below_threshold_not_at_it(filled):
    """A photo is none of these below the threshold and not at it."""
    album, ids = filled
    [probability] = album.heads.sort("colours", [ids["yellow"]]).probabilities

    for threshold, is_none in ((probability, False), (probability + 0.001, True)):
        sorting = album.heads.sort("colours", [ids["yellow"]], threshold=float(threshold))
        assert (sorting.winners[0] == NONE) == is_none
        assert sorting.probabilities[0] == probability  # also where it is none


def test_blocks_of_any_size_give_the_same_sorting(filled, monkeypatch):
    album, _ = filled
    whole = album.heads.sort("colours")
    monkeypatch.setattr(trained_classifiers, "BLOCK_SHARES", 6)  # two photos
    told = []

    by_two = album.heads.sort("colours", on_progress=lambda *it: told.append(it))

    assert told == [(2, 5), (4, 5), (5, 5)]
    assert (by_two.winners == whole.winners).all()
    assert by_two.probabilities == pytest.approx(whole.probabilities)


def test_a_classifier_of_another_model_names_both(filled, photos):
    album, ids = filled
    write_head(album.heads.folder, "theirs", model_id="ViT-B-32/openai")
    for call in (
        lambda: album.heads.classify_files("theirs", [photos["red"]]),
        lambda: album.heads.classify_photos("theirs", [ids["red"]]),
        lambda: album.heads.sort("theirs"),
    ):
        with pytest.raises(QueryError, match=r"reads what ViT-B-32/openai sees, but .* with fake"):
            call()


def test_missing_or_damaged_classifier_is_a_sentence(filled):
    album, _ = filled
    with pytest.raises(ModelError, match='no trained classifier "nothing"'):
        album.heads.sort("nothing")
    (album.heads.folder / "colours" / "head.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match='"colours" is damaged'):
        album.heads.sort("colours")
    (album.heads.folder / "colours" / "card.json").write_bytes(b"")
    assert album.heads.cards() == []


def test_classifier_is_loaded_once_until_trained_again(filled, monkeypatch):
    album, ids = filled
    loads = []
    load = DefaultClassifiers.load_head

    def counting(self, folder, name):
        loads.append(name)
        return load(self, folder, name)

    monkeypatch.setattr(DefaultClassifiers, "load_head", counting)
    for _ in range(3):
        [verdict] = album.heads.classify_photos("colours", [ids["red"]])
    assert winner(verdict) == "빨강"
    assert loads == ["colours"]
    write_head(album.heads.folder, turned=1)
    [verdict] = album.heads.classify_photos("colours", [ids["red"]])
    assert winner(verdict) == "green"
    assert loads == ["colours"] * 2


def test_cards_tell_what_is_there_newest_first(filled):
    album, _ = filled
    write_head(album.heads.folder, "later", turned=5)
    assert [card.name for card in album.heads.cards()] == ["later", "colours"]


def test_one_that_looks_at_pictures_is_given_pictures(seeing, photos, tmp_path):
    heads, head, ids = seeing
    broken = make_text(tmp_path / "broken.jpg")

    red, bad = heads.classify_files("seeing", [photos["red"], broken])
    [blue] = heads.classify_photos("seeing", [ids["blue"]])

    assert [winner(red), winner(blue)] == ["빨강", "blue"]
    assert isinstance(bad, UnreadableImageError)
    assert {image.mode for image in head.seen} == {"RGB"}


def test_album_is_sorted_by_thumbnails_without_originals(seeing, filled, photos):
    heads, _, ids = seeing
    album, _ = filled
    for name in ("red", "green"):  # one that was lost altogether, one that has a thumbnail still
        album.originals.path_of(album.store.get(ids[name])).unlink()
    album.originals.thumbnail(album.store.get(ids["red"]).sha256).unlink()
    told = []

    sorting = heads.sort("seeing", on_progress=lambda *it: told.append(it))

    assert sorting.photo_ids.tolist() == sorted(ids[it] for it in ids if it != "red")
    assert sorting.photos_in_class(1)[0].tolist() == [ids["green"]]
    assert told[-1] == (5, 5)
    with pytest.raises(PhotoNotFoundError, match=r"red.jpg is not where it was"):
        heads.classify_photos("seeing", [ids["red"]])


def test_images_are_encoded_in_batches(seeing, monkeypatch):
    heads, _, ids = seeing
    whole = heads.sort("seeing")
    monkeypatch.setattr(trained_classifiers, "BATCH", 2)
    told = []

    by_two = heads.sort("seeing", on_progress=lambda *it: told.append(it))

    assert told == [(2, 5), (4, 5), (5, 5)]
    assert (by_two.winners == whole.winners).all()
    some = heads.sort("seeing", [999, ids["green"]])
    assert some.photo_ids.tolist() == [ids["green"]]
