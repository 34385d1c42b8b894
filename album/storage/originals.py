"""Files of the photos: their paths, and how they arrive atomically.

    data/incoming/half/<uuid>            being written, invalid after a crash
    data/incoming/new/<token>/<name>     arrived, not read yet (`copy-<token>`: of a copy)
    data/incoming/<sha256>.<token>/<name>  read, its row may come any moment
    data/incoming/failed/<token>/<name>  an unreadable upload, kept for some days
    data/photos/<ab>/<sha256>.<ext>      the original of a row, byte for byte, never written again
    data/thumbnails/<ab>/<sha256>.jpg    caches that can be rebuilt
    data/thumbnails/large/...            larger views, see `view_cache`

A token begins with the id of its import. Sidecars arrive beside their photo and stay beside it as
`<sha256>.<ext>.xmp` and `.json`. A photo imported in place stays where it is: its row has the
path, and only caches are made here.

People may name their files freely. So an incomplete file is known by its folder, and where the
album chooses the names, by a name that no photo has.
"""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter
from pathlib import Path

from album.domain.photo import Photo
from album.errors import CANNOT_OPEN, PhotoNotFoundError, UnreadableImageError
from album.images.file_types import file_kind
from album.runtime.files import sha256_of

SUFFIXES = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".gif",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "HEIC": ".heic",
    "AVIF": ".avif",
    "JXL": ".jxl",
}
"""Suffix by file type. Others, such as the many kinds of RAW, keep their own."""
PARTIAL = ".part"  # behind a UUID: being written, in a folder whose names the album gives
COPY = "copy-"  # token prefix of a copy. An upload may be the only file of its photo
COPIES_KEPT_S = 86_400  # an import that is running keeps a copy waiting for seconds
FAILED_KEPT_S = 7 * 86_400
_HALF = re.compile(rf"[0-9a-f]{{32}}{re.escape(PARTIAL)}")
_ENDING = re.compile(r"\.[a-z0-9]{1,8}")
_LONGEST_NAME = 255  # bytes that a disk takes, zips have longer ones


class Originals:
    """Files of one data folder, by the sha256 of the photo."""

    def __init__(self, data_dir: Path) -> None:
        """Use the folders below `data_dir`, and create missing ones."""
        self.photos_dir = data_dir / "photos"
        self.thumbnails_dir = data_dir / "thumbnails"
        self.incoming_dir = data_dir / "incoming"
        self._new = self.incoming_dir / "new"
        self._failed = self.incoming_dir / "failed"
        self._half = self.incoming_dir / "half"
        self._not_arrivals = (self._new, self._failed, self._half)
        for folder in (self.photos_dir, self.thumbnails_dir, *self._not_arrivals):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError:
                if not data_dir.is_dir():
                    raise
                # One that cannot be written to can still be looked at.

    # Paths

    def stored_path(self, photo: Photo) -> Path:
        """Return the path of an original that the album keeps."""
        suffix = SUFFIXES.get(photo.file_type) or Path(photo.filename).suffix.lower()
        plain = self.photos_dir / photo.sha256[:2] / photo.sha256
        kept = plain.with_name(f"{plain.name}{suffix}")
        # An ending that is none could be longer than a disk takes, and is in no backup.
        return kept if _ENDING.fullmatch(suffix) or os.path.lexists(kept) else plain

    def path_of(self, photo: Photo) -> Path:
        """Return the path where the original of a photo belongs."""
        return photo.path or self.stored_path(photo)

    def find(self, photo: Photo) -> Path:
        """Return the path of an existing original.

        Raises:
            PhotoNotFoundError: the file is missing.
        """
        path = self.path_of(photo)
        if not path.is_file():
            raise PhotoNotFoundError(
                "The original of {filename} is not where it was; put it back or import it again.",
                filename=photo.filename,
            )
        return path

    def thumbnail(self, sha256: str) -> Path:
        """Return the path where the thumbnail of a photo belongs."""
        return self.thumbnails_dir / sha256[:2] / f"{sha256}.jpg"

    # Arrival

    def receive_upload(
        self,
        source: Path,
        name: str,
        *,
        import_id: int,
        sidecars: Iterable[tuple[Path, str]] = (),
    ) -> Path:
        """Move an upload into the album's incoming folder under its own name.

        Args:
            source: the file, with any name.
            name: the person's name for it, without folders.
            import_id: the import that it belongs to.
            sidecars: its sidecars with the person's names for them. They are copied, since they may
                describe other files too.
        """
        folder = self._folder(import_id, copy=False)
        for sidecar, sidecar_name in sidecars:  # first: when the photo is there, all of it is
            shutil.copyfile(sidecar, folder / sidecar_name)
        return _move(source, folder / name, self.new_half())

    def new_folder(self, import_id: int) -> Path:
        """Create a folder for one complete copy."""
        return self._folder(import_id, copy=True)

    def new_half(self) -> Path:
        """Return a temporary path on the disk of the data folder."""
        return self._half / uuid.uuid4().hex

    def place_in(self, folder: Path, name: str) -> Path:
        """Return a copy's path in its folder, cutting long names."""
        return folder / _short(name)

    def note_identity(
        self, arrived: Path, sha256: str, sidecars: Iterable[Path] = ()
    ) -> tuple[Path, list[Path]]:
        """File an arrived original with its sidecars under its sha256.

        A crash cannot separate them, since their folder is renamed as a whole.

        Returns:
            The new paths of the original and the sidecars.
        """
        token = arrived.parent.name.rpartition(".")[
            2
        ]  # the token alone, if it was identified before
        folder = self.incoming_dir / f"{sha256}.{token}"
        arrived.parent.replace(folder)
        return folder / arrived.name, [folder / sidecar.name for sidecar in sidecars]

    def store_original(self, identified: Path, photo: Photo) -> None:
        """Move an identified original with its sidecars to its final path.

        Safe to repeat, also by two processes at once.
        """
        final = self.stored_path(photo)
        final.parent.mkdir(exist_ok=True)
        for sidecar in _files(identified.parent):
            if sidecar != identified and file_kind(sidecar.name) == "sidecar":
                beside = final.with_name(final.name + sidecar.suffix.lower())
                _move_if_there(sidecar, beside)
        if not final.exists():
            _move_if_there(identified, final)
            if not final.exists():
                raise FileNotFoundError(identified)
        self.discard(identified)

    def discard(self, arrived: Path) -> None:
        """Delete an arrived file that is a duplicate, unreadable or cancelled."""
        if self.incoming_dir in arrived.parent.parents:  # never a folder of the person's own
            shutil.rmtree(arrived.parent, ignore_errors=True)

    def quarantine(self, upload: Path) -> None:
        """Keep an unreadable upload for some days, to be retried."""
        if self.incoming_dir in upload.parent.parents:
            upload.parent.replace(self._failed / upload.parent.name.rpartition(".")[2])

    def is_upload(self, arrived: Path) -> bool:
        """Return whether an incoming file is an upload, its only copy."""
        return COPY not in arrived.parent.name

    def within_incoming(self, arrived: Path) -> Path:
        """Return `<token>/<name>` of an incoming file."""
        parts = arrived.relative_to(self.incoming_dir).parts
        return Path(*parts[1:] if parts[0] == self._new.name else parts)

    def has_quarantined(self, import_id: int) -> bool:
        """Return whether unreadable uploads of an import are still here."""
        return any(self._failed.glob(f"{import_id}-*"))

    def retry(self, failed_import: int, import_id: int) -> list[Path]:
        """Move the quarantined uploads of an import into another import."""
        uploads = []
        for folder in sorted(self._failed.glob(f"{failed_import}-*")):
            again = self._new / f"{import_id}-{uuid.uuid4().hex}"
            folder.replace(again)
            uploads += _whole_files(again)
        return uploads

    def hand_over(self, upload: Path, import_id: int) -> None:
        """Move an incoming upload to another import."""
        upload.parent.replace(self._new / f"{import_id}-{uuid.uuid4().hex}")

    def identified(self) -> Iterator[tuple[str, Path]]:
        """Yield (sha256, file) of every original that awaits its final path."""
        for folder in _folders(self.incoming_dir):
            if folder not in self._not_arrivals:
                sha256 = folder.name.partition(".")[0]
                yield from ((sha256, file) for file in _whole_files(folder, sha256))

    def uploads(self, import_id: int | None = None) -> list[Path]:
        """Return incoming uploads of an import (None: all), and delete empty folders."""
        folders = [
            folder
            for parent in (self.incoming_dir, self._new)
            for folder in _folders(parent)
            if folder not in self._not_arrivals and COPY not in folder.name
        ]
        return [
            file
            for folder in folders
            if import_id is None or _import_of(folder) == str(import_id)
            for file in _whole_files(folder)
        ]

    def uploads_without(self, import_ids: Iterable[int]) -> list[Path]:
        """Return incoming uploads that belong to none of these imports."""
        uploads = self.uploads()
        known = self.uploads_of(uploads, import_ids)
        return [file for file in uploads if file not in known]

    def uploads_of(self, uploads: Iterable[Path], import_ids: Iterable[int]) -> set[Path]:
        """Return those uploads that belong to one of these imports."""
        known = {str(import_id) for import_id in import_ids}
        return {file for file in uploads if _import_of(file.parent) in known}

    def forget_old(self) -> None:
        """Delete copies that a crash left behind, and old quarantined uploads."""
        for pattern, kept_s in (
            (f"*.{COPY}*", COPIES_KEPT_S),
            (f"new/{COPY}*", COPIES_KEPT_S),
            ("failed/*", FAILED_KEPT_S),
            ("half/*", COPIES_KEPT_S),
        ):
            for path in self.incoming_dir.glob(pattern):
                try:
                    status = path.stat()
                    # A copy has the time of its source before it is moved to its place.
                    at = status.st_ctime if path.parent == self._half else status.st_mtime
                    old = at < time.time() - kept_s
                    if old and not path.is_dir():
                        path.unlink()
                    elif old:
                        shutil.rmtree(path, ignore_errors=True)
                except FileNotFoundError:  # of an import that is running
                    continue

    # Caches

    def state_of_thumbnails(self) -> list[int]:
        """Return the change times of the thumbnail folders, to detect changes."""
        try:
            with os.scandir(self.thumbnails_dir) as folders:
                # Large views are made when they are looked at.
                small = [entry for entry in folders if entry.is_dir() and entry.name != "large"]
                return [entry.stat().st_mtime_ns for entry in sorted(small, key=attrgetter("name"))]
        except OSError:
            return []

    def write_cache(self, path: Path, content: bytes) -> None:
        """Write a thumbnail atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{uuid.uuid4().hex}{PARTIAL}")
        try:
            partial.write_bytes(content)
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise

    def _folder(self, import_id: int, *, copy: bool) -> Path:
        folder = self._new / f"{COPY if copy else ''}{import_id}-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        return folder


def is_half(file: Path) -> bool:
    """Return whether a file among the album's own is incomplete."""
    return _HALF.fullmatch(file.name) is not None


def _move(source: Path, target: Path, half: Path | None = None) -> Path:
    """Move a file atomically, from any disk.

    Args:
        source: the file.
        target: its new path.
        half: a temporary path on the disk of `target`. None: beside it.
    """
    try:
        return source.replace(target)
    except FileNotFoundError:
        raise
    except OSError:  # another disk: copy, then delete
        partial = half or target.with_name(uuid.uuid4().hex + PARTIAL)
        shutil.copyfile(source, partial)
        shutil.copystat(source, partial)  # its time may be all that is known of the capture
        partial.replace(target)
        source.unlink(missing_ok=True)
        return target


def _move_if_there(source: Path, target: Path) -> None:
    """Move a file unless another process did."""
    try:
        _move(source, target)
    except FileNotFoundError:
        return


def _import_of(folder: Path) -> str:
    """Return the id of the import in a folder's token, as text."""
    return folder.name.rpartition(".")[2].removeprefix(COPY).partition("-")[0]


def _folders(folder: Path) -> list[Path]:
    """List a folder, which a person may have deleted."""
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):  # another process's import went on meanwhile
        return []


def _short(name: str) -> str:
    """Cut a name to the disk's limit, keeping its suffix.

    It may end in the middle of a character.
    """
    whole, ending = os.fsencode(name), os.fsencode(Path(name).suffix)
    if len(whole) <= _LONGEST_NAME:
        return name
    ending = ending if len(ending) <= _LONGEST_NAME // 4 else b""
    return os.fsdecode(whole[: _LONGEST_NAME - len(ending)] + ending)


def _whole_files(folder: Path, sha256: str = "") -> list[Path]:
    """Return a folder's files without sidecars, and delete an empty folder.

    A photo may have the name of a sidecar. `sha256`, where it is known, identifies it.
    """
    arrived = _files(folder)
    files = [file for file in arrived if file_kind(file.name) != "sidecar"]
    files = files or [file for file in arrived if sha256 and _has_bytes(file, sha256)]
    if not files:
        shutil.rmtree(folder, ignore_errors=True)
    return files


def _has_bytes(file: Path, sha256: str) -> bool:
    try:
        return sha256_of(file) == sha256
    except OSError:  # moved to its final path just now
        return False


def file_time(path: Path) -> datetime:
    """Return the modification time: naive local time, to the second.

    Raises:
        UnreadableImageError: the file cannot be opened.
    """
    try:
        seconds = int(path.stat().st_mtime)
    except OSError as error:
        raise UnreadableImageError(CANNOT_OPEN) from error
    # Some disks hold times outside any calendar. 32 bits cover 1970 to 2106.
    return datetime.fromtimestamp(min(max(seconds, 0), 2**32 - 1))
