"""Looker: what one file to import is: whose bytes it has, and how it decodes.

Runs in many threads at once; each waits for a decoder most of its time.
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
    """What was found out about one file."""

    found: ScannedFile
    path: Path
    """Where its bytes are now."""
    kept: bool
    """Whether they are in the album's keeping, to become an original of its own."""
    sha256: str
    size_bytes: int
    file_time: datetime
    decoded: Decoded | None
    """None: these bytes are in the album already, with all that describes them."""
    anew: bool
    """Whether the bytes are in the album already, but what describes them is new."""


class FileInspector:
    """Looks at the files of one import."""

    def __init__(
        self,
        record: ImportRecord,
        store: PhotoStore,
        imports: ImportStore,
        originals: Originals,
        decoder: Decoder,
        encoder_px: Callable[[], int],
    ) -> None:
        """Look for one import; `encoder_px` is asked for photos that are new, in many threads."""
        self._record = record
        self._store = store
        self._imports = imports
        self._originals = originals
        self._decoder = decoder
        self._encoder_px = encoder_px

    def look(self, found: ScannedFile) -> InspectedFile:
        """Identify one file, and decode it unless the album knows all of it.

        Raises:
            UnreadableImageError: it is no photo; a copy of it in the album's keeping is gone.
            AlbumError: the album's disk is full.
        """
        path, sidecars = Path(found.path), [Path(sidecar) for sidecar in found.sidecars]
        if found.archive is None and not path.is_file():  # a pipe would be read for ever
            raise UnreadableImageError("There is no such file.")
        kept = self._record.kind == "upload" and found.archive is None
        try:
            if found.archive is not None or self._record.kind == "copy":
                path, sidecars = self._copied(found)
                kept = True
            sha256 = sha256_of(path)
            if kept:
                path, sidecars = self._originals.note_identity(path, sha256, sidecars)
            size_bytes, time = path.stat().st_size, file_time(path)
            decoded = None
            known = self._store.by_sha256(sha256) is not None
            anew = known and self._has_new_sidecars(found)
            if anew or not known:
                decoded = self._decoder.decode(path, self._encoder_px(), sidecars)
                self._originals.write_cache(self._originals.thumbnail(sha256), decoded.thumbnail)
        except UnreadableImageError:
            if kept:
                self._put_away(path)
            raise
        except OSError as error:
            full = is_full(error) or error.errno == errno.EROFS
            if kept and not (full and self._originals.is_upload(path)):  # which waits for room
                self._put_away(path)
            if full:
                raise AlbumError(DISK_FULL) from error
            raise UnreadableImageError(_why_unreadable(error)) from error
        return InspectedFile(found, path, kept, sha256, size_bytes, time, decoded, anew)

    def _copied(self, found: ScannedFile) -> tuple[Path, list[Path]]:
        """A copy of a file, and of what describes it, in the album's keeping; whole or none."""
        originals = self._originals
        folder, half = originals.new_folder(self._record.import_id), originals.new_half()
        path = originals.place_in(folder, found.name)
        beside = [originals.place_in(folder, PurePosixPath(it).name) for it in found.sidecars]
        try:
            if not has_room(folder, 0 if found.stamp is None else found.stamp.size_bytes):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            for sidecar, target in zip(found.sidecars, beside, strict=True):
                found.copy(sidecar, target)
            found.copy(found.path, half)
            return half.replace(path), beside
        except BaseException:
            half.unlink(missing_ok=True)
            originals.discard(path)
            raise

    def _has_new_sidecars(self, found: ScannedFile) -> bool:
        """Whether what describes the file changed since it was seen, or came later than it."""
        now = "" if found.stamp is None else found.stamp.sidecars
        seen = self._imports.find_file(found.path)
        return now != ("" if seen is None else seen.stamp.sidecars)

    def _put_away(self, path: Path) -> None:
        """An upload that cannot be read may be tried again; a copy has its source."""
        if self._originals.is_upload(path):
            self._originals.quarantine(path)
        else:
            self._originals.discard(path)


def _why_unreadable(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "The album may not read this file."
    return f"The file could not be taken in: {error.strerror or error}."
