"""The move from one model to the next: nobody waits, no photo is left behind."""

from __future__ import annotations

import math
import threading
import time

import pytest

from album.classification.label_sources import TextClasses
from album.domain.labels import SortOptions
from album.errors import ModelLoadingError
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from models.errors import WeightsUnavailableError
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder
from tests.support.images.make import make_photo
from tests.support.importing import take_in


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


def test_search_waits_for_the_first_model(tmp_path):
    album = Album(tmp_path / "data", DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    threading.Timer(0.2, album.active.set_encoder, [FakeEncoder()]).start()

    assert album.search.find("red").model_id == "fake"
    album.close()


def test_search_without_model_raises_loading_error(tmp_path):
    album = Album(tmp_path / "data", DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())

    with pytest.raises(ModelLoadingError):
        album.active.current(wait_s=0)
    album.close()


def test_new_model_takes_over_when_photos_are_encoded(filled):
    new = HeldEncoder("new")
    filled.active.set_encoder(new)

    assert filled.search.find("red").model_id == "fake"
    assert filled.search.find("red").hits[0].photo.filename == "red.png"
    new.go.set()
    eventually(lambda: filled.active.model_id == "new")

    page = filled.search.find("red")
    assert page.model_id == "new"
    assert page.hits[0].photo.filename == "red.png"
    assert filled.store.encoded_by() == {"fake": 3, "new": 3}
    assert list(filled.faults()) == []


def test_photo_imported_during_filling_is_encoded(filled, tmp_path):
    new = HeldEncoder("new")
    filled.active.set_encoder(new)
    take_in(filled, [make_photo(tmp_path / "white.png", "white")])
    new.go.set()

    eventually(lambda: filled.store.encoded_by().get("new") == 4)
    eventually(lambda: filled.active.model_id == "new")

    assert filled.search.find("white").hits[0].photo.filename == "white.png"


def test_earlier_vectors_are_reused(filled):
    class Unused(FakeEncoder):
        def encode_images(self, images):
            raise AssertionError("every photo has its vector already")

    filled.close()
    album = Album(filled.data_dir, DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    encoder = Unused()
    album.active.set_encoder(encoder)
    album.active.encode_missing(album.active.current())

    assert album.serving == "fake"
    assert album.search.find("blue").hits[0].photo.filename == "blue.png"
    album.close()


def test_photo_without_original_is_encoded_from_thumbnail(filled):
    for photo in filled.store.all_photos():
        photo.path.unlink()
    filled.active.set_encoder(FakeEncoder("new"))

    eventually(lambda: filled.active.model_id == "new")

    assert filled.search.find("red").hits[0].photo.filename == "red.png"


# A model that is loaded when it is needed, as by commands


class Loads:
    """Loads an encoder, and counts how often it is asked to."""

    def __init__(self, *results: FakeEncoder | Exception) -> None:
        self.results = list(results) or [FakeEncoder()]
        self.asked = 0

    def __call__(self) -> FakeEncoder:
        self.asked += 1
        result = self.results[min(self.asked, len(self.results)) - 1]
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture
def again(filled):
    """The library with three photos once more, as a command opens it; and its loads."""
    filled.close()
    album = Album(filled.data_dir, DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    loads = Loads()
    album.active.load_when_needed(loads, album.serving)
    yield album, loads
    album.close()


def test_unchanged_folder_is_scanned_without_a_model(again, tmp_path):
    album, loads = again

    record = album.imports.run([tmp_path])

    assert (record.state, record.added, record.already_here) == ("done", 0, 3)
    assert loads.asked == 0


def test_a_new_photo_loads_the_model_once(again, tmp_path):
    album, loads = again
    for number in range(40):
        make_photo(tmp_path / "new" / f"{number}.png", (number, 200, 3 * number))

    record = album.imports.run([tmp_path / "new"])

    assert (record.added, loads.asked) == (40, 1)
    assert album.store.encoded_by() == {"fake": 43}


def test_only_visual_queries_load_the_model(again):
    album, loads = again

    assert album.search.find("2001").total == 0
    assert album.search.find("").total == 3
    assert loads.asked == 0
    assert album.search.find("red").hits[0].photo.filename == "red.png"
    assert album.search.find("blue").hits[0].photo.filename == "blue.png"
    assert loads.asked == 1


def test_many_threads_load_one_model(again):
    album, loads = again
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(album.active.current())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert loads.asked == 1
    assert len({id(it) for it in found}) == 1
    assert len(found) == 8


def test_failed_model_load_raises_and_is_retried(again, tmp_path):
    album, loads = again
    loads.results = [WeightsUnavailableError("No weights."), FakeEncoder()]
    make_photo(tmp_path / "new" / "white.png", "white")

    with pytest.raises(WeightsUnavailableError):
        album.imports.run([tmp_path / "new"])
    (failed, *_) = album.imports.recent(1)
    assert (failed.state, failed.problem) == ("failed", "No weights.")
    assert album.imports.resume_here(failed.import_id).added == 1
    assert loads.asked == 2


def test_unexpected_model_encodes_all_photos_first(again):
    album, loads = again
    loads.results = [FakeEncoder("new")]

    assert album.active.model_id == "fake"
    assert album.search.find("red").hits[0].photo.filename == "red.png"
    assert album.active.model_id == "new"
    assert album.store.encoded_by() == {"fake": 3, "new": 3}


def test_living_labels_that_are_behind_load_the_model(again, tmp_path):
    album, loads = again
    plan = album.labelling.plan(TextClasses("red\nblue", SortOptions(strictness=-math.inf)))
    album.labelling.apply(plan, living=True)
    take_in(album, [make_photo(tmp_path / "scarlet.png", (250, 5, 5))])
    album.labels.remove("red")
    album.close()
    once_more = Album(album.data_dir, DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    loads = Loads()
    once_more.active.load_when_needed(loads, once_more.serving)
    assert once_more.labelling.catch_up() == 0
    assert loads.asked == 0  # no rule is behind
    with once_more.database.connection as db:
        db.execute("UPDATE label_rules SET seen = 0")

    once_more.labelling.catch_up()
    assert loads.asked == 1
    once_more.close()
