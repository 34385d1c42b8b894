"""Views that a person waits for: made once, and stood for where they cannot be made."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from album.domain.photo import Photo
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder
from tests.support.images.make import make_photo
from tests.support.importing import take_in


class Counting(DecodeHere):
    """Counts the views that it makes, and waits for a permit."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.go = threading.Event()
        self.go.set()

    def large_view(self, path: Path) -> bytes:
        self.made.append("large")
        assert self.go.wait(60)
        return super().large_view(path)

    def full_view(self, path: Path) -> bytes:
        self.made.append("full")
        return super().full_view(path)


@pytest.fixture
def decoder() -> Counting:
    return Counting()


@pytest.fixture
def album(tmp_path: Path, decoder: Counting) -> Iterator[Album]:
    album = Album(tmp_path / "data", DefaultClassifiers(), FakeCaptioner(), decoder=decoder)
    album.active.set_encoder(FakeEncoder(), fill=False)
    take_in(album, [make_photo(tmp_path / "wide.png", "red", size=(3000, 1500))])
    yield album
    album.close()


@pytest.fixture
def photo(album: Album) -> Photo:
    return album.photo(1)


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return image.size


def test_views_are_made_once(album: Album, photo: Photo, decoder: Counting) -> None:
    assert album.images.find_view(photo) is None
    for _ in range(2):
        assert size_of(album.images.view(photo)) == (2560, 1280)
        assert size_of(album.images.view(photo, "full")) == (3000, 1500)

    assert decoder.made == ["large", "full"]
    assert album.images.find_view(photo) == album.images.view_path(photo, "large")


def test_simultaneous_requests_make_one_view(album: Album, photo: Photo, decoder: Counting) -> None:
    decoder.go.clear()
    views: list[Path] = []
    waiting = [
        threading.Thread(target=lambda: views.append(album.images.view(photo))) for _ in range(4)
    ]
    for thread in waiting:
        thread.start()
    decoder.go.set()
    for thread in waiting:
        thread.join(60)

    assert len(set(views)) == 1
    assert len(views) == 4
    assert decoder.made == ["large"]


def test_missing_original_is_stood_for(album: Album, photo: Photo) -> None:
    original = album.originals.find(photo)
    thumbnail = album.originals.thumbnail(photo.sha256)
    content = original.read_bytes()
    original.unlink()
    assert album.images.view(photo) == album.images.view(photo, "full") == thumbnail

    original.write_bytes(content)  # it is back
    large = album.images.view(photo)
    assert size_of(large) == (2560, 1280)
    original.unlink()
    assert album.images.view(photo, "full") == large
