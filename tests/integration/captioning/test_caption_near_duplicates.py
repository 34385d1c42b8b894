"""Photos of one moment that look the same share a caption; others never do."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from album.captioning.near_duplicates import LATEST_GROUPS, NearDuplicates
from album.domain.photo import ImageFacts
from album.storage.database import Database
from album.storage.photo_rows import NewPhoto
from album.storage.photos import PhotoStore

START = datetime(2024, 5, 1, 12)
RED, NEARLY_RED, OTHER = (1.0, 0.0), (0.99, 0.14107), (0.95, 0.31225)


@pytest.fixture
def store(tmp_path):
    store = PhotoStore(Database(tmp_path / "album.db"))
    yield store
    store.database.close()


def add(store, seconds, vector=None, timed=True):
    number = store.count()
    when = START + timedelta(seconds=seconds)
    facts = ImageFacts("JPEG", 4, 3, **({"taken_at": when, "taken_from": "exif"} if timed else {}))
    new = NewPhoto(f"{number:064x}", "x.jpg", None, 1, facts, when)
    if vector is None:
        return store.add(new)
    return store.add(new, "m", np.array(vector, np.float32))


def test_groups_hold_similar_photos_of_one_moment(store):
    first, second = add(store, 0, RED), add(store, 1, NEARLY_RED)
    other, third = add(store, 2, OTHER), add(store, 3, RED)
    later = add(store, 60, RED)
    not_seen, no_time = add(store, 2), add(store, 2, RED, timed=False)

    groups = NearDuplicates(store).groups([later, second, third, first, other, not_seen, no_time])

    assert sorted(map(sorted, groups)) == sorted(
        [[first, second, third], [other], [later], [not_seen], [no_time]]
    )
    assert [first] == [it[0] for it in groups if len(it) > 1]


def test_groups_hold_only_requested_photos(store):
    first, second = add(store, 0, RED), add(store, 1, RED)

    assert NearDuplicates(store).groups([second]) == [[second]]
    assert NearDuplicates(store).groups([]) == []
    assert NearDuplicates(store).groups([second, first]) == [[first, second]]


def test_album_without_vectors_has_no_groups(store):
    ids = [add(store, n) for n in range(3)]

    assert NearDuplicates(store).groups(ids) == [[it] for it in ids]


def test_long_series_is_compared_with_latest_groups(store):
    kinds = np.eye(LATEST_GROUPS + 2)
    ids = [add(store, n, it) for n, it in enumerate(kinds)]
    again = add(store, len(ids), kinds[0])

    groups = NearDuplicates(store).groups([*ids, again])

    assert len(groups) == len(ids) + 1
