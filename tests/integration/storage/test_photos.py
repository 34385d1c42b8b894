"""What the rows promise that no journey shows by itself."""

from __future__ import annotations

import random
import threading
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from album.domain.photo import ImageFacts, SearchFilters
from album.storage.database import Database
from album.storage.labels import LabelStore
from album.storage.photo_rows import NewPhoto
from album.storage.photos import PhotoStore
from tests.support.captioning import set_caption


@pytest.fixture
def store(tmp_path):
    store = PhotoStore(Database(tmp_path / "album.db"))
    yield store
    store.database.close()


def new_photo(number: int) -> NewPhoto:
    rng = random.Random(number)
    facts = ImageFacts(
        file_type=rng.choice(["JPEG", "HEIC"]),
        width=rng.choice([3, 4]),
        height=rng.choice([3, 4]),
        taken_at=datetime(2020, 1, 1) + timedelta(days=rng.uniform(0, 1000)),
        camera=rng.choice(["A", "B", None]),
        latitude=rng.choice([1.0, None]),
        longitude=1.0,
    )
    return NewPhoto(
        f"{number:064x}", f"{number}.jpg", Path(f"/{number}.jpg"), 1, facts, datetime.now()
    )


FILTERS = {
    SearchFilters(): lambda photo: True,
    SearchFilters(camera="A"): lambda photo: photo.camera == "A",
    SearchFilters(camera="C"): lambda photo: False,
    SearchFilters(has_place=True): lambda photo: photo.latitude is not None,
    SearchFilters(orientation="portrait", file_type="HEIC"): lambda photo: (
        photo.width < photo.height and photo.file_type == "HEIC"
    ),
    SearchFilters(after=date(2021, 3, 4), before=date(2021, 12, 31)): lambda photo: (
        date(2021, 3, 4) <= photo.taken_at.date() <= date(2021, 12, 31)
    ),
    SearchFilters(has_caption=True): lambda photo: photo.photo_id % 5 == 0,
    SearchFilters(has_caption=False): lambda photo: photo.photo_id % 5 != 0,
    SearchFilters(label="seven", has_place=False): lambda photo: (
        photo.photo_id % 7 == 0 and photo.latitude is None
    ),
}


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_filter_result_is_stable(store, tmp_path, filters):
    """Also those that this process or another added, captioned or labelled in between."""
    elsewhere = PhotoStore(Database(tmp_path / "album.db"))
    for number in range(200):
        photo_id = (elsewhere if number % 3 else store).add(new_photo(number))
        if photo_id % 5 == 0:
            set_caption(elsewhere.database, photo_id, "words", "en")
        if photo_id % 7 == 0:
            LabelStore(elsewhere.database).set_by_person(photo_id, ["seven"])
        if number % 20 == 0:
            expected = [photo.photo_id for photo in store.all_photos() if FILTERS[filters](photo)]
            assert sorted(store.matching_ids(filters).tolist()) == expected
            assert store.count(filters) == len(expected)
    elsewhere.database.close()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_connections_end_with_their_threads(store):
    """300 short threads once held 609 descriptors, and then no database could be opened."""

    def read() -> None:
        store.count()
        with store.writing():
            pass

    store.count()
    before = open_files()
    for _ in range(30):
        threads = [threading.Thread(target=read) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # SQLite keeps the files of closed connections for the next ones, as many as were open at once.
    assert open_files() <= before + 2 * 10
    assert store.count() == 0


def test_new_reader_does_not_wait_for_writer(store):
    counted = threading.Event()

    def read() -> None:
        store.count()
        counted.set()

    with store.writing():
        threading.Thread(target=read).start()
        assert counted.wait(30)
