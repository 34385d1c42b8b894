"""Originals on the disk: moved, edited, missing, and back again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from album.domain.photo import ImportRecord, Photo
from album.errors import AlbumError
from album.importing.file_inspector import InspectedFile
from album.importing.progress import ImportCounters
from album.importing.scanner import Blocked, FileScanner, ScannedFile
from album.runtime.files import display_name
from album.storage.imports import ImportStore
from album.storage.originals import Originals
from album.storage.photos import PhotoStore

NO_IMPORT = 0  # imports are counted from 1


@dataclass(frozen=True, slots=True)
class DiskState:
    """State of a photo's files on the disk before an import."""

    lost_original: Path | None = None
    """Missing original of the photo that has these bytes."""
    edited_photo: int | None = None
    """Photo whose original lay here before the file got these bytes."""
    old_copy: Path | None = None
    """Another file with the former bytes of that photo."""


class OriginalTracker:
    """Follows the originals of photos through the folders that they lie in."""

    def __init__(self, store: PhotoStore, imports: ImportStore, originals: Originals) -> None:
        self._store = store
        self._imports = imports
        self._originals = originals

    def scanner(self, sources: list[Path] | tuple[Path, ...]) -> FileScanner:
        """Return a scanner that stays out of the album's own data folder."""
        return FileScanner(sources, self._originals.photos_dir.parent)

    def is_lost(self, photo: Photo) -> bool:
        """Tell whether the original of a photo is gone from the disk."""
        return not self._originals.path_of(photo).is_file()

    def disk_state(self, file: InspectedFile) -> DiskState:
        """Look up a file's photo on the disk.

        Disks may be slow: call it before a transaction, never within one.
        """
        photo = self._store.by_sha256(file.sha256)
        if photo is not None:
            path = self._originals.path_of(photo)
            return DiskState(lost_original=None if path.is_file() else path)
        edited = self.edited_photo(file)
        if edited is None:
            return DiskState()
        return DiskState(edited_photo=edited, old_copy=self._copy(Path(file.scanned.path), edited))

    def edited_photo(self, file: InspectedFile) -> int | None:
        """Return the photo whose original lay at this path with other bytes."""
        record = None if file.in_library else self._imports.find_file(file.scanned.path)
        return record.photo_id if record is not None and record.is_original else None

    def move(self, photo_id: int, path: Path) -> None:
        """Set where the original of a photo is now."""
        self._store.move(photo_id, path, display_name(path))

    def has_news(self, folder: Path, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Tell whether a rescan of a folder would change anything.

        Compares names, sizes and times alone, and writes nothing. A folder that cannot be read was
        reported by the import before, and is no news by itself.

        Args:
            folder: the folder to look through.
            stopped: called often. True ends the search without news.
        """
        present: set[str] = set()
        for scanned in self.scanner([folder]).walk():
            if stopped():
                return False
            if isinstance(scanned, Blocked) or scanned.stamp is None:
                continue
            record = self._imports.find_file(scanned.path)
            if (
                record is None
                or record.stamp != scanned.stamp
                or (record.missing and record.is_original)
            ):
                return True
            if record.photo_id is None:
                continue
            if not record.is_original and self.is_lost(self._store.get(record.photo_id)):
                return True  # it can take the place of the original
            present.add(scanned.path)
        return any(
            str(path) not in present
            and not os.path.lexists(path)
            and self._is_expected_at(photo_id, path)
            for path, photo_id in self._imports.unvisited_photos(folder, NO_IMPORT)
        )

    def mark_missing(self, record: ImportRecord, counters: ImportCounters) -> None:
        """Mark the photos missing in the scanned folders of an import."""
        for source in record.sources:
            if not source.is_dir():
                continue
            for path, photo_id in self._imports.unvisited_photos(source, record.import_id):
                if str(path) in counters.unchanged or os.path.lexists(path):
                    continue  # another import saw it, or it is in a folder that is closed
                if not self._is_expected_at(photo_id, path):
                    continue
                copy = self._copy(path, photo_id)
                if copy is not None:
                    self.move(photo_id, copy)
                else:
                    self._imports.mark_missing(photo_id, True)
                    counters.add("missing")

    def refuse_unplugged(self, record: ImportRecord) -> None:
        """Check that the sources with known photos are there and not empty.

        Raises:
            AlbumError: a disk with photos of the album is not mounted.
        """
        for source in record.sources:
            empty = source.is_dir() and not any(source.iterdir())
            if (empty or not source.exists()) and self._imports.counts_below(source)[0]:
                raise _unplugged(source)

    def _is_expected_at(self, photo_id: int, path: Path) -> bool:
        """Whether a photo's original belongs at `path` and is not missing."""
        photo = self._store.get(photo_id)
        return photo.path == path and not photo.missing

    def _copy(self, path: Path, photo_id: int) -> Path | None:
        """Another file with the bytes of a photo."""
        places = self._imports.places_of(photo_id)
        return next((place for place in places if place != path and place.is_file()), None)


def refuse_unplugged_meanwhile(record: ImportRecord, file: ScannedFile | Blocked) -> None:
    """Check that a file's disk was not pulled out.

    Raises:
        AlbumError: the source that the file lies in is gone.
    """
    for source in record.sources:
        if not source.exists() and source in Path(file.path).parents:
            raise _unplugged(source)


def _unplugged(folder: Path) -> AlbumError:
    return AlbumError(
        "The folder {display_name} is not there: plug its disk in or put it back, and import it "
        "again; nothing was changed.",
        display_name=display_name(folder),
    )
