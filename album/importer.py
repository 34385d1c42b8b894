"""Journey 1: PhotoImporter takes files in: decode once, encode, store; one photo, one transaction.

Decoding runs a bounded look-ahead in threads while the batch before is encoded. A kill between any
two lines leaves files that `repair` (at the next start) and the next import put right.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from album.active_encoder import Active, ActiveEncoder
from album.errors import PhotoNotFoundError, UnreadableImageError
from album.image_files import (
    READABLE_SUFFIXES,
    THUMBNAIL_PX,
    file_time,
    read_for_encoder,
    read_photo,
    thumbnail,
)
from album.originals import Originals, display_name, sha256_of
from album.photo import ImageFacts, ImportFailure, ImportReport, Photo
from album.store import NewPhoto, PhotoStore

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger(__name__)

DECODERS = max(2, min(8, os.cpu_count() or 2))
BATCH = 16  # small enough that the first photos are there at once, large enough for the encoder

OnProgress = Callable[[int, int, str], None]
"""(done, total, name of the photo just done)."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A file to import, and where its original is to live."""

    path: Path
    keep: bool
    """True: the file is in the album's keeping (staged) and becomes an original of its own."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a decoding thread found out about one arrival."""

    arrival: _Arrival
    sha256: str
    size_bytes: int
    file_time: datetime
    decoded: tuple[Image.Image, ImageFacts] | None
    """None: these bytes are in the album already."""


class PhotoImporter:
    """Takes files into the album, in place or into its own keeping."""

    def __init__(self, store: PhotoStore, originals: Originals, active: ActiveEncoder) -> None:
        self._store = store
        self._originals = originals
        self._active = active

    def find_photos(self, paths: Iterable[Path]) -> tuple[list[Path], int]:
        """The files to import out of files and folders, and how many others lie in the folders.

        A file named by itself is always tried. Folders are walked in order of name; hidden ones and
        the album's own data are left out.
        """
        files: list[Path] = []
        others = 0
        for path in paths:
            if not path.is_dir():
                files.append(path)
                continue
            for file in self._walk(path):
                if self.is_named_like_a_photo(file.name):
                    files.append(file)
                else:
                    others += 1
        return files, others

    @staticmethod
    def is_named_like_a_photo(name: str) -> bool:
        """Whether a file of a folder is worth opening, by the ending of its name."""
        return not name.startswith(".") and Path(name).suffix.lower() in READABLE_SUFFIXES

    def receive(self, uploads: Iterable[tuple[Path, str]]) -> list[Path]:
        """Take (file, name) uploads away into the album's keeping, to be imported as `staged`."""
        return [self._originals.receive(path, name, move=True) for path, name in uploads]

    def import_files(
        self,
        files: Sequence[Path],
        *,
        copy: bool = False,
        staged: bool = False,
        on_progress: OnProgress = lambda done, total, name: None,
        cancelled: Callable[[], bool] = lambda: False,
        closing: Callable[[], bool] = lambda: False,
    ) -> ImportReport:
        """Import files in place; or copies of them; or ones that `receive` has taken in.

        A file that cannot be read is reported and never stops the others.

        Args:
            files: what to import.
            copy: keep a copy of each original; the files themselves are never touched.
            staged: the files are in the album's keeping already.
            on_progress: called after each file.
            cancelled: asked before each file; photos that are in by then stay, other uploads go.
            closing: likewise, but the other uploads wait for the next start.

        Raises:
            ModelLoadingError: no model came in time.
        """
        started = time.monotonic()
        report = ImportReport()
        batch: list[_Looked] = []
        done = 0

        def finish(names: list[str]) -> None:
            nonlocal done
            for name in names:
                done += 1
                on_progress(done, len(files), name)

        self._active.current()  # before any work: without a model there is no import
        for path, looked in self._look_ahead(files, copy, staged, lambda: cancelled() or closing()):
            if isinstance(looked, UnreadableImageError):
                log.warning("left out %s: %s", path.name, looked)
                report.failed.append(ImportFailure(path, str(looked)))
                finish([display_name(path)])
            elif looked.decoded is None:
                self._already_here(looked, report)
                finish([display_name(path)])
            else:
                batch.append(looked)
            if len(batch) == BATCH:
                finish(self._add(batch, report))
                batch = []
        finish(self._add(batch, report))
        report.cancelled = done < len(files)
        if staged and report.cancelled and cancelled():
            for path in files:
                self._originals.drop(path)
        report.seconds = time.monotonic() - started
        log.info(
            "imported %d photos in %.1f s; %d were here, %d failed",
            len(report.added), report.seconds, report.already_here, len(report.failed),
        )  # fmt: skip
        return report

    def repair(self) -> None:
        """Finish what a crash interrupted between a row and its original; cheap when nothing is.

        Takes nothing that is new: it may belong to an import that another process is running.
        """
        for sha256, file in list(self._originals.identified()):
            photo = self._store.by_sha256(sha256)
            if photo is not None and photo.path is None and self._lost(photo):
                self._originals.keep(file, sha256, photo.file_type)
        self._originals.forget_old_copies()

    def interrupted(self) -> list[Path]:
        """Uploads that a crash left unimported; import them as `staged`. Only for the one process
        that owns the uploads: another one's running import looks the same."""
        return self._originals.uploads()

    def make_missing_thumbnails(self, stopped: Callable[[], bool]) -> None:
        """Make the thumbnails that are gone from the cache again."""
        for photo in self._store.all_photos():
            if stopped():
                return
            target = self._originals.thumbnail(photo.sha256)
            if target.exists():
                continue
            try:
                image, _ = read_photo(self._originals.find(photo), THUMBNAIL_PX)
            except (UnreadableImageError, PhotoNotFoundError) as error:
                log.warning("no thumbnail for photo %d: %s", photo.photo_id, error)
                continue
            self._originals.write_cache(target, thumbnail(image))

    # The steps

    def _walk(self, folder: Path) -> Iterator[Path]:
        own = self._originals.photos_dir.parent.resolve()
        for parent, folders, names in os.walk(folder):
            folders[:] = sorted(
                name
                for name in folders
                if not name.startswith(".") and (Path(parent) / name).resolve() != own
            )
            yield from (Path(parent) / name for name in sorted(names) if not name.startswith("."))

    def _look_ahead(
        self, files: Sequence[Path], copy: bool, staged: bool, ended: Callable[[], bool]
    ) -> Iterator[tuple[Path, _Looked | UnreadableImageError]]:
        """What the threads found, in the order of the files, at most two batches ahead."""
        size = self._active.current().encoder.image_size
        with ThreadPoolExecutor(DECODERS, thread_name_prefix="decode") as pool:
            ahead: deque[tuple[Path, Future[_Looked]]] = deque()
            rest = iter(files)
            while True:
                while len(ahead) < 2 * BATCH and not ended():
                    path = next(rest, None)
                    if path is None:
                        break
                    ahead.append((path, pool.submit(self._look, path, copy, staged, size)))
                if not ahead:
                    return
                path, future = ahead.popleft()
                if ended() and future.cancel():
                    continue
                try:
                    yield path, future.result()
                except UnreadableImageError as error:
                    yield path, error

    def _look(self, path: Path, copy: bool, staged: bool, encoder_px: int) -> _Looked:
        """Identify, decode and thumbnail one file; runs in a decoding thread.

        Raises:
            UnreadableImageError: it is no photo; a copy of it in the album's keeping is gone.
        """
        arrival = _Arrival(path, keep=staged)
        if not path.is_file():  # a named pipe would be read for ever
            raise UnreadableImageError("There is no such file.")
        try:
            if copy:
                arrival = _Arrival(self._originals.receive(path, path.name, move=False), keep=True)
            sha256 = sha256_of(arrival.path)
            if arrival.keep:
                identified = self._originals.note_identity(arrival.path, sha256)
                arrival = _Arrival(identified, keep=True)
            status = arrival.path.stat()
            taken = file_time(arrival.path)
            decoded = None
            if self._store.by_sha256(sha256) is None:
                image, facts = read_for_encoder(arrival.path, encoder_px)
                self._originals.write_cache(self._originals.thumbnail(sha256), thumbnail(image))
                decoded = image, facts
        except OSError as error:
            if arrival.keep and arrival.path != path:
                self._originals.drop(arrival.path)
            raise UnreadableImageError(_why_unreadable(error)) from error
        except UnreadableImageError:
            if arrival.keep:
                self._originals.drop(arrival.path)
            raise
        return _Looked(arrival, sha256, status.st_size, taken, decoded)

    def _add(self, batch: list[_Looked], report: ImportReport) -> list[str]:
        """Encode a batch and store its photos one by one; the names of all of them."""
        if not batch:
            return []
        active: Active = self._active.current()
        images = [looked.decoded[0] for looked in batch if looked.decoded is not None]
        embeddings = active.encoder.encode_images(images)  # (b, d)
        for looked, embedding in zip(batch, embeddings, strict=True):
            assert looked.decoded is not None  # the batch holds decoded ones only
            arrival = looked.arrival
            new = NewPhoto(
                sha256=looked.sha256,
                filename=display_name(arrival.path),
                path=None if arrival.keep else arrival.path.resolve(),
                size_bytes=looked.size_bytes,
                facts=looked.decoded[1],
                file_time=looked.file_time,
            )
            photo_id = self._store.add(new, active.encoder.model_id, embedding)
            if photo_id is None:  # the same bytes twice in one import
                self._already_here(looked, report)
                continue
            if arrival.keep:
                self._originals.keep(arrival.path, looked.sha256, new.facts.file_type)
            report.added.append(photo_id)
        active.index.sync()
        return [display_name(looked.arrival.path) for looked in batch]

    def _already_here(self, looked: _Looked, report: ImportReport) -> None:
        """Count a photo that the album has; where its original was lost, this one replaces it."""
        report.already_here += 1
        photo = self._store.by_sha256(looked.sha256)
        assert photo is not None  # photos are never deleted while an import runs
        if self._lost(photo):
            self._adopt(photo, looked.arrival)
        elif looked.arrival.keep:
            self._originals.drop(looked.arrival.path)

    def _lost(self, photo: Photo) -> bool:
        return not self._originals.path_of(photo).is_file()

    def _adopt(self, photo: Photo, arrival: _Arrival) -> None:
        if arrival.keep:
            self._store.move(photo.photo_id, None)  # first: `repair` goes by the row
            self._originals.keep(arrival.path, photo.sha256, photo.file_type)
        else:
            self._store.move(photo.photo_id, arrival.path.resolve())


def _why_unreadable(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "The album may not read this file."
    return f"The file could not be taken in: {error.strerror or error}."
