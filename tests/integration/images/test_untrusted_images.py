"""Whatever the album does with a picture, decoder processes do the decoding, and nobody waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from album.domain.captions import CaptionSelection
from album.errors import UnreadableImageError
from album.images.decoder import Decoded
from album.images.decoder_pool import DecodePool
from album.maintenance.repair import repair
from album.search.request import SearchRequest
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from models.interfaces import Turn
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder
from tests.support.images.make import make_photo
from tests.support.importing import take_in

PATIENCE_S = 60


class Refusing(DecodeHere):
    """Decodes until it is told to refuse everything; holds a picture while `go` is not set."""

    def __init__(self) -> None:
        self.refuses = False
        self.here = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def pass_on(self) -> None:
        self.here.set()
        assert self.go.wait(PATIENCE_S)
        if self.refuses:
            raise UnreadableImageError("It says no.")

    def decode(self, path: Path, encoder_px: int, sidecars: Sequence[Path] = ()) -> Decoded:
        self.pass_on()
        return super().decode(path, encoder_px, sidecars)

    def image(self, path: Path, encoder_px: int) -> Image.Image:
        self.pass_on()
        return super().image(path, encoder_px)

    def thumbnail(self, path: Path) -> bytes:
        self.pass_on()
        return super().thumbnail(path)

    def large_view(self, path: Path) -> bytes:
        self.pass_on()
        return super().large_view(path)

    def full_view(self, path: Path) -> bytes:
        self.pass_on()
        return super().full_view(path)

    def small_jpeg(self, path: Path) -> bytes:
        self.pass_on()
        return super().small_jpeg(path)


@pytest.fixture
def decoder() -> Refusing:
    return Refusing()


@pytest.fixture
def album(tmp_path: Path, decoder: Refusing) -> Iterator[Album]:
    album = Album(tmp_path / "data", DefaultClassifiers(), FakeCaptioner(), decoder=decoder)
    album.active.set_encoder(FakeEncoder(), fill=False)
    take_in(album, [make_photo(tmp_path / f"{name}.png", name) for name in ("red", "blue")])
    yield album
    decoder.go.set()
    album.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return make_photo(tmp_path / "query.png", "red")


def caption_all(album: Album) -> None:
    job_id = album.captions.start_job(CaptionSelection((1, 2)), ["en"])
    album.captions.drain()
    if album.captions.job(job_id).failed:
        raise UnreadableImageError(album.captions.failures(job_id)[0].failure)


def make_thumbnails(album: Album) -> None:
    small = album.originals.thumbnail(album.photo(1).sha256)
    small.unlink()
    album.importer.make_missing_thumbnails(lambda: False)
    if not small.exists():
        raise UnreadableImageError("It says no.")


def open_photo(album: Album) -> None:
    album.originals.thumbnail(album.photo(1).sha256).unlink()  # it would be shown instead
    album.large_view(1)


def repair_all(album: Album) -> None:
    album.originals.thumbnail(album.photo(1).sha256).unlink()
    report = repair(album.store, album.originals, album.active, album.embeddings_dir)
    if report.left:
        raise UnreadableImageError(report.left[0].partition("again. ")[2])


def classify(album: Album, picture: Path) -> None:
    [verdict] = album.classifier.classify_files([picture], "red\nblue")
    if isinstance(verdict, UnreadableImageError):
        raise verdict


def encode_again(album: Album) -> None:
    album.active.set_encoder(FakeEncoder("another"), fill=False)
    assert album.active._next is not None
    album.active.encode_missing(album.active._next)
    if album.store.encoded_by().get("another") != 2:
        raise UnreadableImageError("It says no.")


JOURNEYS: dict[str, Callable[[Album, Path], object]] = {
    "search": lambda album, picture: album.search.find(SearchRequest(pictures=(picture,))),
    "all hits": lambda album, picture: album.search.all_ids(SearchRequest(pictures=(picture,))),
    "chip": lambda album, picture: album.picture_of(picture),
    "classify": classify,
    "describe": lambda album, picture: album.describer.describe_file(picture, ["red", "blue"]),
    "open": lambda album, picture: open_photo(album),
    "ask": lambda album, picture: album.captions.answer(1, [Turn("person", "Who?")], "en"),
    "captions": lambda album, picture: caption_all(album),
    "thumbnails": lambda album, picture: make_thumbnails(album),
    "repair": lambda album, picture: repair_all(album),
    "another model": lambda album, picture: encode_again(album),
}


@pytest.mark.parametrize("journey", JOURNEYS)
def test_pictures_are_decoded_by_the_decoder_alone(album, decoder, picture, journey):
    decoder.refuses = True
    with pytest.raises(UnreadableImageError, match=r"It says no\."):
        JOURNEYS[journey](album, picture)


@pytest.mark.parametrize("journey", JOURNEYS)
def test_what_the_decoder_makes_is_used(album, picture, journey):
    JOURNEYS[journey](album, picture)


def test_slow_image_blocks_no_other_search(album, decoder, picture):
    decoder.here.clear()
    decoder.go.clear()
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(album.search.find, SearchRequest(pictures=(picture,)))
        assert decoder.here.wait(PATIENCE_S)
        try:
            quick = threads.submit(album.search.find, "red")
            assert quick.result(PATIENCE_S).hits[0].photo.filename == "red.png"
            assert not slow.done()
        finally:
            decoder.go.set()
        assert slow.result(PATIENCE_S).hits[0].photo.filename == "red.png"


def test_later_page_does_not_decode_again(album, decoder, picture):
    question = SearchRequest(pictures=(picture,), rest=True)
    first = album.search.find(question, limit=1)
    decoder.refuses = True

    second = album.search.find(question, offset=1, limit=1)

    assert [it.hits[0].photo.filename for it in (first, second)] == ["red.png", "blue.png"]


def test_repeated_query_image_is_not_decoded_again(album, decoder, picture):
    jpeg = album.picture_of(picture)
    decoder.refuses = True

    assert album.picture_of(picture) == jpeg


def test_urgent_decode_is_not_queued_behind_import(tmp_path):
    """Both have workers of their own, of the same kind; those of imports stand back."""
    album = Album(tmp_path / "data", DefaultClassifiers(), FakeCaptioner())
    try:
        assert isinstance(album.decoder, DecodePool)
        assert isinstance(album.urgent_decoder, DecodePool)
        assert album.urgent_decoder is not album.decoder
    finally:
        album.close()
