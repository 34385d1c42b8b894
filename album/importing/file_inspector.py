"""Inspection of one file: whose bytes it has, and how it decodes.

It runs in many threads at once. Each waits for a decoder most of its time.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from album.domain.photo import ImportRecord
from album.errors import DISK_FULL, AlbumError, UnreadableImageError, is_full
from album.images.decoder import Decoded, Decoder
from album.importing.scanner import ScannedFile
from album.runtime.files import has_room, sha256_of
from album.storage.imports import ImportStore
from album.storage.originals import Originals, file_time
from album.storage.photos import PhotoStore


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """A file with its identity and its decoded content."""

    scanned: ScannedFile
    path: Path
    """Where its bytes are now."""
    in_library: bool
    """Whether `path` is in the album's own folder, to become an original there."""
    sha256: str
    size_bytes: int
    file_time: datetime
    decoded: Decoded | None
    """None: the album has these bytes, with all that describes them."""
    has_new_sidecars: bool
    """Whether the album has the bytes, but not these sidecars."""


class FileInspector:
    """Inspects the files of one import."""

    def __init__(
        self,
        record: ImportRecord,
        store: PhotoStore,
        imports: ImportStore,
        originals: Originals,
        decoder: Decoder,
        encoder_px: Callable[[], int],
    ) -> None:
        """Inspect for one import.

        `encoder_px` returns the image size of the encoder. It is called for new photos, in many
        threads.
        """
        self._record = record
        self._store = store
        self._imports = imports
        self._originals = originals
        self._decoder = decoder
        self._encoder_px = encoder_px

    def inspect(self, scanned: ScannedFile) -> InspectedFile:
        """Identify one file, and decode it if it is new.

        Raises:
            UnreadableImageError: it is no photo. A copy of it in the library is gone.
            AlbumError: the album's disk is full.
        """
        path, sidecars = Path(scanned.path), [Path(sidecar) for sidecar in scanned.sidecars]
        if scanned.archive is None and not path.is_file():  # reading a FIFO would block
            raise UnreadableImageError("There is no such file.")
        in_library = self._record.kind == "upload" and scanned.archive is None
        try:
            if scanned.archive is not None or self._record.kind == "copy":
                path, sidecars = self._copy(scanned)
                in_library = True
            sha256 = sha256_of(path)
            if in_library:
                path, sidecars = self._originals.note_identity(path, sha256, sidecars)
            size_bytes, time = path.stat().st_size, file_time(path)
            decoded = None
            known = self._store.by_sha256(sha256) is not None
            new_sidecars = known and self._has_new_sidecars(scanned)
            if new_sidecars or not known:
                decoded = self._decoder.decode(path, self._encoder_px(), sidecars)
                self._originals.write_cache(self._originals.thumbnail(sha256), decoded.thumbnail)
        except UnreadableImageError:
            if in_library:
                self._discard(path)
            raise
        except OSError as error:
            full = is_full(error) or error.errno == errno.EROFS
            waits_for_room = full and self._originals.is_upload(path)
            if in_library and not waits_for_room:
                self._discard(path)
            if full:
                raise AlbumError(DISK_FULL) from error
            raise UnreadableImageError(_why_unreadable(error)) from error
        return InspectedFile(
            scanned, path, in_library, sha256, size_bytes, time, decoded, new_sidecars
        )

    def _copy(self, scanned: ScannedFile) -> tuple[Path, list[Path]]:
        """Copy a file and its sidecars into the library, or none."""
        originals = self._originals
        folder, half = originals.new_folder(self._record.import_id), originals.new_half()
        path = originals.place_in(folder, scanned.name)
        targets = [
            originals.place_in(folder, PurePosixPath(name).name) for name in scanned.sidecars
        ]
        try:
            if not has_room(folder, 0 if scanned.stamp is None else scanned.stamp.size_bytes):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            for sidecar, target in zip(scanned.sidecars, targets, strict=True):
                scanned.copy(sidecar, target)
            scanned.copy(scanned.path, half)
            return half.replace(path), targets
        except BaseException:
            half.unlink(missing_ok=True)
            originals.discard(path)
            raise

    def _has_new_sidecars(self, scanned: ScannedFile) -> bool:
        """Whether the sidecars changed or appeared since the file was recorded."""
        current = "" if scanned.stamp is None else scanned.stamp.sidecars
        record = self._imports.find_file(scanned.path)
        return current != ("" if record is None else record.stamp.sidecars)

    def _discard(self, path: Path) -> None:
        """Remove a copy. An upload is kept for another try."""
        if self._originals.is_upload(path):
            self._originals.quarantine(path)
        else:
            self._originals.discard(path)


def _why_unreadable(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "The album may not read this file."
    return f"The file could not be taken in: {error.strerror or error}."
