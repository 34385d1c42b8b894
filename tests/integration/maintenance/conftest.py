"""Libraries to back up, check and repair."""

from __future__ import annotations

import os
import time

import pytest

from album.storage.caption_queue import CaptionQueue
from album.storage.labels import LabelStore
from album.storage.view_cache import ViewCache
from tests.support.backups import COLOURS
from tests.support.captioning import set_caption
from tests.support.library import library, photo
from tests.support.repairs import PHOTOS, made_up_jpeg


@pytest.fixture
def source(tmp_path):
    """Photos kept and in place, one of the folders gone, with all that a person adds."""
    with library(tmp_path / "data") as source:
        for number, colour in enumerate(COLOURS):
            folder = ("here", "gone")[number % 2]
            path = photo(tmp_path / folder / f"{number}.jpg", number, colour)
            os.utime(path, ns=(0, 1_600_000_000_123_456_789 + number))
            photo_id = source.add(path, keep=number >= 6)
            set_caption(source.database, photo_id, f"사진 {number}", "ko")
            LabelStore(source.database).set_by_person(photo_id, ["여행", f"no. {number}"])
        CaptionQueue(source.database).start_job([[1]], ["en"], time.time())
        source.set_encoder()
        yield source


@pytest.fixture
def sound(tmp_path):
    """The folder of a library of photos in place (odd ids) and kept (even ids)."""
    with library(tmp_path / "data") as made:
        for number in range(PHOTOS):
            path = photo(tmp_path / "photos" / f"{number}.jpg", number)
            made.add(path, keep=number % 2 == 1)
        made.originals.write_cache(
            ViewCache(made.originals).path(made.store.get(1).sha256, "large"), made_up_jpeg()
        )
        made.set_encoder()
    return tmp_path / "data"
