"""The move from one model to the next: nobody waits, no photo is left behind."""

from __future__ import annotations

import threading
import time

import pytest

from album.errors import ModelLoadingError
from album.service import Album
from models.classifiers import OwnClassifiers
from tests.fakes import DecodeHere, FakeCaptioner, FakeEncoder
from tests.images.make import make_photo
from tests.importing import take_in


class HeldEncoder(FakeEncoder):
    """Encodes only once it is let go, so that a test can look at the time between."""

    def __init__(self, model_id: str) -> None:
        super().__init__(model_id)
        self.go = threading.Event()

    def encode_images(self, images):
        assert self.go.wait(30)
        return super().encode_images(images)


def eventually(condition, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        threading.Event().wait(0.01)


@pytest.fixture
def filled(album, tmp_path):
    paths = [make_photo(tmp_path / f"{colour}.png", colour) for colour in ("red", "blue", "green")]
    take_in(album, paths)
    return album


def test_a_search_waits_for_the_first_model_and_then_answers(tmp_path):
    album = Album(tmp_path / "data", OwnClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    threading.Timer(0.2, album.active.offer, [FakeEncoder()]).start()

    assert album.search.find("red").model_id == "fake"
    album.close()


def test_without_a_model_a_search_says_that_it_is_loading(tmp_path):
    album = Album(tmp_path / "data", OwnClassifiers(), FakeCaptioner(), decoder=DecodeHere())

    with pytest.raises(ModelLoadingError):
        album.active.current(wait_s=0)
    album.close()


def test_a_new_model_takes_over_only_when_every_photo_is_encoded(filled):
    new = HeldEncoder("new")
    filled.active.offer(new)

    assert filled.search.find("red").model_id == "fake"
    assert filled.search.find("red").hits[0].photo.filename == "red.png"
    new.go.set()
    eventually(lambda: filled.active.model_id == "new")

    page = filled.search.find("red")
    assert page.model_id == "new"
    assert page.hits[0].photo.filename == "red.png"
    assert filled.store.encoded_by() == {"fake": 3, "new": 3}
    assert list(filled.faults()) == []


def test_a_photo_imported_while_the_new_model_was_filling_is_not_left_behind(filled, tmp_path):
    new = HeldEncoder("new")
    filled.active.offer(new)
    take_in(filled, [make_photo(tmp_path / "white.png", "white")])
    new.go.set()

    eventually(lambda: filled.store.encoded_by().get("new") == 4)
    eventually(lambda: filled.active.model_id == "new")

    assert filled.search.find("white").hits[0].photo.filename == "white.png"


def test_vectors_of_an_earlier_run_are_used_and_not_made_again(filled):
    class Unused(FakeEncoder):
        def encode_images(self, images):
            raise AssertionError("every photo has its vector already")

    filled.close()
    album = Album(filled.data_dir, OwnClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    encoder = Unused()
    album.active.offer(encoder)
    album.active.encode_missing(album.active.current())

    assert album.serving == "fake"
    assert album.search.find("blue").hits[0].photo.filename == "blue.png"
    album.close()


def test_a_photo_whose_original_is_gone_is_encoded_by_its_thumbnail(filled):
    for photo in filled.store.all_photos():
        photo.path.unlink()
    filled.active.offer(FakeEncoder("new"))

    eventually(lambda: filled.active.model_id == "new")

    assert filled.search.find("red").hits[0].photo.filename == "red.png"
