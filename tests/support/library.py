"""A small library put together by hand, for tests of what happens to its files."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from album.domain.photo import ImageFacts
from album.encoding.active_encoder import ActiveEncoder
from album.errors import UnreadableImageError
from album.images.decoder import Decoded
from album.runtime.files import display_name, sha256_of
from album.storage.database import Database
from album.storage.originals import Originals, file_time
from album.storage.photo_rows import NewPhoto
from album.storage.photos import PhotoStore
from tests.support.fakes import FakeEncoder
from tests.support.images.make import make_photo


class PlainDecoder:
    """Decodes in this process, without precautions: these files are the tests' own."""

    def decode(self, path: Path, encoder_px: int, sidecars: Sequence[Path] = ()) -> Decoded:
        try:
            with Image.open(path) as opened:
                image, kind = opened.convert("RGB"), str(opened.format)
        except OSError as error:
            raise UnreadableImageError(f"{error}.") from error
        small = io.BytesIO()
        image.save(small, "JPEG")
        return Decoded(image, ImageFacts(kind, *image.size), small.getvalue())

    def image(self, path: Path, encoder_px: int) -> Image.Image:
        return self.decode(path, encoder_px).image

    def thumbnail(self, path: Path) -> bytes:
        return self.decode(path, 0).thumbnail

    def large_view(self, path: Path) -> bytes:
        return self.thumbnail(path)

    def full_view(self, path: Path) -> bytes:
        return self.thumbnail(path)

    def small_jpeg(self, path: Path) -> bytes:
        return self.thumbnail(path)

    def close(self) -> None: ...


class Library:
    """The parts of an album that lie on the disk, without its journeys."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.embeddings_dir = data_dir / "embeddings"
        self.originals = Originals(data_dir)
        self.database = Database(data_dir / "album.db")
        self.store = PhotoStore(self.database)
        self.active = ActiveEncoder(self.store, self.originals, self.embeddings_dir, PlainDecoder())

    def set_encoder(self) -> None:
        """Load the model that sees colours, which opens its matrix."""
        self.active.set_encoder(FakeEncoder(), fill=False)

    def add(self, path: Path, *, keep: bool, encode: bool = True) -> int:
        """What an import of `path` leaves: a row, a vector, a thumbnail, perhaps a copy."""
        sha256 = sha256_of(path)
        decoded = PlainDecoder().decode(path, FakeEncoder.image_size)
        self.originals.write_cache(self.originals.thumbnail(sha256), decoded.thumbnail)
        new = NewPhoto(
            sha256=sha256,
            filename=display_name(path),
            path=None if keep else path,
            size_bytes=path.stat().st_size,
            facts=decoded.facts,
            file_time=file_time(path),
        )
        if encode:
            encoder = FakeEncoder()
            photo_id = self.store.add(
                new, encoder.model_id, encoder.encode_images([decoded.image])[0]
            )
        else:
            photo_id = self.store.add(new)
        assert photo_id is not None
        if keep:
            kept = self.originals.stored_path(self.store.get(photo_id))
            kept.parent.mkdir(exist_ok=True)
            shutil.copy2(path, kept)
        return photo_id

    def close(self) -> None:
        self.active.stop()
        self.database.close()


@contextmanager
def library(data_dir: Path) -> Iterator[Library]:
    opened = Library(data_dir)
    yield opened
    opened.close()


def photo(path: Path, number: int, colour: str | None = None) -> Path:
    """A photo of its own bytes: of one colour that depends on `number`, or of `colour`."""
    shade = (number * 37 % 256, number * 91 % 256, number * 11 % 256)
    return make_photo(path, colour or shade, size=(40 + number % 50, 30 + number // 50))


def contents(folder: Path, *but: str) -> dict[str, bytes | None]:
    """Every file below `folder` with its bytes, and every folder; names in `but` left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if not set(but) & set(path.relative_to(folder).parts)
    }


def rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    db = database.connection
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        table: sorted((tuple(row) for row in db.execute(f"SELECT * FROM {table}")), key=repr)
        for table in tables
    }
